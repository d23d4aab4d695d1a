"""Peak memory of the daemon with one Secret sink after ten refreshes, beside its floor.

.venv/bin/python tools/show/memory.py [--python PATH] [--rounds 3]

`--python` is another interpreter that has requirements/runtime.txt.
"""
# ruff: noqa: E402, S101 - as a script it has to find the tests' folder first

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.cluster_daemon import employ, to_secrets
from support.daemon import settings
from tools.show.stage import Stage, figures, stage

REFRESHES = 10
MIB = 1024


def peak(pid: int) -> int:
    """KiB that a process has had resident at most (VmHWM, proc(5))."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise ValueError(f"process {pid} has no memory any more")


def daemon(show: Stage, python: str, refreshes: int) -> int:
    """The daemon's peak, in KiB."""
    namespace = show.account.namespace
    token = to_secrets(show.server.token_url, show.folder, {"name": "t", "namespace": namespace})
    running = employ(show.cluster, show.account, show.folder, settings(token), python=python)
    with running:
        running.wait("token published", refreshes, patience=300)
        running.metrics()  # whoever runs it looks at it
        return peak(running.pid)


def floor(show: Stage, python: str, refreshes: int) -> int:
    """The floor's peak, in KiB; it has the daemon's account and rights."""
    command = [python, str(ROOT / "tools/show/floor.py"), "refresh"]
    command += [str(show.folder / "kubeconfig"), show.server.token_url]
    command += [show.account.namespace, str(refreshes), "0.2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == b"done\n", said
        return peak(process.pid)


def memory(show: Stage, python: str, refreshes: int, rounds: int) -> dict[str, object]:
    """The medians of some rounds, in MiB."""
    show.server.lifetime = 2.0

    def middle(measure: Callable[[Stage, str, int], int]) -> float:
        return statistics.median(measure(show, python, refreshes) for _ in range(rounds)) / MIB

    ours, least = middle(daemon), middle(floor)
    version = subprocess.run(
        [python, "--version"], capture_output=True, text=True, check=True
    ).stdout
    return {
        "interpreter": version.strip(),
        "refreshes": refreshes,
        "daemon, MiB": ours,
        "floor, MiB": least,
        "above it, MiB (bar: 5)": ours - least,
    }


def main() -> int:
    """Runs it and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with stage(3600.0) as show:
        found = memory(show, options.python, REFRESHES, options.rounds)
    figures("Peak memory with one Secret sink", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
