"""Starts demos, and sees to it that none is left."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.running_demo import Running, Start


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts demos; whatever a test left running is ended by its process id."""
    started: list[Running] = []

    def start(*arguments: str, **env: str) -> Running:
        folder = tmp_path / f"demo {len(started)}"  # with a blank: paths are quoted everywhere
        folder.mkdir()
        running = Running(folder, *arguments, env=env)
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
        running.ends()
        for pid in running.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
