"""Two daemons with the same configuration and no election: who writes, who asks, who wins.

.venv/bin/python tools/show/two.py [--seconds 120] [--life 10]
"""
# ruff: noqa: E402 - as a script it has to find the tests' folder first

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "tests")]

from support.authorization_answers import expiry_of
from support.cluster_daemon import employ, to_secrets
from support.daemon import settings
from support.secret_consumer import SecretConsumer
from tools.show.stage import Stage, figures, stage

SAME = 1.0
"""Seconds: of tokens asked for so close together, a busy server may grant the later one first."""


def two(show: Stage, seconds: float) -> dict[str, object]:
    """What each did in so many seconds, and what a consumer saw."""
    namespace = show.account.namespace
    peers = (show.account, show.cluster.service_account(namespace, "secret-refresher-2"))
    token = to_secrets(show.server.token_url, show.folder, {"name": "t", "namespace": namespace})
    daemons = [
        employ(
            show.cluster,
            peer,
            show.folder / peer.name,
            settings(token),
            owner=f"{namespace}/secret-refresher",
        )
        for peer in peers
    ]
    mark = show.cluster.mark()
    consumer = SecretConsumer(
        show.cluster.admin, namespace, "t", known=lambda text: text in show.server.tokens
    )
    with contextlib.ExitStack() as stack:
        for daemon in daemons:
            stack.enter_context(daemon)
        daemons[0].wait("token published")
        with consumer:
            threading.Event().wait(seconds)
        found: dict[str, object] = {"seconds": seconds, "reads": consumer.reads}
        for peer, daemon in zip(peers, daemons, strict=True):
            asked = show.cluster.asked(mark, user=peer, resource="secrets")
            patches = [one.status for one in asked if one.verb == "patch"]
            found |= {
                f"{peer.name}: token requests": len(daemon.logs("token fetched")),
                f"{peer.name}: writes": sum(status in {200, 201} for status in patches),
                f"{peer.name}: writes refused, 409": patches.count(409),
                f"{peer.name}: reads": sum(one.verb == "get" for one in asked),
                f"{peer.name}: taken over from the other": len(daemon.logs("live token adopted")),
                f"{peer.name}: drift put right": len(daemon.logs("sink lost its token")),
            }
    deaths = [expiry_of(text) for text in consumer.tokens]
    return {
        **found,
        "token requests together": len(show.server.requests),
        "token requests a life": len(show.server.requests) * show.server.lifetime / seconds,
        "bad reads": consumer.faults,
        "tokens seen": len(consumer.tokens),
        "an older one after a newer": sum(b < a - SAME for a, b in itertools.pairwise(deaths)),
    }


def main() -> int:
    """Runs it and prints the figures; 0 where no read was bad."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--life", type=float, default=10.0)
    options = parser.parse_args()
    with stage(options.life) as show:
        found = two(show, options.seconds)
    figures(f"Two daemons, one Secret, {options.life:g} s tokens", found)
    return 1 if found["bad reads"] else 0


if __name__ == "__main__":
    sys.exit(main())
