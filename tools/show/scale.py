"""Many tokens over three replicas: what the API server, etcd and the authorization server see.

.venv/bin/python tools/show/scale.py [--tokens 10000] [--life 600] [--seconds 120]
"""
# ruff: noqa: E402 - as a script it has to find the tests' folder first

from __future__ import annotations

import argparse
import re
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "tests")]

from bench import usage
from support.crew import Crew
from support.daemon import until
from tools.show.failover import REPLICAS, crew_of
from tools.show.stage import Stage, figures, stage

PATIENCE = 900.0
REPORT = "apiserver_storage_size_bytes"


def scale(show: Stage, tokens: int, seconds: float) -> dict[str, object]:
    """From cold until all are published, and then for so many seconds."""
    crew = crew_of(show, tokens)
    crew.trust()
    crew.lease(REPLICAS)
    with crew.at_work():
        began = time.monotonic()
        for _ in range(REPLICAS):
            crew.hire(REPLICAS, trusted=True).start()
        until(lambda: _published(crew) >= tokens, "them", PATIENCE)
        filled = time.monotonic() - began
        mark, asked = show.cluster.mark(), len(show.server.requests)
        before = [usage.cpu(daemon.pid) for daemon in crew.daemons]
        began = time.monotonic()
        threading.Event().wait(seconds)
        took = time.monotonic() - began
        used = sum(usage.cpu(daemon.pid) for daemon in crew.daemons) - sum(before)
        granted = len(show.server.requests) - asked
        by_kind = Counter(
            f"{one.verb} {one.resource}"
            for account in crew.accounts
            for one in show.cluster.asked(mark, user=account)
        )
        return {
            "tokens": tokens,
            "life, s": show.server.lifetime,
            "seconds to fill them from cold": filled,
            "token requests a second": granted / took,
            **{f"{kind} a second": count / took for kind, count in sorted(by_kind.items())},
            "etcd, KiB a token": _stored(show) / 1024 / tokens,
            "tokens of each replica": [
                daemon.metric("tokens", state="fresh") for daemon in crew.daemons
            ],
            "CPU of the replicas, cores": used / took,
            "MiB resident of each": [
                round(usage.status(daemon.pid, "VmRSS") / usage.MIB) for daemon in crew.daemons
            ],
            "defects": sum(len(daemon.logs("defect")) for daemon in crew.daemons),
        }


def _published(crew: Crew) -> int:
    written = b'"token published"'
    return sum(daemon.log_file.read_bytes().count(written) for daemon in crew.daemons)


def _stored(show: Stage) -> float:
    """Bytes that etcd takes, as the API server tells."""
    text = show.cluster.kubectl("get", "--raw", "/metrics")
    return sum(
        float(size) for size in re.findall(rf"^{REPORT}{{[^}}]*}} (\S+)$", text, re.MULTILINE)
    )


def main() -> int:
    """Runs it and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=10_000)
    parser.add_argument("--life", type=float, default=600.0)
    parser.add_argument("--seconds", type=float, default=120.0)
    options = parser.parse_args()
    with stage(options.life) as show:
        found = scale(show, options.tokens, options.seconds)
    figures(f"{options.tokens:,} tokens over {REPLICAS} replicas", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
