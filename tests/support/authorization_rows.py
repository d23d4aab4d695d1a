"""Every way to be authenticated that is tried on real authorization servers: the table's rows.

A row says what a client is at the server (metadata of RFC 7591), what the configuration of a
token says, and what must be true of the token that comes back.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.config.model import TokenConfig
from support.certificates import Authority
from support.client_keys import ALGORITHMS, Keyring, claims, subject, thumbprint

LIFE = 600
"""Seconds that every server here grants."""
RESOURCE = "https://api.example.com"
_ODD = "p:a+s%s w&rd=~*\"'\\/?#[]{}<>|^`100%25"
"""Every kind of character that it takes in a secret (RFC 6749 appendix A.2)."""
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


@final
class Wallet:
    """What clients prove themselves with, in a folder; one for all servers."""

    def __init__(self, folder: Path) -> None:
        (folder / "authority").mkdir()
        self.folder = folder
        self.authority = Authority(str(folder / "authority"))
        self.leaf = self.authority.issue()
        """The servers' certificate."""
        self.keys = Keyring(folder)
        self.certificate = self.authority.issue("DNS:client")
        self.self_signed, self.self_signed_jwk = self.keys.self_signed()

    def secret(self, slug: str) -> Path:
        """The file with a client's secret, which no other client has."""
        file = self.folder / f"{slug}.secret"
        file.write_text(f"{_ODD}{slug}\n", encoding="utf-8")
        return file

    def stranger(self, key: str) -> Path:
        """A file for a key of the configuration that is in order, but nobody's."""
        folder = self.folder / "stranger"
        if not folder.is_dir():
            folder.mkdir()
            self._stranger = self.authority.issue("DNS:stranger")
            self._strange_key = Keyring(folder).key("ES256").file
            (folder / "secret").write_text("wrong\n", encoding="utf-8")
        return {
            "certFile": Path(self._stranger.certificate),
            "keyFile": Path(self._stranger.key),
            "privateKeyFile": self._strange_key,
            "clientSecretFile": folder / "secret",
        }[key]

    @property
    def trusted(self) -> str:
        """A PEM file with the authority and the certificate that vouches for itself."""
        file = self.folder / "trusted.pem"
        parts = (self.authority.file, self.self_signed.certificate)
        file.write_text("".join(Path(part).read_text() for part in parts))
        return str(file)


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
SERVERS: Mapping[str, str] = {
    "oidc_provider": "oidc-provider 9.13",
    "keycloak": "Keycloak 26.7",
    "spring": "Spring Authorization Server 7.0",
}
"""The table's columns: the fixture that runs a server, and what it is."""
NOT_OFFERED: Mapping[tuple[str, str], str] = {
    ("keycloak", "opaque"): "JWTs only",
    ("keycloak", "resource"): "ignored",
    ("keycloak", "self-signed"): "no such method",
    ("spring", "bound"): "bound with `tls_client_auth` only",
    ("spring", "eddsa"): "no such algorithm",
    ("spring", "resource"): "ignored",
}
"""What a server does not do, by its fixture and the row's slug, and in which words."""
UNKNOWN = {("keycloak", "self-signed"), ("spring", "eddsa")}
"""Those of them for which the server cannot even have a client."""


def configured(settings: Settings) -> TokenConfig:
    """A token, read as the command line reads a file."""
    source = ConfigSource(MountReader(), path=None, text=json.dumps({"tokens": [settings]}))
    return source.load().config.tokens[0]


def clients(server: str, wallet: Wallet) -> list[Settings]:
    """The metadata of all clients that a server can have."""
    return [row.metadata(wallet) for row in ROWS if (server, row.slug) not in UNKNOWN]


def table() -> str:
    """What was tried where, as the page of authorization servers shows it."""
    lines = [f"| | {' | '.join(SERVERS.values())} |", f"| --- |{' --- |' * len(SERVERS)}"]
    for row in ROWS:
        cells = [NOT_OFFERED.get((server, row.slug), "granted") for server in SERVERS]
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    # tests/authorization/test_service_account.py
    lines.append(
        "| `client_assertion`, a ServiceAccount token of a real kube-apiserver, no client id"
        " | takes a client's own assertions only | granted | takes a client's own assertions only |"
    )
    return "\n".join(lines)
