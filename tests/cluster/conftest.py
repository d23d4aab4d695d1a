"""Who and where a test is, on the API server that the session has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.authorization_server import AuthorizationServer
from support.cluster import Client, Cluster, ServiceAccount
from tools.show.stage import Stage


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
