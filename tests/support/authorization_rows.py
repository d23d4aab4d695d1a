"""Every way to be authenticated that is tried on real authorization servers: the table's rows.

A row says what a client is at the server (metadata of RFC 7591), what the configuration of a
token says, and what must be true of the token that comes back.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, final

from support.client_keys import ALGORITHMS, claims, subject, thumbprint
from support.client_wallet import Wallet

LIFE = 600
"""Seconds that every server here grants."""
RESOURCE = "https://api.example.com"
Settings = dict[str, Any]


class Server(Protocol):
    """What a row wants to know of a running server."""

    @property
    def issuer(self) -> str:
        """Its name; metadata are below it."""

    @property
    def token_url(self) -> str:
        """The token endpoint."""

    @property
    def mutual_token_url(self) -> str:
        """The token endpoint that asks for a client certificate."""


def _nothing(_: Wallet, __: str) -> None:
    """Any token will do."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; `slug` is the client's id at every server.

    `client` gives the rest of its metadata, `keys` what a token's configuration says beside
    where to ask; `at` is that: `token`, `mutual` or `issuer`. `holds` looks at the token.
    """

    name: str
    slug: str
    client: Callable[[Wallet], Settings]
    keys: Callable[[Wallet, Server], Settings]
    at: str = "token"
    holds: Callable[[Wallet, str], None] = _nothing

    def metadata(self, wallet: Wallet) -> Settings:
        """The client as RFC 7591 tells it."""
        usual = {"grant_types": ["client_credentials"], "redirect_uris": [], "response_types": []}
        return {"client_id": self.slug, **usual, "scope": "read write", **self.client(wallet)}

    def configuration(self, wallet: Wallet, server: Server) -> Settings:
        """A token that asks `server` this way."""
        where = {
            "token": {"tokenUrl": server.token_url},
            "mutual": {"tokenUrl": server.mutual_token_url},
            "issuer": {"issuer": server.issuer},
        }[self.at]
        keys = self.keys(wallet, server)
        trust = {"caFile": wallet.authority.file}
        return {
            "name": "partner-api",
            **where,
            **keys,
            "auth": {"clientId": self.slug, **keys.get("auth", {})},
            "tls": {**trust, **keys.get("tls", {})},
            "sinks": [{"file": {"path": str(wallet.folder / "token")}}],
        }


def _signing(algorithm: str) -> Callable[[Wallet], Settings]:
    return lambda wallet: {
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": algorithm,
        "jwks": {"keys": [wallet.keys.key(algorithm).jwk]},
    }


def _with_key(algorithm: str) -> Callable[[Wallet, Server], Settings]:
    return lambda wallet, server: {
        "auth": {
            "method": "private_key_jwt",
            "privateKeyFile": str(wallet.keys.key(algorithm).file),
            "keyId": wallet.keys.key(algorithm).jwk["kid"],
            "algorithm": algorithm,
            "assertionAudience": server.issuer,
        }
    }


def _with_key_and_issuer(wallet: Wallet, server: Server) -> Settings:
    """The issuer is known, so that the audience need not be said."""
    auth = _with_key("ES256")(wallet, server)["auth"]
    return {"auth": {name: auth[name] for name in auth if name != "assertionAudience"}}


def _with_assertion(wallet: Wallet, server: Server) -> Settings:
    now = int(time.time())
    file = wallet.folder / "assertion"
    said = {"iss": "assertion", "sub": "assertion", "aud": server.issuer}
    times = {"iat": now, "exp": now + 300, "jti": secrets.token_hex(8)}
    file.write_text(wallet.keys.assertion({**said, **times}))
    return {"auth": {"method": "client_assertion", "assertionFile": str(file)}}


def _by_certificate(method: str) -> Callable[[Wallet, Server], Settings]:
    def keys(wallet: Wallet, _: Server) -> Settings:
        leaf = wallet.certificate if method == "tls_client_auth" else wallet.self_signed
        shown = {"certFile": leaf.certificate, "keyFile": leaf.key}
        return {"auth": {"method": method}, "tls": shown}

    return keys


def _bound(wallet: Wallet, token: str) -> None:
    said = claims(token)["cnf"]
    assert said == {"x5t#S256": thumbprint(wallet.certificate.certificate)}


def _jwt(_: Wallet, token: str) -> None:
    said = claims(token)
    assert said["exp"] - said["iat"] == LIFE


def _for_resource(wallet: Wallet, token: str) -> None:
    _jwt(wallet, token)
    assert claims(token)["aud"] == RESOURCE


def _opaque(_: Wallet, token: str) -> None:
    assert token.count(".") == 0


def _subject(wallet: Wallet) -> Settings:
    named = subject(wallet.certificate.certificate)
    return {
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": named,
    }


def _secret_row(
    name: str,
    slug: str,
    *,
    method: str = "client_secret_basic",
    at: str = "token",
    holds: Callable[[Wallet, str], None] = _nothing,
    client: Settings | None = None,
    keys: Callable[[Wallet, Server], Settings] = lambda _, __: {},
) -> Row:
    """A client with a secret; `client` and `keys` are what it has besides."""
    return Row(
        name=name,
        slug=slug,
        at=at,
        holds=holds,
        client=lambda wallet: {
            "client_secret": wallet.secret(slug).read_text(encoding="utf-8").strip("\n"),
            "token_endpoint_auth_method": method,
            **(client or {}),
        },
        keys=lambda wallet, server: {
            "auth": {"method": method, "clientSecretFile": str(wallet.secret(slug))},
            **keys(wallet, server),
        },
    )


def _asking(**request: Any) -> Callable[[Wallet, Server], Settings]:
    return lambda _, __: {"request": request}


ROWS = (
    _secret_row("`client_secret_basic`", "basic"),
    _secret_row("`client_secret_post`", "post", method="client_secret_post"),
    *(
        Row(
            name=f"`private_key_jwt`, {algorithm}",
            slug=algorithm.lower(),
            client=_signing(algorithm),
            keys=_with_key(algorithm),
        )
        for algorithm in ALGORITHMS
    ),
    Row(
        name="`client_assertion`, a file that another program signed",
        slug="assertion",
        client=_signing("RS256"),
        keys=_with_assertion,
    ),
    Row(
        name="`tls_client_auth`",
        slug="certificate",
        client=_subject,
        keys=_by_certificate("tls_client_auth"),
        at="mutual",
    ),
    Row(
        name="`self_signed_tls_client_auth`",
        slug="self-signed",
        client=lambda wallet: {
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "jwks": {"keys": [wallet.self_signed_jwk]},
        },
        keys=_by_certificate("self_signed_tls_client_auth"),
        at="mutual",
    ),
    _secret_row(
        "a certificate beside `client_secret_basic`; the token is bound to it (`cnf`)",
        "bound",
        client={"tls_client_certificate_bound_access_tokens": True},
        keys=lambda wallet, server: {
            "tls": _by_certificate("tls_client_auth")(wallet, server)["tls"],
            "request": {"resource": [RESOURCE]},
        },
        at="mutual",
        holds=_bound,
    ),
    _secret_row("`issuer` with `client_secret_basic`", "found", at="issuer"),
    Row(
        name="`issuer` with `private_key_jwt`; the issuer is the audience",
        slug="found-signing",
        client=_signing("ES256"),
        keys=_with_key_and_issuer,
        at="issuer",
    ),
    Row(
        name="`issuer` with `tls_client_auth`",
        slug="found-certificate",
        client=_subject,
        keys=_by_certificate("tls_client_auth"),
        at="issuer",
    ),
    _secret_row(
        "a JWT as access token",
        "jwt",
        keys=_asking(scope=["read"], resource=[RESOURCE]),
        holds=_jwt,
    ),
    _secret_row(
        "an opaque access token",
        "opaque",
        client={"opaque": True},
        keys=_asking(scope=["read", "write"]),
        holds=_opaque,
    ),
    _secret_row(
        "`request.resource` is the token's audience (RFC 8707)",
        "resource",
        keys=_asking(scope=["read"], resource=[RESOURCE]),
        holds=_for_resource,
    ),
)
