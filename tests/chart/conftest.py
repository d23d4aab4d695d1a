"""One real API server for the charts that are installed."""

from collections.abc import Iterator

import pytest

from support.cluster import Cluster
from support.cluster_assets import assets


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
