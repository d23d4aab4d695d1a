"""Which way of authentication was tried on which server, and what came of it.

    PYTHONPATH=tests python -m support.authorization_table

prints the table of docs/authorization-servers.md. Each cell is a test in tests/authorization.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.config.model import TokenConfig
from support.authorization_rows import ROWS, Settings
from support.client_wallet import Wallet

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


if __name__ == "__main__":
    print(table())  # noqa: T201 - all that it does
