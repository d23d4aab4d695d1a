"""Runs the command as a person does."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.daemon import entry, settings

Ran = subprocess.CompletedProcess[str]
Command = Callable[..., Ran]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs `secret-refresher` with arguments; `environment` is all that it has of ours."""

    def run(*arguments: str, environment: Mapping[str, str] | None = None, **keys: Any) -> Ran:
        return subprocess.run(
            [sys.executable, "-m", "secret_refresher", *arguments],
            env={"PATH": os.environ["PATH"], **(environment or {})},
            cwd=tmp_path,
            text=True,
            timeout=60,
            check=False,
            **{"capture_output": True, **keys},
        )

    return run


@pytest.fixture
def good(tmp_path: Path) -> str:
    """The text of a right configuration of one token."""
    return str(settings(entry("https://id.example.com/token", tmp_path)))
