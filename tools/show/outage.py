"""A consumer polls a Secret every 50 ms while the API server is killed and started again.

.venv/bin/python tools/show/outage.py [--seconds 60] [--life 5] [--pause]

With `--pause` it is stopped for two seconds instead, its connections open: on a busy machine its
start alone takes longer than such tokens' lead, and then nothing is proved.
"""
# ruff: noqa: E402 - as a script it has to find the tests' folder first

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "tests")]

from support.cluster_daemon import employ, to_secrets
from support.daemon import settings
from support.secret_consumer import SecretConsumer
from tools.show.stage import Stage, figures, stage

GONE = 0.5
"""Seconds that the API server is dead before it is started; it answers a second or two later."""
SILENT = 2.0
"""Seconds for which it is paused."""
EVERY = 9.0
"""Seconds from one outage to the next."""


def outage(show: Stage, seconds: float, *, pause: bool = False) -> dict[str, object]:
    """What the consumer saw in so many seconds, and what it took."""
    namespace = show.account.namespace
    token = to_secrets(show.server.token_url, show.folder, {"name": "t", "namespace": namespace})
    daemon = employ(show.cluster, show.account, show.folder, settings(token))
    mark = show.cluster.mark()
    consumer = SecretConsumer(
        show.cluster.admin, namespace, "t", known=lambda text: text in show.server.tokens
    )
    with daemon:
        daemon.wait("token published")
        outages: list[tuple[float, int]] = []
        """Of each: the longest time without an answer, and dead tokens read until the next."""
        with consumer:
            end = time.monotonic() + seconds
            while time.monotonic() + EVERY < end:
                before, consumer.longest_gap = consumer.expired, 0.0
                with show.cluster.paused() if pause else show.cluster.away():
                    _pause(SILENT if pause else GONE)
                _pause(EVERY - GONE - 2)
                outages.append((consumer.longest_gap, consumer.expired - before))
            _pause(max(0.0, end - time.monotonic()))
        failures = len(daemon.logs("sink publish failed"))
        lead = min(map(_lead, daemon.logs("token fetched")))
        status = daemon.stop()
    asked = show.cluster.asked(mark, user=show.account)
    return {
        "seconds": seconds,
        "outages": len(outages),
        "dead reads after those shorter than the lead": sum(n for gap, n in outages if gap < lead),
        "outages longer than the lead": sum(gap >= lead for gap, _ in outages),
        "reads": consumer.reads,
        "reads without an answer": consumer.unanswered,
        "longest without an answer, s": max((gap for gap, _ in outages), default=0.0),
        "least lead, s": lead,
        "bad reads": consumer.faults,
        "tokens seen": len(consumer.tokens),
        "least life left in a read, s": consumer.least_left,
        "token requests": len(show.server.requests),
        "failed writes": failures,
        "API requests": len(asked),
        "exit status": status,
    }


def _lead(fetched: Mapping[str, str]) -> float:
    """Seconds from a planned refresh to the expiry."""
    dies, due = (datetime.fromisoformat(fetched[key]) for key in ("expires_at", "refresh_at"))
    return (dies - due).total_seconds()


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def main() -> int:
    """Runs it and prints the figures; 0 where no read was bad."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--life", type=float, default=5.0)
    parser.add_argument("--pause", action="store_true")
    options = parser.parse_args()
    with stage(options.life) as show:
        found = outage(show, options.seconds, pause=options.pause)
    how = "stopped for 2 s" if options.pause else "killed and started again"
    figures(f"Secret with {options.life:g} s tokens, API server {how}", found)
    return 1 if found["bad reads"] else 0


if __name__ == "__main__":
    sys.exit(main())
