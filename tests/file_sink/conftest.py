"""Folders for tests with several users."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder that other users reach; those of pytest are closed to them."""
    with tempfile.TemporaryDirectory(prefix="file-sink-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
