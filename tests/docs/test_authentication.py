"""The requests that the documents show are those that are sent."""

from __future__ import annotations

import pytest

from secret_refresher.adapters.token_endpoint.request import Client, token_request
from secret_refresher.config.model import Auth, AuthMethod, Request, TokenConfig
from secret_refresher.tokens.secret import Secret
from support.pages import ROOT, blocks

PAGE = ROOT / "docs" / "authentication.md"
SHOWN = [block.text for block in blocks(PAGE) if block.text.startswith("POST ")]
ME, SECRET = Secret("billing"), Secret("SECRET")


def assertion() -> Secret[str]:
    """What stands for one."""
    return Secret("ASSERTION")


SENT = [
    (AuthMethod.CLIENT_SECRET_BASIC, Client(ME, secret=SECRET)),
    (AuthMethod.CLIENT_SECRET_POST, Client(ME, secret=SECRET)),
    (AuthMethod.PRIVATE_KEY_JWT, Client(ME, assertion=assertion)),
    (AuthMethod.CLIENT_ASSERTION, Client(ME, assertion=assertion)),
    (AuthMethod.CLIENT_ASSERTION, Client(None, assertion=assertion)),
    (AuthMethod.TLS_CLIENT_AUTH, Client(ME)),
    (AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH, Client(ME)),
]


def wire(method: AuthMethod, client: Client) -> str:
    """A request as it is sent; the library adds Host."""
    token = TokenConfig(
        name="billing",
        token_url="https://id.example.com/oauth/token",
        auth=Auth(method=method),
        request=Request(scope=("read",)),
    )
    request = token_request(token, client, "secret-refresher/0.1.0")
    head = [f"{request.method} {request.target} HTTP/1.1", "Host: id.example.com"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\n".join([*head, "", (request.body or b"").decode(), ""])


@pytest.mark.parametrize(("method", "client"), SENT)
def test_each_method_is_shown(method: AuthMethod, client: Client) -> None:
    """What a method sends stands on the page, header for header."""
    assert wire(method, client) in SHOWN


def test_nothing_else_is_shown() -> None:
    """Every request on the page is one that some method sends."""
    assert set(SHOWN) == {wire(method, client) for method, client in SENT}
    assert {method for method, _ in SENT} == set(AuthMethod)
