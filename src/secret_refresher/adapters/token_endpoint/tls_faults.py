"""What went wrong in TLS, in our own words: either side may refuse how the other one identifies."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

from secret_refresher.adapters.token_endpoint.hop import Hop
from secret_refresher.errors import Fault, Lane, Reason

if TYPE_CHECKING:
    from secret_refresher.adapters.token_endpoint.identity import Identity

# OpenSSL's verification results (x509_vfy.h), which Python passes on as numbers.
_EXPIRED, _NOT_YET, _WRONG_HOST, _WRONG_ADDRESS = 10, 9, 62, 64
_UNTRUSTED = frozenset({2, 18, 19, 20, 21, 27})
_OPENSSL_NAME = re.compile(r"[A-Z0-9_]{3,60}")


def tls_fault(error: ssl.SSLError, hop: Hop) -> Fault:
    """What an error of OpenSSL stands for."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(getattr(error, "verify_code", 0), hop)
    said = getattr(error, "reason", None) or ""
    name = said if _OPENSSL_NAME.fullmatch(said) else None
    if name in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        what = f"{hop.server} does not speak TLS"
        advice = "check scheme and port in tokenUrl, and whether a proxy answers in its place"
    elif name is not None and _refuses_us(name, hop.identity):
        return _unwelcome(name, hop)
    else:
        what = f"{hop.server} and we find no common TLS"
        advice = (
            "TLS 1.2 is the least that is spoken; look at the server's TLS versions and ciphers, or"
            " does it ask for a client certificate (tls.certFile)?"
        )
    return Fault(Reason.TLS, what, advice, code=name)


def _refuses_us(name: str, identity: Identity | None) -> bool:
    """Whether an alert (RFC 8446 section 6.2) is about who we are.

    Before TLS 1.3 a server that misses a certificate fails the handshake without a word.
    """
    if "ALERT" not in name:
        return False
    about_us = "CERTIFICATE" in name or name.endswith(("UNKNOWN_CA", "ACCESS_DENIED"))
    return about_us or (identity is not None and name.endswith("HANDSHAKE_FAILURE"))


def _unwelcome(name: str, hop: Hop) -> Fault:
    """The server does not take our certificate, or misses one; somebody has to change that."""
    if hop.identity is None:
        what = f"{hop.server} asks for a client certificate"
        advice = "name one in tls.certFile and its key in tls.keyFile"
    else:
        file = hop.identity.certificate_file
        what = f"{hop.server} does not accept the client certificate in {file}"
        if name.endswith("UNKNOWN_CA"):
            what += ": it does not know its authority"
            advice = (
                f"does {file} hold the intermediate certificates too, after the client's own, and"
                " does the server trust their root?"
            )
        elif name.endswith("CERTIFICATE_EXPIRED"):
            what += ": it says that it has expired"
            advice = "renew it, or check the server's clock"
        elif name.endswith("CERTIFICATE_REVOKED"):
            what += ": it was revoked"
            advice = "have a new one issued"
        elif name.endswith("CERTIFICATE_REQUIRED"):
            what = f"{hop.server} got no client certificate, as none fits what it asks for"
            advice = f"is {file} issued by an authority that the server names, for client use?"
        else:
            advice = (
                "is it issued for TLS clients, by an authority that the server trusts, and known"
                " there? Ask the server's owner what its log says"
            )
    return Fault(Reason.TLS, what, advice, Lane.PERMANENT, code=name)


def _certificate(verify: int, hop: Hop) -> Fault:
    code = f"X509_{verify}"
    if verify == _EXPIRED:
        what, advice = "has expired", "renew it at the server; the attempt is made again"
    elif verify == _NOT_YET:
        what, advice = "is not valid yet", "check this machine's clock, then the certificate"
    elif verify in {_WRONG_HOST, _WRONG_ADDRESS}:
        what = "is for another host name"
        advice = "write the name that the certificate has into tokenUrl, or have it issued anew"
    elif verify in _UNTRUSTED:
        what = "is signed by an authority that is not trusted"
        advice = (
            "name a PEM file with the authority's certificate in tls.caFile; or the server does"
            " not send its intermediate"
        )
    else:
        what = f"does not pass verification (OpenSSL result {verify})"
        advice = "look the number up in OpenSSL's x509_vfy.h, and have the certificate issued anew"
    return Fault(Reason.TLS, f"the certificate of {hop.server} {what}", advice, code=code)
