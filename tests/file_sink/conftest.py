"""Folders for tests with several users."""

import os
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


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder in memory where there is one, for thousands of writes."""
    memory = "/dev/shm"  # noqa: S108 - the folder in it has a random name
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="file-sink-", dir=memory) as name:
        yield Path(name)
