"""One real API server for each test session (for each worker, where there are several)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.authorization_server import AuthorizationServer
from support.cluster import Client, Cluster, ServiceAccount
from support.cluster_assets import assets
from tools.show.stage import Stage


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[Cluster]:
    """The API server, in whatever state a test left it."""
    cluster = Cluster(assets())
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(running_cluster: Cluster) -> Iterator[Cluster]:
    """The API server, up and answering at the start of each test."""
    yield running_cluster
    running_cluster.heal()


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    """The name of a fresh one."""
    return cluster.namespace()


@pytest.fixture
def account(cluster: Cluster, namespace: str) -> ServiceAccount:
    """A ServiceAccount in it, without rights."""
    return cluster.service_account(namespace)


@pytest.fixture
def client(account: ServiceAccount) -> Iterator[Client]:
    """Acts as that account."""
    client = account.client()
    yield client
    client.close()


@pytest.fixture
def stand(cluster: Cluster, account: ServiceAccount, tmp_path: Path) -> Iterator[Stage]:
    """What a whole daemon needs, an authorization server of one-hour tokens included."""
    with AuthorizationServer() as server:
        yield Stage(cluster, account, server, tmp_path)
