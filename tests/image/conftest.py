"""The image, built once for each test session."""

from __future__ import annotations

import fcntl
import os

import pytest

from support.image import Image, build


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image of this checkout."""
    # Workers of one session share what lies above their own folders: the first builds, and the
    # others find every layer made.
    shared = tmp_path_factory.getbasetemp().parent
    with open(os.path.join(shared, "image.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build(str(tmp_path_factory.mktemp("settings")))
