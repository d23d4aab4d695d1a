"""What a seed makes of the world before anything happens in it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import final

from secret_refresher.config.consumers import (
    ConsumerSpec,
    HttpConsumer,
    RolloutConsumer,
    WorkloadKind,
)
from secret_refresher.config.election import Election
from secret_refresher.config.model import (
    Auth,
    Config,
    FileSink,
    OnExpired,
    Refresh,
    Request,
    RequestFormat,
    SecretSink,
    SinkSpec,
    TokenConfig,
)
from secret_refresher.tokens.rendering import Render, RenderFormat
from support.simulation.answers import GRANTS

LIVES = (30.0, 100.0, 600.0, 600.0, 3600.0, 43200.0)
DAY = 86400.0
CALM_LIVES = (3600.0, 8 * 3600.0, DAY)
"""Seconds: what servers grant by default, an hour or a day, and what lies between."""
AT = (0.75, 0.75, 0.6)
CALM_AT = (0.75, 0.9, 0.97)
"""Latest points of life. A tenth of a day, and less, is a lead that an outage can outlast."""
ELECTED = 0.2
"""Of the seeds: replicas share their tokens."""
TOLD = 0.15
"""Of the others: somebody is told of new tokens."""
_RENDERS = (Render(), Render(format=RenderFormat.BEARER), Render(format=RenderFormat.JSON))


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """The world at the beginning.

    `folder` is where files are, if there are any; `lifetimes` and `forms` are by token.

    `caches`: tokens whose server hands the same one out until it is nearly dead. `close`: files
    are looked at between any two system calls. `heard`: real logs and metrics listen.
    """

    seed: int
    tokens: tuple[TokenConfig, ...]
    lifetimes: dict[str, float]
    forms: dict[str, str]
    caches: frozenset[str]
    machines: int
    fetchers: int
    tenders: int
    latency: float
    folder: str | None
    close: bool
    heard: bool
    calm: bool
    election: Election

    @property
    def config(self) -> Config:
        """The configuration at the beginning."""
        return Config(tokens=self.tokens, election=self.election)

    @property
    def longest(self) -> float:
        """Seconds of the longest life."""
        return max(self.lifetimes.values())


def latest(token: TokenConfig, lifetime: float) -> float:
    """The share of its life at which a token is refreshed at the latest (DESIGN, Schedule)."""
    lead = max(token.refresh.min_lead, token.propagation)
    return max(0.5, min(token.refresh.at, 1 - lead / lifetime))


def earliest(token: TokenConfig, lifetime: float) -> float:
    """Seconds of its life before which a token is never refreshed without a reason."""
    return lifetime * (latest(token, lifetime) - token.refresh.jitter)


def enough(token: TokenConfig, lifetime: float) -> int:
    """Requests an hour that a token needs; a budget refills at half of its rate only."""
    return int(3600 / earliest(token, lifetime)) + 2


def pause(lifetime: float) -> float:
    """The longest pause after a failure that is likely to pass by itself, in seconds."""
    return min(60.0, lifetime / 10)


def sinks(
    dice: random.Random, name: str, folder: str | None, lifetime: float
) -> tuple[SinkSpec, ...]:
    """One to three places for a token, files (unless there is no folder) and Secrets."""
    made: list[SinkSpec] = []
    for number in range(dice.choice([1, 1, 2, 3])):
        render = dice.choice(_RENDERS)
        if folder is not None and dice.random() < 0.5:
            path = f"{folder}/{name}-{number}"
            made.append(FileSink(path=path, render=render, mode=dice.choice([0o440, 0o400, 0o444])))
        else:
            data = {"token": render} if dice.random() < 0.7 else {"token": render, "raw": Render()}
            late = dice.choice([0.0, lifetime / 10])
            made.append(
                SecretSink(name=f"{name}-{number}", namespace="apps", data=data, propagation=late)
            )
    return tuple(made)


def terms(dice: random.Random, lifetime: float) -> Election:
    """Of an election that is quicker than most leads, and than some are not."""
    lease = lifetime * dice.choice([0.05, 0.1, 0.1])
    return Election(
        enabled=True,
        shards=dice.choice([1, 1, 2, 3]),
        lease_duration=lease,
        renew_deadline=lease * dice.choice([0.6, 0.8]),
        retry_period=lease * dice.choice([0.2, 0.3]),
    )


def hearers(dice: random.Random, name: str, lifetime: float) -> tuple[ConsumerSpec, ...]:
    """Who is told of a token: somebody of its own, and some who are told of others as well."""
    everybody: list[ConsumerSpec] = [
        HttpConsumer(url=f"http://{name}.example/-/reload"),
        HttpConsumer(url="http://app.example/-/reload"),
        RolloutConsumer(
            kind=WorkloadKind.DEPLOYMENT,
            name=name,
            namespace="apps",
            min_interval=lifetime / 10,
            min_life=dice.choice([0.0, 0.0, 3600.0]),
        ),
    ]
    return tuple(dice.sample(everybody, dice.choice([1, 2, 3])))


def settings(seed: int, folder: str, *, calm: bool = False) -> Settings:
    """The world of a seed. `calm`: of tokens that live an hour to a day, for a year of them."""
    dice = random.Random(f"settings {seed}")  # noqa: S311 - a simulation
    lifetime = dice.choice(CALM_LIVES if calm else LIVES)
    machines = dice.choice([1, 1, 2])
    # Who waits for the lock of another's file looks every half a minute, for days.
    room = folder if machines == 1 or lifetime <= 600 else None
    more = random.Random(f"replicas {seed}")  # noqa: S311 - likewise
    election = Election()
    if more.random() < ELECTED:
        # Who renews a Lease for a year does so by a long one.
        machines, room = more.choice([2, 2, 3]), None
        lifetime = DAY if calm else more.choice([600.0, 3600.0])
        election = terms(more, lifetime)
    told = election.enabled or (more.random() < TOLD and (machines == 1 or room is None))
    tokens, lifetimes, forms = [], {}, {}
    caches = set()
    for number in range(dice.choice([1, 1, 2, 3])):
        name = f"t-{number}"
        others = CALM_LIVES if calm else (lifetime / 2, lifetime * 2)
        lives = lifetime if dice.random() < 0.7 else dice.choice(others)
        refresh = Refresh(
            at=dice.choice(CALM_AT if calm else AT),
            jitter=dice.choice([0.1, 0.1, 0.0, 0.2]),
            min_lead=min(60.0, lives / 4)
            if dice.random() < 0.5
            else lives * dice.uniform(0.1, 0.4),
            on_expired=dice.choice([OnExpired.KEEP, OnExpired.KEEP, OnExpired.DELETE]),
        )
        auth = Auth(
            client_id=None if dice.random() < 0.5 else f"client-{name}",
            client_id_file=f"/credentials/{name}/client_id",
            client_secret_file=f"/credentials/{name}/client_secret",
            previous_client_secret_file=(
                f"/credentials/{name}/previous" if dice.random() < 0.3 else None
            ),
        )
        token = TokenConfig(
            name=name,
            token_url=f"http://id-{dice.randrange(2)}.example/oauth/token",
            auth=auth,
            request=Request(
                format=dice.choice([RequestFormat.FORM, RequestFormat.JSON]),
                scope=("s0",),
                timeout=min(10.0, lives / 10),
            ),
            refresh=refresh,
            sinks=sinks(dice, name, room, lives),
            notify=hearers(more, name, lives) if told else (),
        )
        if dice.random() < 0.3:  # a few more than are needed
            hourly = dice.choice([2, 3, 8]) * enough(token, lives)
            token = replace(token, refresh=replace(refresh, max_requests_per_hour=hourly))
        tokens.append(token)
        lifetimes[name] = lives
        forms[name] = dice.choice(list(GRANTS))
        if dice.random() < 0.1:
            caches.add(name)
    return Settings(
        seed=seed,
        tokens=tuple(tokens),
        lifetimes=lifetimes,
        forms=forms,
        caches=frozenset(caches),
        machines=machines,
        fetchers=dice.choice([4, 8, 32]),
        tenders=dice.choice([2, 8]),
        latency=lifetime / 3000 if lifetime < 600 else dice.choice([0.02, 0.2]),
        folder=room,
        close=dice.random() < 0.2,
        heard=dice.random() < 0.3 and not calm,
        calm=calm,
        election=election,
    )


__all__ = ["Settings", "earliest", "latest", "pause", "settings", "sinks"]
