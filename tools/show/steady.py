"""What one token costs the API server: requests for each refresh, and while nothing happens.

.venv/bin/python tools/show/steady.py [--refreshes 20] [--idle 180]

Refreshes are counted with short-lived tokens; then the same daemon idles over a long-lived one.
An hour of 60-minute tokens is one refresh (two at most) and an hour of idling.
"""
# ruff: noqa: E402 - as a script it has to find the tests' folder first

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "tests")]

from support.cluster import Cluster, ServiceAccount
from support.cluster_daemon import employ, to_secrets
from support.daemon import settings
from tools.show.stage import Stage, figures, stage


def steady(show: Stage, refreshes: int, idle: float) -> dict[str, object]:
    """Counts from the audit log; `idle` is how many seconds to watch it do nothing."""
    namespace, show.server.lifetime = show.account.namespace, 4.0
    token = to_secrets(show.server.token_url, show.folder, {"name": "t", "namespace": namespace})
    daemon = employ(show.cluster, show.account, show.folder, settings(token))
    begin = show.cluster.mark()
    with daemon:
        daemon.wait("token published")
        at_start = _verbs(show.cluster, show.account, begin)
        mark = show.cluster.mark()
        before = len(daemon.logs("token published"))
        daemon.wait("token published", before + refreshes, patience=600)
        during = _verbs(show.cluster, show.account, mark)
        done = len(daemon.logs("token published")) - before
        show.server.lifetime = 3600.0
        fetched = len(show.server.requests)
        while len(show.server.requests) == fetched:
            _pause(0.1)
        daemon.wait("token published", before + done + 1)
        _pause(2)  # the watch tells of the last write, and nothing comes of it
        mark, asked = show.cluster.mark(), len(show.server.requests)
        began = time.monotonic()
        _pause(idle)
        idling = _verbs(show.cluster, show.account, mark)
        hours = (time.monotonic() - began) / 3600
        daemon.stop()
    return {
        "requests at the start": dict(at_start),
        "refreshes": done,
        "requests during them": dict(during),
        "requests a refresh": sum(during.values()) / done,
        "idle seconds": idle,
        "requests while idle": dict(idling),
        "idle requests an hour": round(sum(idling.values()) / hours),
        "token requests while idle": len(show.server.requests) - asked,
    }


def _verbs(cluster: Cluster, account: ServiceAccount, mark: int) -> Counter[str]:
    """Requests by verb and resource. A watch is counted when it begins and when it ends."""
    asked = cluster.asked(mark, user=account)
    return Counter(f"{one.verb} {one.resource}" for one in asked)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def main() -> int:
    """Runs it and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refreshes", type=int, default=20)
    parser.add_argument("--idle", type=float, default=180.0)
    options = parser.parse_args()
    with stage(3600.0) as show:
        found = steady(show, options.refreshes, options.idle)
    figures("What one token costs the API server", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
