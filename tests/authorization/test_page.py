"""The page of authorization servers says what was tried, and what it shows works."""

from __future__ import annotations

import re

import pytest
import yaml

from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.tokens.token import Grant
from support.authorization_rows import ROWS, Server
from support.authorization_table import configured, table
from support.client_wallet import Wallet
from support.pages import ROOT, blocks, section

PAGE = ROOT / "docs" / "authorization-servers.md"
SHOWN = [
    ("Keycloak", "keycloak", "found"),
    ("Keycloak", "keycloak", "found-signing"),
    ("Keycloak", "keycloak", "found-certificate"),
    ("Spring Authorization Server", "spring", "found"),
    ("Spring Authorization Server", "spring", "found-signing"),
    ("Spring Authorization Server", "spring", "self-signed"),
]
"""Sections, the fixture that runs such a server, and the row that a block of it is."""
# A server that has to start beside all the other tests may take its time.
pytestmark = pytest.mark.timeout(300)


def test_the_table_is_what_was_tried() -> None:
    """The page has the table that the tests have: no row more, no result that was not seen."""
    between = re.search(
        r"<!-- table: begin -->\n(.*)\n<!-- table: end -->", PAGE.read_text(), re.DOTALL
    )
    assert between is not None
    assert between[1] == table(), f"put this between the marks:\n{table()}"


def shown(heading: str, method: str) -> dict[str, dict[str, str]]:
    """The configuration of a section that has this method."""
    text = section(PAGE, heading)
    read = [yaml.safe_load(block.text) for block in blocks(PAGE) if block.text in text]
    (found,) = [keys for keys in read if keys["auth"]["method"] == method]
    return dict(found)


@pytest.mark.parametrize("case", SHOWN, ids="-".join)
def test_what_is_shown_works(
    request: pytest.FixtureRequest,
    wallet: Wallet,
    endpoint: TokenEndpoint,
    case: tuple[str, str, str],
) -> None:
    """A configuration of the page gets a token, once its names and files are those at hand."""
    heading, server, slug = case
    running: Server = request.getfixturevalue(server)
    row = next(row for row in ROWS if row.slug == slug)
    ours = row.configuration(wallet, running)
    told = shown(heading, ours["auth"]["method"])
    where = "issuer" if "issuer" in told else "tokenUrl"
    files = {key: value for key, value in ours["auth"].items() if key.endswith("File")}
    auth = {**told["auth"], **files, "clientId": row.slug}
    tls = {key: ours["tls"][key] for key in told.get("tls", {})}
    settings = {
        "name": "partner-api",
        "sinks": ours["sinks"],
        **told,
        where: ours[where],
        "auth": auth,
        "tls": {**tls, "caFile": wallet.authority.file},
    }
    result = endpoint.fetch(configured(settings), 30).result
    assert isinstance(result, Grant), result


def test_a_service_account_takes_no_more_than_is_shown() -> None:
    """What tests/authorization/test_service_account.py configures is what the page shows."""
    told = shown("Keycloak", "client_assertion")
    assert set(told) == {"issuer", "auth"}
    assert set(told["auth"]) == {"method", "assertionFile"}
