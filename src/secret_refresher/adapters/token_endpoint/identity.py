"""Who we are in TLS: a client certificate with its key (RFC 8705 section 2), as it was read.

Both come from one read of the mounted files, so a pair that is swapped while it is read is never
mixed. OpenSSL takes a certificate chain from a file only; it gets one that exists in memory,
has no name, and is wiped and closed when it has been read.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import ssl
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from secret_refresher.adapters.token_endpoint.validity import validity
from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.tokens.secret import Secret

_CERTIFICATE = re.compile(
    rb"-----BEGIN (?:X509 )?CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END (?:X509 )?CERTIFICATE-----"
)
_KEY = re.compile(rb"-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----[A-Za-z0-9+/=\s]+-----END \1-----")
_ENCRYPTED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: *4, *ENCRYPTED")
_PUBLIC = b"-----BEGIN PUBLIC KEY-----"
_CUT = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_WEAK = frozenset({"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"})
_MISMATCH = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})


@final
@dataclass(frozen=True, slots=True)
class Identity:
    """A client's own certificate, the authorities between it and the root, and its key.

    `begins` and `ends` bound the certificate, in seconds since the epoch. `digest` is equal for
    two that are the same; it stays in this process.
    """

    certificate_file: str
    key_file: str
    begins: float
    ends: float
    digest: str = field(repr=False)
    chain: bytes = field(repr=False)
    key: Secret[bytes]

    @property
    def place(self) -> tuple[str, str]:
        """Where it was read: a later one from there takes this one's place."""
        return self.certificate_file, self.key_file

    def load(self, context: ssl.SSLContext) -> None:
        """Has a context identify itself by it.

        Raises `Trouble` that names the file where certificate and key do not go together.
        """
        try:
            # Apart, to tell which of the two files is to blame.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
                cadata=self.chain.decode("ascii")
            )
        except ssl.SSLError:
            raise _cannot_be_read(self.certificate_file, "certificate") from None
        try:
            with _in_memory(self.chain + self.key.reveal()) as path:
                # A password would be asked for at the terminal.
                context.load_cert_chain(path, password=b"")
        except ssl.SSLError as error:
            raise self._refused(getattr(error, "reason", None) or "") from None
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, "EIO")
            raise _refused(
                f"cannot hand {self.certificate_file} to OpenSSL by memory: {name}",
                "let the container use memfd_create and /proc/self/fd",
            ) from None

    def _refused(self, said: str) -> Trouble:
        if said in _MISMATCH:
            return _refused(
                f"the key in {self.key_file} is not that of the certificate in"
                f" {self.certificate_file}",
                "put files of one issue there; the client's own certificate stands first, those of"
                " the authorities between after it",
            )
        if said in _WEAK:
            return _refused(
                f"certificate or key in {self.certificate_file} is weaker than OpenSSL allows",
                "have it issued anew with RSA of 2048 bits or P-256, and SHA-256",
            )
        return _cannot_be_read(self.key_file, "private key")


def identity_in(
    certificate_file: str,
    certificate: bytes | Fault,
    key_file: str | None,
    key: bytes | Fault | None,
) -> Identity:
    """The identity in PEM files as they were read; without a key file, one file holds both.

    Raises `Trouble` that names the file and what to do, never what it holds.
    """
    if isinstance(certificate, Fault):
        raise Trouble(_named(certificate, "tls.certFile"))
    if isinstance(key, Fault):
        raise Trouble(_named(key, "tls.keyFile"))
    chain = list(_CERTIFICATE.finditer(certificate))
    if not chain:
        raise _refused(
            f"{certificate_file} holds no certificate in PEM form",
            "write the client's certificate into it, from -----BEGIN CERTIFICATE----- on; openssl"
            " x509 and pkcs12 turn other forms into it",
        )
    try:
        begins, ends = validity(b64decode(b"".join(chain[0][1].split()), validate=True))
    except (ValueError, Base64Error):
        raise _cannot_be_read(certificate_file, "certificate") from None
    both = key is None
    key_place = certificate_file if key_file is None else key_file
    block = _private_key(key_place, certificate if key is None else key, both=both)
    pem = b"\n".join(found[0] for found in chain) + b"\n"
    digest = hashlib.sha256(hashlib.sha256(pem).digest() + block).hexdigest()
    return Identity(certificate_file, key_place, begins, ends, digest, pem, Secret(block))


def _private_key(file: str, content: bytes, *, both: bool) -> bytes:
    """The one PEM block with a private key."""
    if _ENCRYPTED.search(content):
        raise _refused(
            f"the private key in {file} is encrypted",
            "write it without a pass phrase, as openssl pkey does; the Secret protects it",
        )
    found = [match[0] for match in _KEY.finditer(content)]
    if len(found) > 1:
        raise _refused(f"{file} holds {len(found)} private keys", "leave the certificate's own")
    if found:
        return found[0] + b"\n"
    if _CUT.search(content):
        raise _cannot_be_read(file, "private key")
    if both:
        raise _refused(
            f"{file} holds a certificate without its private key",
            "name the key's file in tls.keyFile, or put the key into this one",
        )
    if _PUBLIC in content:
        what, advice = "a public key, not a private one", "write the private key into it"
    elif _CERTIFICATE.search(content):
        what, advice = "a certificate, not a private key", "are tls.certFile and keyFile swapped?"
    else:
        what = "no private key in PEM form"
        advice = "write the key into it, from -----BEGIN PRIVATE KEY----- on"
    raise _refused(f"{file} holds {what}", advice)


@contextlib.contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A path to a file that no folder has and no child inherits; nothing of it stays behind."""
    fd = os.memfd_create("identity", os.MFD_CLOEXEC)
    try:
        with os.fdopen(fd, "r+b", buffering=0, closefd=False) as file:
            file.write(content)
        yield f"/proc/self/fd/{fd}"
    finally:
        os.pwrite(fd, bytes(len(content)), 0)
        os.close(fd)


def _named(fault: Fault, key: str) -> Fault:
    advice = f"{key} names it; {fault.advice}"
    return Fault(Reason.CREDENTIALS, fault.summary, advice, Lane.PERMANENT, code=fault.code)


def _cannot_be_read(file: str, what: str) -> Trouble:
    return _refused(
        f"{file} holds a {what} that cannot be read",
        "was it cut off, or pasted in part? Put the whole file back",
    )


def _refused(summary: str, advice: str) -> Trouble:
    return Trouble(Fault(Reason.CREDENTIALS, summary, advice, Lane.PERMANENT))
