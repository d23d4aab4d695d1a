"""Token requests per life, on a virtual clock with the real engine."""

from __future__ import annotations

from bench.child import apart
from bench.interpreter import measured
from bench.report import Row
from bench.scale import Scale
from secret_refresher.config.model import Config
from support.tokens import token_config
from support.world import World

LONG_ENOUGH = 600.0
"""Seconds of life from which the smaller bar holds."""


def requested(life: float, lives: int) -> float:
    """Requests that one token makes in each of its lives, with the default configuration."""
    world = World(seed=int(life))
    token = token_config()
    service = world.service(token)
    service.lifetime = life
    world.start(Config(tokens=(token,)))
    world.run(world.time + lives * life)
    if world.expired():
        raise AssertionError("a token expired without a fault")
    return len(service.asked) / lives


def measure(scale: Scale) -> list[Row]:
    """Short lives and long ones."""
    lives = scale.of(tiny=10, usual=500, long=5000)
    return [
        Row(
            bench="lives",
            what=f"token requests per life of {says}, over {lives} lives",
            figure=apart(requested, python=measured(), life=life, lives=lives),
            unit="",
            floor=1.0,
            bar=1.6 if life >= LONG_ENOUGH else 2.6,
        )
        for life, says in ((5.0, "5 s"), (30.0, "30 s"), (600.0, "10 min"), (3600.0, "1 h"))
    ]
