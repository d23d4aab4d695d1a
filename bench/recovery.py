"""After an outage in which every token became due, before a server that takes 50 a second.

On a virtual clock, with the real engine.
"""

from __future__ import annotations

from bench.child import apart
from bench.interpreter import measured
from bench.report import Row
from bench.scale import Scale
from secret_refresher.config.model import Config
from secret_refresher.lifecycle import events
from support.tokens import token_config
from support.world import World

LIFE = 3600.0
RATE = 50
LATENCY = 0.1
OUTAGE = (2300.0, 2900.0)
"""Seconds after the first token: before any is due, until all of them are."""


class _Fetches:
    """When each token was last fetched."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def notice(self, about: object, fact: object) -> None:
        """As an observer."""
        if isinstance(fact, events.Fetched):
            self.at[about.name] = fact.life.issued  # type: ignore[attr-defined]


def recovered(size: int, rate: int) -> dict[str, float]:
    """What the end of the outage came to."""
    world, fetches = World(latency=LATENCY), _Fetches()
    world.observers = [fetches]
    tokens = tuple(token_config(f"token-{number:05d}") for number in range(size))
    service = world.service(tokens[0])
    service.lifetime = LIFE
    world.start(Config(tokens=tokens))
    begin, end = (world.time + offset for offset in OUTAGE)
    service.away.append((begin, end))
    world.run(begin)
    service.rate = rate
    world.run(end)
    waiting = sum(issued < begin for issued in fetches.at.values())
    world.run(end + LIFE - OUTAGE[1])
    after = [instant for instant in service.asked if instant >= end]
    busiest = max(sum(x <= y < x + 1 for y in after[i : i + 1000]) for i, x in enumerate(after))
    new = [issued for issued in fetches.at.values() if issued >= end]
    return {
        "waiting": waiting,
        "seconds": max(new, default=end) - end,
        "busiest": busiest,
        "requests": len(after) / max(1, len(new)),
        "expired": world.expired(),
    }


def measure(scale: Scale) -> list[Row]:
    """All due at once; the floor of the time is what the server's limit leaves."""
    size, rate = scale.of(tiny=50, usual=10_000), scale.of(tiny=5, usual=RATE)
    found = apart(recovered, python=measured(), size=size, rate=rate)
    of = f"{found['waiting']:,} tokens due at once, {rate} requests a second allowed"
    return [
        Row(
            bench="recovery",
            what=f"until all are fresh: {of}",
            figure=found["seconds"],
            unit="s",
            floor=size / rate,
        ),
        Row(
            bench="recovery",
            what="requests in its busiest second",
            figure=found["busiest"],
            unit="",
        ),
        Row(
            bench="recovery",
            what="token requests for each, refused ones included",
            figure=found["requests"],
            unit="",
        ),
        Row(
            bench="recovery",
            what="expired tokens seen in sinks",
            figure=found["expired"],
            unit="",
            bar=0,
        ),
    ]
