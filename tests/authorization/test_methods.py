"""Every method against authorization servers that nobody here wrote."""

from __future__ import annotations

import pytest
import requests

from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.tokens.token import Grant
from support.authorization_rows import LIFE, ROWS, Row, Server
from support.authorization_table import NOT_OFFERED, SERVERS, UNKNOWN, configured
from support.client_wallet import Wallet
from support.oidc_provider import OidcProvider

CELLS = [(server, row) for server in SERVERS for row in ROWS]
OFFERED = [cell for cell in CELLS if (cell[0], cell[1].slug) not in NOT_OFFERED]
IGNORED = [cell for cell in CELLS if (cell[0], cell[1].slug) in NOT_OFFERED.keys() - UNKNOWN]
# A server that has to start beside all the other tests may take its time.
pytestmark = pytest.mark.timeout(300)


def named(cells: list[tuple[str, Row]]) -> list[str]:
    """A name for each test."""
    return [f"{server}-{row.slug}" for server, row in cells]


@pytest.mark.parametrize(("server", "row"), OFFERED, ids=named(OFFERED))
def test_it_is_granted(
    request: pytest.FixtureRequest, wallet: Wallet, endpoint: TokenEndpoint, server: str, row: Row
) -> None:
    """The server grants a token to a client that asks as the table says, in one request."""
    running: Server = request.getfixturevalue(server)
    outcome = endpoint.fetch(configured(row.configuration(wallet, running)), 30)
    assert isinstance(outcome.result, Grant), outcome.result
    assert LIFE - 2 <= outcome.result.lifetime <= LIFE
    row.holds(wallet, outcome.result.access_token.reveal())


@pytest.mark.parametrize(("server", "row"), IGNORED, ids=named(IGNORED))
def test_what_is_not_offered_is_not_there(
    request: pytest.FixtureRequest, wallet: Wallet, endpoint: TokenEndpoint, server: str, row: Row
) -> None:
    """Where the table says that a server ignores something, its token shows it."""
    running: Server = request.getfixturevalue(server)
    result = endpoint.fetch(configured(row.configuration(wallet, running)), 30).result
    assert isinstance(result, Grant)
    with pytest.raises((AssertionError, KeyError)):
        row.holds(wallet, result.access_token.reveal())


def test_keycloak_has_no_self_signed_certificates(wallet: Wallet, keycloak: Server) -> None:
    """Its metadata do not name the method."""
    with requests.Session() as session:
        session.trust_env = False
        url = f"{keycloak.issuer}/.well-known/openid-configuration"
        told = session.get(url, verify=wallet.authority.file, timeout=30).json()
    methods = told["token_endpoint_auth_methods_supported"]
    assert "tls_client_auth" in methods
    assert "self_signed_tls_client_auth" not in methods


def test_metadata_of_openid_only(wallet: Wallet, endpoint: TokenEndpoint) -> None:
    """A server without RFC 8414's metadata is found by those of OpenID, at the cost of one look."""
    row = next(row for row in ROWS if row.slug == "found")
    with OidcProvider(
        [row.metadata(wallet)],
        path="/tenant",
        openid_only=True,
        leaf=wallet.leaf,
        client_ca=wallet.authority.file,
    ) as running:
        outcome = endpoint.fetch(configured(row.configuration(wallet, running)), 30)
    assert isinstance(outcome.result, Grant), outcome.result
    assert [exchange.status for exchange in outcome.exchanges] == [404, 200, 200]


WRONG = {
    "basic": {"auth": {"clientSecretFile": "wrong"}},
    "post": {"auth": {"clientSecretFile": "wrong"}},
    "es256": {"auth": {"privateKeyFile": "wrong"}},
    "certificate": {"tls": {"certFile": "wrong", "keyFile": "wrong"}},
}
"""What is not the client's own, by row."""


@pytest.mark.parametrize("slug", WRONG)
@pytest.mark.parametrize("server", SERVERS)
def test_others_are_refused(
    request: pytest.FixtureRequest, wallet: Wallet, endpoint: TokenEndpoint, server: str, slug: str
) -> None:
    """Another's secret, key or certificate is invalid_client, and is not tried again soon."""
    running: Server = request.getfixturevalue(server)
    row = next(row for row in ROWS if row.slug == slug)
    settings = row.configuration(wallet, running)
    for section, keys in WRONG[slug].items():
        settings[section] |= {key: str(wallet.stranger(key)) for key in keys}
    fault = endpoint.fetch(configured(settings), 30).result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.lane) == (Reason.INVALID_CLIENT, Lane.PERMANENT), fault


@pytest.mark.parametrize("server", SERVERS)
def test_the_previous_secret_serves(
    request: pytest.FixtureRequest, wallet: Wallet, endpoint: TokenEndpoint, server: str
) -> None:
    """Whatever a server calls a wrong secret, the previous one is tried."""
    running: Server = request.getfixturevalue(server)
    settings = ROWS[0].configuration(wallet, running)
    settings["auth"] |= {
        "previousClientSecretFile": settings["auth"]["clientSecretFile"],
        "clientSecretFile": str(wallet.stranger("clientSecretFile")),
    }
    outcome = endpoint.fetch(configured(settings), 30)
    assert isinstance(outcome.result, Grant), outcome.result
    assert outcome.used_previous_secret
