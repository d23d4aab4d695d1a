"""A real authorization server, and real daemons that end with their test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.authorization_server import AuthorizationServer
from support.daemon import Daemon, Settings, Start


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """Grants tokens of an hour to `me` with `sesame`."""
    with AuthorizationServer() as running:
        yield running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts daemons in the test's folder; whatever still runs at the end is killed."""
    with ExitStack() as running:

        def begin(configuration: Settings, **keys: Any) -> Daemon:
            return running.enter_context(Daemon(tmp_path, configuration, **keys))

        yield begin
