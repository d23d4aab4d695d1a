"""`make soak`: refreshes by the hundred thousand, and whether anything grows with them.

A daemon keeps many tokens of two seconds in files; every few seconds its memory, descriptors and
threads are written down. The picture goes to docs/pictures/soak.svg, figures to the output; 1 where
something has grown. For root, as nobody else sees the daemon's descriptors.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support.daemon import Daemon, entry, settings
from tools.soak.picture import Sample, draw

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "soak.svg"
_GROWTH = 2.0
"""MiB between the second and the last quarter: allocators settle, leaks do not."""


def main() -> int:
    """Runs until there were so many refreshes."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak")
    parser.add_argument("--refreshes", type=int, default=200_000)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two looks")
    options = parser.parse_args()
    command = [sys.executable, "-m", "support.authorization_server", "--lifetime", "2"]
    with (
        tempfile.TemporaryDirectory(prefix="secret-refresher-soak-") as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout is not None  # noqa: S101 - for the type checker
        url = server.stdout.readline().strip()
        try:
            samples = soak(Path(folder), url, options.tokens, options.refreshes, options.every)
        finally:
            server.send_signal(signal.SIGTERM)
            server.stdout.read()
    PICTURE.write_text(draw(samples), encoding="utf-8")
    return judge(samples)


def soak(folder: Path, url: str, tokens: int, refreshes: int, every: float) -> list[Sample]:
    """What was seen until so many refreshes."""
    entries = [entry(url, folder, f"token-{number}") for number in range(tokens)]
    log = {"level": "warning", "format": "json"}
    samples: list[Sample] = []
    daemon = Daemon(folder, settings(*entries, log={**log, "level": "info"}))
    with daemon:
        daemon.wait("listening")
        daemon.configure(settings(*entries, log=log))
        begun = time.monotonic()
        while not samples or samples[-1].refreshes < refreshes:
            time.sleep(every)
            samples.append(look(daemon, time.monotonic() - begun))
            print(samples[-1], flush=True)
        status = daemon.stop()
    if status != 0 or daemon.logs("defect"):
        raise SystemExit(f"it ended with {status}, defects: {daemon.logs('defect')[:3]}")
    return samples


def look(daemon: Daemon, seconds: float) -> Sample:
    """The process as it is now."""
    with open(f"/proc/{daemon.pid}/status", encoding="ascii") as lines:
        status = dict(line.split(":", 1) for line in lines)
    done = sum(
        value
        for (name, labels), value in daemon.metrics().items()
        if name == "secret_refresher_refreshes_total" and ("result", "success") in labels
    )
    return Sample(
        seconds=round(seconds, 1),
        refreshes=int(done),
        memory=round(int(status["VmRSS"].split()[0]) / 1024, 2),
        descriptors=len(os.listdir(f"/proc/{daemon.pid}/fd")),
        threads=int(status["Threads"]),
    )


def judge(samples: list[Sample]) -> int:
    """Prints the figures; 1 where the last quarter is above the second."""
    quarter = len(samples) // 4
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    failed = False
    for name, most in (("memory", _GROWTH), ("descriptors", 8.0), ("threads", 4.0)):
        before, after = (middle([getattr(one, name) for one in part]) for part in (second, last))
        failed |= after - before > most
        print(f"{name}: {before:g} in the second quarter, {after:g} in the last")
    print(f"{samples[-1].refreshes:,} refreshes in {samples[-1].seconds:.0f} s")
    return int(failed)


def middle(values: list[float]) -> float:
    """The median."""
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    sys.exit(main())
