"""One seed from beginning to end."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import final

from support.simulation.laws import Broken
from support.simulation.plan import Strike, plan
from support.simulation.settings import DAY, Settings, settings
from support.simulation.strikes import strike
from support.simulation.world import World

LIVES = 24
DAYS = 365
AIMED = 60.0
"""Seconds before the moment at which a strike is aimed, at most."""
PEACE = 1300.0
"""Seconds after the last fault by which everything is fresh: the slow lane's longest pause and a
little. What a server asked for by Retry-After, and what a forged record claims, comes before."""


@final
@dataclass(frozen=True, slots=True)
class Story:
    """How it went: what was broken, if anything; what happened; how much of it there was."""

    seed: int
    broken: str | None
    trace: tuple[str, ...]
    strikes: tuple[Strike, ...]
    counts: Counter[str]
    seconds: float
    settings: Settings
    lives: int
    days: int


def play(seed: int, *, without: Collection[int] = (), lives: int = LIVES, days: int = 0) -> Story:
    """Runs a seed, leaving out the strikes of those numbers.

    It goes on for `lives` of its longest token; or for `days`, in which strikes are rare.
    """
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=_memory()) as folder:
        chosen = settings(seed, folder, calm=days > 0)
        world = World(chosen)
        begun = world.timeline.now
        planned = plan(chosen, begun, days * DAY if days else lives * chosen.longest)
        happening = [each for each in planned.strikes if each.number not in without]
        broken = None
        try:
            _live(world, happening, planned.ends)
        except Broken as law:
            broken = str(law)
        finally:
            for process in list(world.processes):
                process.kill()
        elapsed = (world.timeline.now - begun) * len(chosen.tokens)
        return Story(
            seed,
            broken,
            tuple(world.trace),
            tuple(happening),
            world.counts,
            elapsed,
            chosen,
            lives,
            days,
        )


def _live(world: World, happening: list[Strike], ends: float) -> None:
    over = [ends]
    for each in happening:
        happen = _aim if each.aimed else _strike
        world.timeline.at(each.at, partial(happen, world, each, over))
    while world.timeline.now < (last := max(*over, world.late)):
        world.run(last)
    peace = world.timeline.now
    for token in world.config.tokens:  # at the word of a server, or once a budget has filled up
        scopes = [f"origin {token.token_url}"]
        paid = world.duties.paid(token.name, urgent=True)
        peace = max(peace, world.laws.obstructions.last(scopes), paid)
    world.run(peace + PEACE)
    world.say("--- peace")
    _calm(world)
    calm = None if world.electorate is None else world.electorate.calm()
    writes = {key: (place.written, place.disturbed) for key, place in world.laws.places.items()}
    world.run(world.timeline.now + 3 * world.settings.longest)
    _calm(world)
    for key, place in world.laws.places.items():
        lives = 3 * world.settings.longest / world.settings.lifetimes[place.token]
        most = 5 + 2.6 * lives * world.settings.machines
        if place.disturbed == writes[key][1] and place.written - writes[key][0] > most:
            world.laws.broken(f"two fight over {key}")
    if calm is not None:
        calm()
    if world.settings.heard:
        world.heard()


def _aim(world: World, each: Strike, over: list[float]) -> None:
    """It waits until a token is about to need something: most of the time none does."""
    begin = world.upcoming() - each.draw * min(AIMED, each.length)
    over.append(begin)
    world.timeline.at(begin, partial(_strike, world, each, over))


def _strike(world: World, each: Strike, over: list[float]) -> None:
    over.append(strike(world, each))


def _calm(world: World) -> None:
    """Everything is fresh, of the right source, and known to be."""
    for place in world.laws.places.values():
        token = world.token(place.token)
        assert token is not None
        if place.bad_since is not None:
            world.laws.broken(f"{place.key} holds no live token, long after the last fault")
        assert place.seen is not None
        if place.seen.scope != " ".join(token.request.scope):
            world.laws.broken(f"{place.key} holds a token of an old source")


def _memory() -> str | None:
    memory = "/dev/shm"  # noqa: S108 - the folder in it has a random name
    return memory if os.access(memory, os.W_OK) else None
