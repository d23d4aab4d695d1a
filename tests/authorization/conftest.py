from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from support.authorization_rows import LIFE
from support.authorization_table import clients
from support.client_keys import ALGORITHMS
from support.client_wallet import Wallet
from support.cluster import Cluster
from support.keycloak import Keycloak
from support.oidc_provider import OidcProvider
from support.spring_server import SpringServer


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs the tests may need a proxy or a CA bundle; loopback needs none."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.endswith("_CA_BUNDLE"):
            monkeypatch.delenv(name)


@pytest.fixture
def endpoint() -> TokenEndpoint:
    """The adapter, as the daemon makes it."""
    return TokenEndpoint(SystemClock(), MountReader(), "secret-refresher/test")


@pytest.fixture(scope="session")
def wallet(tmp_path_factory: pytest.TempPathFactory) -> Wallet:
    """What the clients of all servers prove themselves with."""
    return Wallet(tmp_path_factory.mktemp("wallet"))


@pytest.fixture(scope="session")
def keycloak(wallet: Wallet, running_cluster: Cluster) -> Iterator[Keycloak]:
    """A Keycloak with a client for each row that it offers; it may ask the API server for keys."""
    with Keycloak(wallet.leaf, wallet.authority.file, running_cluster.keys.ca) as running:
        for client in clients("keycloak", wallet):
            running.add_client(client)
        yield running


@pytest.fixture(scope="session")
def oidc_provider(wallet: Wallet) -> Iterator[OidcProvider]:
    """An oidc-provider with a client for each row; it lies below a path."""
    told = clients("oidc_provider", wallet)
    for client in told:
        client.pop("opaque", None)  # a token without a resource is
    with OidcProvider(
        told,
        ttl=LIFE,
        algorithms=ALGORITHMS,
        path="/tenant",
        leaf=wallet.leaf,
        client_ca=wallet.authority.file,
    ) as running:
        yield running


@pytest.fixture(scope="session")
def spring(wallet: Wallet) -> Iterator[SpringServer]:
    """A Spring Authorization Server with a client for each row that it offers."""
    told = clients("spring", wallet)
    with SpringServer(told, wallet.leaf, wallet.trusted, life=LIFE) as running:
        yield running
