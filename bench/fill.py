"""Secrets on a real API server: many from cold, and one token to many namespaces."""

from __future__ import annotations

import sys
import time

from bench import usage
from bench.apiserver import there
from bench.report import Row, median
from bench.scale import Scale
from support.cluster_daemon import employ, to_secrets
from support.daemon import settings, until
from tools.show.fill import daemon, floor
from tools.show.stage import Stage, stage

RATE = 0.8
CPU = 1.3


def measure(scale: Scale) -> list[Row]:
    """Daemon and floor by turns; nothing where there is no API server to be had."""
    if not there():
        return []
    count = scale.of(tiny=10, usual=2000)
    with stage(3600.0, audit_level="None") as show:
        turns = range(scale.of(tiny=1, usual=3, long=9))
        pairs = [
            (floor(show, sys.executable, count, "1"), daemon(show, sys.executable, count))
            for _ in turns
        ]
        rows = []
        what = f"{count:,} Secrets from cold, one request each; the floor reads each one first"
        for index, (says, bar, told) in enumerate(
            (("seconds", 1 / RATE, f"{RATE} x the floor's rate"), ("CPU", CPU, f"{CPU} x floor"))
        ):
            least = median([floors[index] for floors, _ in pairs])
            runs = tuple(ours[index] for _, ours in pairs)
            rows.append(
                Row(
                    bench="fill",
                    what=f"{says} for {what}" if index == 0 else f"{says} for them",
                    figure=median(runs),
                    unit="s",
                    floor=least,
                    bar=bar * least,
                    bar_says=told,
                    runs=runs,
                )
            )
        rows += _fan_out(show, scale.of(tiny=5, usual=500))
    return rows


def _fan_out(show: Stage, count: int) -> list[Row]:
    """One token, by one request, into a Secret of each namespace."""
    label = {"bench": "fan-out"}
    for _ in range(count):
        show.cluster.namespace(label)
    sink = {"name": "partner-api", "namespaceSelector": {"matchLabels": label}}
    token = to_secrets(show.server.token_url, show.folder / "fan-out", sink)
    account = show.cluster.service_account(show.cluster.namespace())
    running = employ(show.cluster, account, show.folder / "fan-out", settings(token))
    asked, begin = len(show.server.requests), time.monotonic()
    with running:
        written = b'"token published"'
        until(lambda: running.log_file.read_bytes().count(written) >= count, "all", 300)
        passed, used = time.monotonic() - begin, usage.cpu(running.pid)
        requests = len(show.server.requests) - asked
    where = f"one token in {count} namespaces"
    return [
        Row(bench="fill", what=f"seconds from start to {where}", figure=passed, unit="s"),
        Row(bench="fill", what="CPU until then", figure=used, unit="s"),
        Row(bench="fill", what="token requests for them", figure=requests, unit="", bar=1),
    ]
