"""Filling many Secrets from cold, beside the floor with as many threads.

.venv/bin/python tools/show/fill.py [--count 2000] [--python PATH] [--rounds 1]

Each token goes to a Secret of its own, so there are as many token requests as Secrets. The floor
that reads each Secret first does what the daemon has to, which must not overwrite a live token.
"""
# ruff: noqa: E402, S101 - as a script it has to find the tests' folder first

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.cluster_daemon import employ, to_secrets
from support.daemon import Daemon, settings
from tools.show.stage import Stage, figures, stage

THREADS = 8
PLACES = 20
"""Namespaces over which the Secrets are spread."""


def cold(show: Stage, python: str, count: int) -> tuple[Daemon, list[str]]:
    """A daemon for so many Secrets of which there is none yet, and their namespaces."""
    account = show.cluster.service_account(show.cluster.namespace())
    namespaces = [show.cluster.namespace() for _ in range(PLACES)]
    tokens = []
    for number in range(count):
        sink = {"name": f"t-{number:05d}", "namespace": namespaces[number % PLACES]}
        tokens.append(to_secrets(show.server.token_url, show.folder, sink, name=f"t-{number:05d}"))
    configuration = settings(*tokens, log={"level": "info", "format": "json"})
    folder = show.folder / account.namespace
    return employ(show.cluster, account, folder, configuration, python=python), namespaces


def daemon(show: Stage, python: str, count: int) -> tuple[float, float]:
    """Seconds from its start to the last Secret, and seconds of CPU until then."""
    running, _ = cold(show, python, count)
    began = time.monotonic()
    with running:
        while running.log_file.read_bytes().count(b'"token published"') < count:
            assert running.process is not None
            assert running.process.poll() is None, running.text()
            threading.Event().wait(0.1)
        return time.monotonic() - began, cpu(running.pid)


def floor(show: Stage, python: str, count: int, read: str) -> tuple[float, float]:
    """The same of the floor, from its start to its end."""
    idle, namespaces = cold(show, python, count)
    command = [python, str(ROOT / "tools/show/floor.py"), "fill"]
    command += [str(idle.folder / "kubeconfig"), show.server.token_url]
    command += [",".join(namespaces), str(count), str(THREADS), read]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(command, check=True)
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu(pid: int) -> float:
    """Seconds of CPU that all threads of a process have had, as clock_getcpuclockid(3) has it."""
    return time.clock_gettime((~pid << 3) | 2)


def fill(show: Stage, python: str, count: int, rounds: int) -> dict[str, object]:
    """The medians of some rounds, each of which has all three."""
    ours, reading, writing = [], [], []
    for _ in range(rounds):
        ours.append(daemon(show, python, count))
        reading.append(floor(show, python, count, "1"))
        writing.append(floor(show, python, count, "0"))
    found: dict[str, object] = {"Secrets": count, "rounds": rounds}
    rate, used = _middle(ours)
    found |= {"daemon: a second": count / rate, "daemon: CPU s": used}
    for name, runs in (("floor", reading), ("floor without reading", writing)):
        seconds, took = _middle(runs)
        found |= {
            f"{name}: a second": count / seconds,
            f"{name}: CPU s": took,
            f"rate / {name} (bar: 0.8)": seconds / rate,
            f"CPU / {name} (bar: 1.3)": used / took,
        }
    return found


def _middle(runs: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)


def main() -> int:
    """Runs it and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    with stage(3600.0) as show:
        found = fill(show, options.python, options.count, options.rounds)
    figures("Filling Secrets from cold", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
