"""What all tests have in common."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from support.cluster import Cluster
from support.cluster_assets import assets

# How long one example takes says more about the machine than about us. What must hold before a
# change lands is tried with the same examples each time; everywhere else new ones are looked for.
settings.register_profile("any-machine", deadline=None, derandomize=os.environ.get("STRICT") == "1")
settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[Cluster]:
    """One real API server for a session (for each worker), in whatever state a test left it."""
    cluster = Cluster(assets())
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(running_cluster: Cluster) -> Iterator[Cluster]:
    """The API server, up and answering at the start of each test."""
    yield running_cluster
    running_cluster.heal()
