from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from support.authorization_server import AuthorizationServer
from support.certificates import Authority
from support.endpoint_tokens import TokenMaker


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs the tests may need a proxy or a CA bundle; loopback needs none."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.endswith("_CA_BUNDLE"):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A running authorization server."""
    with AuthorizationServer() as running:
        yield running


@pytest.fixture
def endpoint() -> TokenEndpoint:
    """The adapter, as the daemon makes it."""
    return TokenEndpoint(SystemClock(), MountReader(), "secret-refresher/test")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that nobody trusts yet."""
    return Authority(str(tmp_path_factory.mktemp("authority")))


@pytest.fixture
def token(server: AuthorizationServer, tmp_path: Path) -> TokenMaker:
    """Makes tokens that are asked of `server`."""
    return TokenMaker(server.token_url, tmp_path)
