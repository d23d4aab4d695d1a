"""What a server says of itself: metadata by RFC 8414 or OpenID Connect Discovery 1.0. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final
from urllib.parse import urlsplit

from secret_refresher.config import checks
from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.tokens.answer import retry_after
from secret_refresher.tokens.json_object import json_object

_METHOD = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_MOST_METHODS = 20
_LONGEST_SHOWN = 200
NOT_ISSUED = "is issuer spelled as the server's owner spells it? Else write tokenUrl in its place"
_OWNER = "ask the server's owner, or write tokenUrl in place of issuer"


@final
@dataclass(frozen=True, slots=True)
class Metadata:
    """As much of it as a token request needs.

    `mutual_tls_endpoint` is the token endpoint for those who show a client certificate, where
    it is another one (RFC 8705 section 5). `methods` are the ways of authentication that the
    server offers; None where it does not say.
    """

    token_endpoint: str
    mutual_tls_endpoint: str | None = None
    methods: tuple[str, ...] | None = None

    def endpoint(self, *, mutual_tls: bool) -> str:
        """Where to ask for a token."""
        return (self.mutual_tls_endpoint if mutual_tls else None) or self.token_endpoint


def places(issuer: str) -> tuple[str, str]:
    """Where an issuer's metadata may stand.

    RFC 8414 (section 3.1) puts its well-known path before the issuer's own, OpenID Connect
    Discovery (section 4) puts its behind; for both a slash at the issuer's end is taken off.
    """
    parts = urlsplit(issuer)
    path = parts.path.removesuffix("/")
    inserted = f"/.well-known/oauth-authorization-server{path}"
    return (
        parts._replace(path=inserted).geturl(),
        parts._replace(path=f"{path}/.well-known/openid-configuration").geturl(),
    )


def parse(
    place: str, issuer: str, status: int, headers: Mapping[str, str], body: bytes
) -> Metadata:
    """The metadata in the answer that came from `place`; header names in lower case.

    Raises `Trouble` unless it is that of exactly this issuer and names a token endpoint.
    """
    if status != 200:  # noqa: PLR2004 - RFC 8414 section 3.2 knows no other
        raise _no_answer(place, status, headers)
    found = json_object(body)
    if found is None:
        page = body.lstrip()[:1] == b"<"
        raise Trouble(
            Fault(
                Reason.DISCOVERY,
                f"{place} answers with {'a page (HTML)' if page else 'no JSON object'}",
                "does a proxy or a log-in page answer in its place? " + NOT_ISSUED,
                status=status,
            )
        )
    _compare(place, issuer, found.get("issuer"))
    endpoint = _url(place, found, "token_endpoint")
    if endpoint is None:
        raise _wrong(f"the metadata at {place} names no token_endpoint", _OWNER)
    aliases = found.get("mtls_endpoint_aliases")
    alias = _url(place, aliases, "token_endpoint") if isinstance(aliases, dict) else None
    return Metadata(endpoint, alias, _methods(found.get("token_endpoint_auth_methods_supported")))


def allowed(found: Metadata, issuer: str, *, insecure: bool, mutual_tls: bool) -> str:
    """The endpoint, if credentials may be sent there. Raises `Trouble`."""
    endpoint = found.endpoint(mutual_tls=mutual_tls)
    parts = urlsplit(endpoint)
    host = parts.hostname
    if mutual_tls and parts.scheme != "https":
        raise _wrong(
            f"{issuer} names a token endpoint at http://{host}, where no certificate can be shown",
            "ask the server's owner for https://, or remove tls.certFile",
        )
    if insecure or not checks.goes_unencrypted(endpoint):
        return endpoint
    raise _wrong(
        f"{issuer} names a token endpoint at http://{host}, without TLS",
        "everybody on the way could read the credentials: ask the server's owner for https://, or"
        " write allowInsecure: true if that is meant",
    )


def _no_answer(place: str, status: int, headers: Mapping[str, str]) -> Trouble:
    summary = f"{place} answers HTTP {status}"
    wait = retry_after(headers)
    if status == 429:  # noqa: PLR2004 - RFC 6585 section 4
        advice = "the server asks for fewer requests; see who else asks it from here"
        return Trouble(Fault(Reason.RATE_LIMITED, summary, advice, retry_after=wait, status=status))
    if status >= 500:  # noqa: PLR2004 - HTTP's own class
        advice = "look at the server; the attempt is made again"
        return Trouble(Fault(Reason.SERVER_ERROR, summary, advice, retry_after=wait, status=status))
    return Trouble(Fault(Reason.DISCOVERY, summary, NOT_ISSUED, status=status))


def _compare(place: str, issuer: str, found: object) -> None:
    """The two must be the same, character by character (RFC 8414 section 3.3)."""
    if found == issuer:
        return
    if not isinstance(found, str) or not found:
        raise _wrong(f"the metadata at {place} names no issuer", _OWNER)
    if found.rstrip("/") == issuer.rstrip("/"):
        how = "with a slash at its end" if found.endswith("/") else "without the slash at its end"
        raise _wrong(f"{place} calls the issuer {how}", f"write it {how}: they must be equal")
    # Nothing secret was sent there that it could hold; what is no plain URL is not shown.
    plain = len(found) <= _LONGEST_SHOWN and checks.issuer(found) is None
    raise _wrong(
        f"the metadata at {place} is that of another issuer{f', {found}' if plain else ''}",
        f"tokens are not asked for there; {NOT_ISSUED}",
    )


def _url(place: str, members: Mapping[str, Any], name: str) -> str | None:
    """A URL that a token may be asked of; None where there is none."""
    found = members.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or checks.url(found) is not None:
        raise _wrong(f"the metadata at {place} names a {name} that is no http or https URL", _OWNER)
    return urlsplit(found).geturl()  # its scheme in lower case


def _methods(found: object) -> tuple[str, ...] | None:
    """Names only, and not too many: they are shown."""
    if not isinstance(found, list):
        return None
    names = [name for name in found if isinstance(name, str) and _METHOD.fullmatch(name)]
    return tuple(names[:_MOST_METHODS])


def _wrong(summary: str, advice: str) -> Trouble:
    return Trouble(Fault(Reason.DISCOVERY, summary, advice, Lane.PERMANENT))
