"""Many tokens at once from nothing, on a virtual clock with the real engine."""

from __future__ import annotations

from secret_refresher.config.model import Config
from secret_refresher.lifecycle import events
from support.tokens import token_config
from support.world import World

LATENCY = 0.1


class _Plans:
    """Notes by how much the refreshes came later than planned."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.slack = float("inf")
        self._life: dict[str, object] = {}

    def notice(self, about: object, fact: object) -> None:
        """As an observer."""
        if isinstance(fact, events.Fetched):
            name = about.name  # type: ignore[attr-defined]
            before = self._life.get(name)
            if isinstance(before, type(fact.life)):
                self.late.append(fact.life.issued - before.refresh)
                self.slack = min(self.slack, before.expires - before.refresh)
            self._life[name] = fact.life


def cold_start(size: int, life: float, lives: int) -> dict[str, float]:
    """Seconds by which the latest refresh began after its plan, and the least lead there was.

    All tokens are asked of one authorization server, which answers after `LATENCY`; it is
    asked by eight at a time, as the engine's bulkheads have it.
    """
    world, plans = World(latency=LATENCY), _Plans()
    world.observers = [plans]
    tokens = tuple(token_config(f"token-{number:05d}") for number in range(size))
    world.service(tokens[0]).lifetime = life
    world.start(Config(tokens=tokens))
    world.run(world.time + lives * life)
    return {
        "refreshes": len(plans.late),
        "latest": max(plans.late, default=0.0),
        "lead": plans.slack,
        "expired": world.expired(),
    }
