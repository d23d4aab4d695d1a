"""What goes wrong when, by seed; any of it can be left out without changing the rest."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import final

from support.simulation.answers import ROWS
from support.simulation.settings import DAY, Settings, latest

NETWORK = ("dns", "refused", "reset", "lost", "hole", "hang", "slow", "flaky", "moved")
API = ("refused", "hole", "hang", "lost", "slow", "429", "500", "503", "401", "403")
PEOPLE = ("edit", "delete", "older", "forged", "forged-forever", "undressed", "spoiled")
DISK = ("full", "failing", "readonly")
CREDENTIALS = ("rotated", "revoked", "unreadable", "empty", "early")
MACHINE = ("kill", "kill-at-call", "stop", "suspend", "wall", "deaf")
RELOAD = ("scope", "hasty", "sinks", "refresh", "budget", "gone", "absent")
KINDS: dict[str, tuple[str, ...]] = {
    "network": NETWORK,
    "row": tuple(ROWS),
    "api": API,
    "people": PEOPLE,
    "disk": DISK,
    "credentials": CREDENTIALS,
    "machine": MACHINE,
    "reload": RELOAD,
    "skew": ("skew",),
}
HEARERS = ("refused", "hang", "slow", "503", "abandoned")
REPLICAS = (
    "crash",
    "leave",
    "freeze",
    "doze",
    "doze",
    "cut",
    "late",
    "wall",
    "wall",
    "rollout",
    "surge",
    "shards",
    "deleted",
)
RARE = 8 * DAY
"""Seconds: in a calm world some ten things go wrong in a month, some of them together."""
_WEIGHTS = {"network": 4, "row": 5, "api": 3, "people": 4, "disk": 2, "credentials": 3}


@final
@dataclass(frozen=True, slots=True)
class Strike:
    """One thing that goes wrong.

    `at` on the timeline, or `aimed`: then before the next moment at which a token needs something,
    when it can do most harm. For `length` seconds where it lasts; `draw` from [0, 1) settles
    whatever else there is to settle.
    """

    number: int
    at: float
    family: str
    kind: str
    length: float
    draw: float
    aimed: bool

    @property
    def dice(self) -> random.Random:
        """Its own randomness, the same each time."""
        return random.Random(f"strike {self.draw}")  # noqa: S311 - a simulation

    def __str__(self) -> str:
        return f"{self.number}: {self.family} {self.kind} at {self.at:.1f} for {self.length:.1f} s"


@final
@dataclass(frozen=True, slots=True)
class Plan:
    """All that goes wrong, in order; nothing more after `ends`."""

    strikes: tuple[Strike, ...]
    ends: float


def plan(settings: Settings, begin: float, length: float) -> Plan:
    """What goes wrong in `length` seconds: in every second life or so, or as rarely as `RARE`."""
    dice = random.Random(f"plan {settings.seed}")  # noqa: S311 - a simulation
    longest = settings.longest
    leads = [
        settings.lifetimes[token.name] * (1 - latest(token, settings.lifetimes[token.name]))
        for token in settings.tokens
    ]
    # Days without a server tell nothing that half as much as the lead again does not.
    most = max(7200.0, 1.5 * min(leads))
    families = dice.sample(list(KINDS), dice.randint(2, len(KINDS)))
    kinds = dict(KINDS)
    if settings.election.enabled:
        families, kinds["replicas"] = ["replicas", "replicas", *families], REPLICAS
    if any(token.notify for token in settings.tokens):
        families, kinds["hearers"] = [*families, "hearers"], HEARERS
    weights = [_WEIGHTS.get(family, 2) for family in families]
    strikes: list[Strike] = []
    at = begin + dice.choice([0.0, 0.5, 1.0]) * longest
    ends = begin + length
    while at < ends:
        family = dice.choices(families, weights)[0]
        # Most are over before the lead is; some are far longer, and excuse what follows.
        length = min(min(leads) * dice.choice([0.1, 0.4, 0.8, 0.8, 4.0]), most)
        kind, draw = dice.choice(kinds[family]), dice.random()
        aimed = settings.calm and dice.random() < 0.5
        strikes.append(Strike(len(strikes), at, family, kind, length, draw, aimed))
        apart = RARE if settings.calm else longest
        at += dice.choice([0.0, 0.1, 0.5, 1.0, 2.0]) * dice.random() * apart
    return Plan(tuple(strikes), ends if settings.calm else max(at, ends))
