"""Which certificate authorities are trusted.

A configured CA file is the only trust of its token. Without one, what the environment names
(REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE) counts, then the machine's own store (with SSL_CERT_FILE and
SSL_CERT_DIR), then the bundle that comes with `requests`.
"""

from __future__ import annotations

import hashlib
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from secret_refresher.errors import Fault, Lane, Reason, Trouble

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PEM = re.compile(
    rb"-----BEGIN (?:X509 )?CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END (?:X509 )?CERTIFICATE-----"
)


@final
@dataclass(frozen=True, slots=True)
class Trust:
    """What is trusted: the certificates of a file, those of a folder, or the machine's own.

    `path` is the file or folder; `content` what the file held when it was read.
    """

    path: str | None = None
    content: bytes | None = field(default=None, repr=False)

    @property
    def key(self) -> str:
        """Equal for two that trust the same."""
        if self.content is None:
            return self.path or ""
        return hashlib.sha256(self.content).hexdigest()

    def context(self, bundled: str) -> ssl.SSLContext:
        """A TLS context for clients; `bundled` is what to trust where the machine has nothing.

        Raises `Trouble` that names the file.
        """
        from urllib3.util.ssl_ import create_urllib3_context

        context = create_urllib3_context()
        if self.path is None:
            if _machine_has_any():
                context.load_default_certs()
            else:
                context.load_verify_locations(bundled)
        elif self.content is None:
            context.load_verify_locations(capath=self.path)
        else:
            context.load_verify_locations(cadata=_certificates(self.path, self.content))
        return context


def trust_in(path: str, content: bytes | Fault, named_by: str) -> Trust:
    """The trust in a PEM file as it was read; `named_by` is what says that it counts.

    Raises `Trouble` where it could not be read.
    """
    if isinstance(content, Fault):
        advice = f"{named_by} names it; {content.advice}"
        raise Trouble(Fault(Reason.TLS, content.summary, advice, Lane.PERMANENT, code=content.code))
    return Trust(path, content)


def named_bundle(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable that names a file or folder of authorities, and its value."""
    return next(((name, environ[name]) for name in VARIABLES if environ.get(name)), None)


def _certificates(path: str, content: bytes) -> str:
    """The certificates in a PEM file, without what else may stand in it, as comments do."""
    found = _PEM.findall(content)
    if not found:
        raise _refused(
            path,
            "holds no certificate in PEM form",
            "write the authority's certificate into it, from -----BEGIN CERTIFICATE----- on",
        )
    text = b"\n".join(found).decode("ascii")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise _refused(
            path,
            "holds a certificate that cannot be read",
            "was it cut off, or pasted in part? Put the whole file back",
        ) from None
    return text


def _machine_has_any() -> bool:
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return True
    try:
        with os.scandir(paths.capath or "") as entries:
            return any(entries)
    except OSError:
        return False


def _refused(path: str, what: str, advice: str) -> Trouble:
    return Trouble(Fault(Reason.TLS, f"the CA file {path} {what}", advice, Lane.PERMANENT))
