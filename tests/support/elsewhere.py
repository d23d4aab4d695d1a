"""Runs scenarios in other processes: as another user, on another file system."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

NOBODY = 65534
_TESTS = str(Path(__file__).parent.parent)


def scenario(
    name: str, folder: Path, *, user: int | None = None, wrapper: Sequence[str] = ()
) -> Any:
    """What `support.file_scenarios` prints of a scenario."""
    command = [*wrapper, sys.executable, "-m", "support.file_scenarios", name, str(folder)]
    if user is not None:
        command.append(str(user))
    ran = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": _TESTS},
        capture_output=True,
        timeout=100,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def mounting(folder: Path, options: str, *more: str) -> list[str]:
    """A wrapper that gives the command a tmpfs of its own at `folder`."""
    mounts = [f'mount -t tmpfs -o {options} none "$0"', *(step for step in more)]
    return ["unshare", "-rm", "sh", "-ec", "; ".join([*mounts, 'exec "$@"']), str(folder)]


def needs_root() -> None:
    """Skips where other users cannot be tried; STRICT=1 makes that a failure."""
    if os.geteuid():
        unavailable("only root can become another user")


def needs_mounts(folder: Path) -> None:
    """Skips where we may not mount anything; STRICT=1 makes that a failure."""
    if not _can_mount(str(folder)):
        unavailable("unshare -rm is refused here, so nothing can be mounted")


def unavailable(why: str) -> None:
    """Skips, or fails with STRICT=1."""
    if os.environ.get("STRICT") == "1":
        pytest.fail(why)
    pytest.skip(why)


@functools.lru_cache(maxsize=1)
def _can_mount(folder: str) -> bool:
    try:
        command = [*mounting(Path(folder), "size=64k"), "true"]
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    except OSError:
        return False
