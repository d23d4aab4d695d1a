"""How long after a token is published an application that reloads has it.

.venv/bin/python tools/show/notify.py [--tokens 20] [--life 2]

A real daemon, and a small application that reads its file only when it is told: by HTTP, and the
same by a signal. What is measured is the file's age, since it got its name (st_ctime, which the
kernel writes 4 ms early at most), when the application has read it.
"""
# ruff: noqa: E402 - as a script it has to find the tests' folder first

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "tests")]

from support.authorization_server import AuthorizationServer
from support.daemon import Daemon, Settings, entry, settings, until
from support.reloading_app import ReloadingApp
from tools.show.stage import figures


def trial(way: Callable[[ReloadingApp], Settings], tokens: int, life: float) -> list[float]:
    """Seconds from publish to reload, for the first reload of each token."""
    with (
        AuthorizationServer(lifetime=life) as server,
        tempfile.TemporaryDirectory(prefix="secret-refresher-show-") as name,
    ):
        folder = Path(name)
        with ReloadingApp(folder, folder / "partner-api") as app:
            token = entry(server.token_url, folder, notify=[way(app)])
            with Daemon(folder, settings(token)) as daemon:
                until(lambda: len(app.reloads()) >= tokens, "the reloads", tokens * life + 60)
                daemon.stop()
            first: dict[str, float] = {}
            for age, known in app.reloads():
                first.setdefault(known, age)
            return list(first.values())


def _told(found: list[float]) -> Mapping[str, object]:
    ordered = sorted(found)
    return {
        "tokens": len(found),
        "median, ms": 1000 * statistics.median(ordered),
        "longest, ms": 1000 * ordered[-1],
    }


def main() -> int:
    """Runs it and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--life", type=float, default=2.0)
    options = parser.parse_args()
    python = os.path.basename(sys.executable)
    ways: dict[str, Callable[[ReloadingApp], Settings]] = {
        "HTTP": lambda app: {"http": {"url": app.url}},
        "signal, by pid file": lambda app: {
            "signal": {"process": python, "pidFile": str(app.pid_file)}
        },
    }
    for name, way in ways.items():
        found = trial(way, options.tokens, options.life)
        figures(f"From publish to an application that reloads by {name}", _told(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
