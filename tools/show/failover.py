"""Three replicas at a real API server: what the death of one costs, and what consumers see of it.

.venv/bin/python tools/show/failover.py            one shard, 30 s tokens: kill, partition, SIGTERM
.venv/bin/python tools/show/failover.py --many     2,000 tokens, three shards, one killed every 20 s

Clocks are this machine's; who had which shard when is taken from the daemons' logs, who wrote
which Secret when from the API server's audit log.
"""
# ruff: noqa: E402 - as a script it has to find the tests' folder first

from __future__ import annotations

import argparse
import base64
import itertools
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import final

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "tests")]

from support.authorization_answers import expiry_of
from support.cluster_daemon import to_secrets
from support.cluster_faults import Cut, FaultyWay
from support.crew import Crew, Tenure, leader
from support.daemon import Daemon, until
from support.secret_consumer import SecretConsumer
from tools.show.stage import Stage, figures, stage

REPLICAS = 3
DEFAULTS = {"leaseDuration": "10s", "renewDeadline": "6s", "retryPeriod": "2s"}
LONG = 60.0
EVERY = 3.0
"""Seconds between two looks at thousands of Secrets: each is work for the API server."""


def crew_of(show: Stage, tokens: int) -> Crew:
    """Nobody yet, for so many tokens."""
    names = [f"token-{number}" for number in range(tokens)]
    namespace = show.account.namespace
    entries = [
        to_secrets(
            show.server.token_url, show.folder, {"name": name, "namespace": namespace}, name=name
        )
        for name in names
    ]
    return Crew(show, entries, DEFAULTS)


# --- one shard ---------------------------------------------------------------------------------


def one_shard(show: Stage) -> dict[str, object]:
    """A leader that is killed, one that is cut off, one that stops; each once its turn comes."""
    crew = crew_of(show, 1)
    consumer = SecretConsumer(
        show.cluster.admin,
        show.account.namespace,
        "token-0",
        known=lambda text: text in show.server.tokens,
    )
    mark = show.cluster.mark()
    found: dict[str, object] = {}
    with FaultyWay(show.cluster) as way, crew.at_work():
        first = crew.hire(server=way.url).start()
        first.wait("token published", patience=LONG)
        for _ in range(REPLICAS - 1):
            standby = crew.hire().start()
            until(lambda daemon=standby: _ready(daemon), "a standby", LONG)  # type: ignore[misc]
        with consumer:
            for what in ("partition", "kill -9", "SIGTERM"):
                found |= _depose(crew, way if what == "partition" else None, what)
            _pause(20)
        return {
            **found,
            "reads": consumer.reads,
            "bad reads": consumer.faults,
            "least life left in a read, s": consumer.least_left,
            "token requests": len(show.server.requests),
            "tokens seen in the Secret": len(consumer.tokens),
            "an older one after a newer": _backwards(consumer.tokens),
            "replicas that led at the same time": len(crew.overlaps()),
            "writes by one that did not lead": len(crew.strangers(mark)),
        }


def _found(look: Callable[[], Daemon | None]) -> Daemon:
    daemon = until(look, "a leader", LONG)
    assert daemon is not None  # noqa: S101 - `until` has seen to it
    return daemon


def _ready(daemon: Daemon) -> bool:
    return daemon.get("/readyz")[0] == HTTPStatus.OK


def _depose(crew: Crew, way: FaultyWay | None, what: str) -> dict[str, object]:
    """Has the leader go in one way; how long nobody led, and what it cost until then."""
    old = _found(lambda: leader(crew.daemons))
    others = [d for d in crew.daemons if d is not old]
    before = {daemon: len(daemon.logs("shard taken")) for daemon in others}
    asked, at = len(crew.stand.server.requests), time.monotonic()
    instant = time.time()
    if way is not None:
        way.put(Cut())
    elif what == "SIGTERM":
        old.stop()
    else:
        crew.buried(old, instant)
        old.kill()

    def successor() -> Daemon | None:
        return next((d for d in others if len(d.logs("shard taken")) > before[d]), None)

    new = _found(successor)
    took = time.monotonic() - at
    adopted = len(crew.stand.server.requests) - asked
    _pause(3)
    result: dict[str, object] = {
        f"{what}: seconds until another led": took,
        f"{what}: token requests until then": adopted,
        f"{what}: live tokens adopted": len(new.logs("live token adopted")),
    }
    if way is not None:
        lost = old.wait("shard lost", patience=LONG)
        taken = new.logs("shard taken")[-1]
        result[f"{what}: seconds between the old one's end and that"] = _apart(lost, taken)
        way.clear()
        old.wait("taking part in the election again", patience=LONG)
    else:
        old.start()
    _pause(15)
    return result


def _apart(one: dict[str, str], other: dict[str, str]) -> float:
    ends = [datetime.fromisoformat(line["timestamp"]) for line in (one, other)]
    return (ends[1] - ends[0]).total_seconds()


def _backwards(tokens: list[str]) -> int:
    numbers = [int(text.partition("-")[0][1:]) for text in tokens]
    return sum(b < a for a, b in itertools.pairwise(numbers))


# --- three shards ------------------------------------------------------------------------------


@final
class Judge:
    """Reads all Secrets again and again, and judges each."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._newest: dict[str, int] = {}
        self.reads = self.expired = self.backwards = 0
        self.least_left = float("inf")
        self.tokens: Counter[str] = Counter()

    def __enter__(self) -> Judge:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        stand = self._crew.stand
        while not self._over.wait(EVERY):
            for secret in stand.cluster.admin.list("secrets", stand.account.namespace):
                self._judge(secret["metadata"]["name"], secret["data"]["token"], time.time())

    def _judge(self, name: str, encoded: str, now: float) -> None:
        text = base64.b64decode(encoded).decode()
        left = expiry_of(text) - now
        self.reads += 1
        self.least_left = min(self.least_left, left)
        self.expired += left <= 0
        number = int(text.partition("-")[0][1:])
        self.backwards += number < self._newest.get(name, 0)
        self._newest[name] = number


def many(show: Stage, tokens: int, seconds: float, every: float) -> dict[str, object]:
    """One of three replicas is killed again and again, and started again."""
    crew = crew_of(show, tokens)
    crew.trust()
    crew.lease(REPLICAS)
    mark = show.cluster.mark()
    with crew.at_work():
        began = time.monotonic()
        for _ in range(REPLICAS):
            crew.hire(REPLICAS, trusted=True).start()
        place = show.account.namespace
        until(lambda: len(show.cluster.admin.list("secrets", place)) >= tokens, "them", 300)
        filled = time.monotonic() - began
        kills: list[tuple[int, float]] = []
        asked, began = len(show.server.requests), time.monotonic()
        with Judge(crew) as judge:
            turns = itertools.cycle(range(REPLICAS))
            while time.monotonic() - began < seconds:
                number = next(turns)
                crew.daemons[number].kill()
                kills.append((number, time.time()))
                crew.buried(crew.daemons[number], kills[-1][1])
                crew.daemons[number].start()
                _pause(every)
            _pause(15)
            took = time.monotonic() - began
        requests = len(show.server.requests) - asked
        tenures = crew.tenures()
        gaps = _gaps(tenures)
        writes = [
            one
            for account in crew.accounts
            for one in show.cluster.asked(mark, user=account, resource="secrets", verb="patch")
        ]
        leases = [
            one
            for account in crew.accounts
            for one in show.cluster.asked(mark, user=account, resource="leases")
        ]
        return {
            "tokens": tokens,
            "seconds to fill them": filled,
            "kills": len(kills),
            "seconds": took,
            "times that a shard had nobody": len(gaps),
            "seconds without, median": statistics.median(gaps) if gaps else 0.0,
            "seconds without, longest": max(gaps, default=0.0),
            "reads": judge.reads,
            "dead tokens read": judge.expired,
            "an older one after a newer": judge.backwards,
            "least life left in a read, s": judge.least_left,
            "token requests in that time": requests,
            "a life": requests * show.server.lifetime / took / tokens,
            "writes refused, 409": sum(one.status == 409 for one in writes),  # noqa: PLR2004
            "replicas that had a shard at the same time": len(crew.overlaps()),
            "writes by one that did not have the shard": len(crew.strangers(mark)),
            "Lease requests a second": len(leases) / (took + filled),
        }


def _gaps(tenures: list[Tenure]) -> list[float]:
    """Seconds between two that had a shard, one after the other."""
    by_shard = sorted(tenures, key=lambda tenure: (tenure.shard, tenure.since))
    return [
        max(0.0, other.since - one.until)
        for one, other in itertools.pairwise(by_shard)
        if one.shard == other.shard
    ]


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def main() -> int:
    """Runs it and prints the figures; 0 where nobody saw a dead token, and no two acted at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", action="store_true")
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--every", type=float, default=20.0)
    parser.add_argument("--life", type=float)
    options = parser.parse_args()
    life = options.life or (180.0 if options.many else 30.0)
    with stage(life) as show:
        if options.many:
            found = many(show, options.tokens, options.seconds, options.every)
            bad = found["dead tokens read"]
        else:
            found = one_shard(show)
            bad = found["bad reads"]
    figures(f"{REPLICAS} replicas, {life:g} s tokens", found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
