"""The adapter against `oidc-provider`, an authorization server that nobody here wrote."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.config.model import Auth, AuthMethod, RequestFormat
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.tokens.token import Grant
from support.endpoint_tokens import TokenMaker
from support.oidc_provider import OidcProvider

ODD = "p:a+s%s w&rd=~*\"'\\/?#[]{}<>|^`100%25"
"""Every kind of character that it takes in a secret (RFC 6749 appendix A.2)."""
TTL = 600
BASIC, POST = AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The token endpoint of a running provider, installed from its locked dependencies."""
    clients = [
        {
            "client_id": str(method),
            "client_secret": ODD,
            "token_endpoint_auth_method": str(method),
            "grant_types": ["client_credentials"],
            "redirect_uris": [],
            "response_types": [],
            "scope": "read write",
        }
        for method in (BASIC, POST)
    ]
    with OidcProvider(clients, ttl=TTL) as running:
        yield running.token_url


@pytest.fixture
def client(token: TokenMaker) -> TokenMaker:
    """Makes tokens; their secret is the odd one."""
    token.secret(ODD)
    return token


def auth(client: TokenMaker, method: AuthMethod) -> Auth:
    """Credentials of the client that uses this method."""
    return Auth(client_id=str(method), client_secret_file=str(client.secret_file), method=method)


@pytest.mark.parametrize("method", [BASIC, POST])
def test_odd_characters_arrive(
    endpoint: TokenEndpoint, provider: str, client: TokenMaker, method: AuthMethod
) -> None:
    """A secret of odd characters is accepted in the header and in the form."""
    outcome = endpoint.fetch(client(url=provider, auth=auth(client, method)), 20)
    assert isinstance(outcome.result, Grant)
    assert outcome.result.lifetime == TTL
    assert [exchange.status for exchange in outcome.exchanges] == [200]


def test_scope_is_granted(endpoint: TokenEndpoint, provider: str, client: TokenMaker) -> None:
    """The scopes that are asked for come back."""
    config = client(url=provider, auth=auth(client, BASIC), scope=("read", "write"))
    result = endpoint.fetch(config, 20).result
    assert isinstance(result, Grant)
    assert result.scope == "read write"


def test_resource_indicator(endpoint: TokenEndpoint, provider: str, client: TokenMaker) -> None:
    """A resource makes the token a JWT for that audience, with the life that was granted."""
    resource = "https://api.example.com"
    config = client(url=provider, auth=auth(client, POST), scope=("read",), resource=(resource,))
    result = endpoint.fetch(config, 20).result
    assert isinstance(result, Grant)
    payload = result.access_token.reveal().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["aud"] == resource
    assert claims["exp"] - claims["iat"] == TTL == result.lifetime


@pytest.mark.parametrize("method", [BASIC, POST])
def test_a_wrong_secret(
    endpoint: TokenEndpoint, provider: str, client: TokenMaker, method: AuthMethod
) -> None:
    """A wrong secret is invalid_client, whatever status it comes with."""
    client.secret("wrong")
    outcome = endpoint.fetch(client(url=provider, auth=auth(client, method)), 20)
    assert isinstance(outcome.result, Fault)
    assert (outcome.result.reason, outcome.result.lane) == (
        Reason.INVALID_CLIENT,
        Lane.PERMANENT,
    )
    assert "wrong" not in str(outcome.result)


def test_the_previous_secret_serves(
    endpoint: TokenEndpoint, provider: str, client: TokenMaker, tmp_path: Path
) -> None:
    """A real server's invalid_client makes the previous secret be tried."""
    client.secret("wrong")
    (tmp_path / "previous").write_text(ODD)
    config = client(
        url=provider,
        auth=Auth(
            client_id=str(BASIC),
            client_secret_file=str(client.secret_file),
            previous_client_secret_file=str(tmp_path / "previous"),
            method=BASIC,
        ),
    )
    outcome = endpoint.fetch(config, 20)
    assert isinstance(outcome.result, Grant)
    assert outcome.used_previous_secret


def test_an_unknown_scope(endpoint: TokenEndpoint, provider: str, client: TokenMaker) -> None:
    """A scope that the client may not have is invalid_scope."""
    config = client(url=provider, auth=auth(client, BASIC), scope=("admin",))
    fault = endpoint.fetch(config, 20).result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.lane) == (Reason.INVALID_SCOPE, Lane.PERMANENT)


def test_json_is_not_understood(endpoint: TokenEndpoint, provider: str, client: TokenMaker) -> None:
    """A server that takes forms only answers the JSON dialect with a fault that names the key."""
    config = client(url=provider, auth=auth(client, POST), format=RequestFormat.JSON)
    fault = endpoint.fetch(config, 20).result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.lane) == (Reason.INVALID_REQUEST, Lane.PERMANENT)
    assert "request.format" in fault.advice


def test_an_unsupported_path(endpoint: TokenEndpoint, provider: str, client: TokenMaker) -> None:
    """A tokenUrl that is no token endpoint is told with the key to look at."""
    fault = endpoint.fetch(client(url=f"{provider}s", auth=auth(client, BASIC)), 20).result
    assert isinstance(fault, Fault)
    assert fault.status == 404
    assert "tokenUrl" in str(fault) or "request.method" in str(fault)
