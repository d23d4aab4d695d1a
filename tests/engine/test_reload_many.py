"""A new configuration for ten thousand tokens."""

from collections import Counter
from dataclasses import replace

from secret_refresher.adapters.metrics import Metrics
from secret_refresher.config.model import Config, State, TokenConfig
from secret_refresher.lifecycle import events
from secret_refresher.ports import ConfigTaken
from secret_refresher.schedule import plan
from support.tokens import token_config
from support.world import World

MANY = 10_000
LIFE = 3600.0
EACH = 500
"""Tokens that are removed, that are to be absent, and that are added."""


def asked_after(world: World, token: TokenConfig, since: float) -> list[float]:
    """When its server was asked."""
    return [instant for instant in world.service(token).asked if instant >= since]


def test_everything_at_once() -> None:
    """Added, removed, absent and changed: nobody is without a token, nobody asks in a herd.

    A changed source is asked for over the lead while the old token stays; removed tokens have no
    series any more; what is absent is cleared.
    """
    world = World(latency=0.1)
    metrics = Metrics(world)
    world.observers = [world, metrics]
    tokens = [token_config(f"token-{number:05d}") for number in range(MANY)]
    service = world.service(tokens[0])
    service.lifetime = LIFE
    metrics.watch(world.start(Config(tokens=tuple(tokens))))
    world.run(world.time + 300)
    assert len(service.asked) == MANY

    removed, absent, changed = tokens[:EACH], tokens[EACH : 2 * EACH], tokens[2 * EACH :]
    other = replace(tokens[0].request, scope=("another",))
    after = (
        *(replace(token, state=State.ABSENT) for token in absent),
        *(replace(token, request=other) for token in changed),
        *(token_config(f"new-{number:05d}") for number in range(EACH)),
    )
    begin = world.time
    world.engine.reconfigure(Config(tokens=after))
    lead = plan.lead(tokens[0].refresh, 0.0)
    world.run(begin + lead + 60)

    [taken] = [fact for fact in world.facts if isinstance(fact, ConfigTaken)][1:]
    assert (taken.tokens, taken.added, taken.removed) == (len(after), EACH, EACH)
    instants = asked_after(world, tokens[0], begin)
    assert len(instants) == len(changed) + EACH
    # Eight workers at a tenth of a second each are the most that one origin ever sees.
    assert max(Counter(map(int, instants)).values()) <= 81
    assert world.expired() == 0
    cleared = [fact for fact in world.facts if isinstance(fact, events.Removed)]
    assert len(cleared) == len(absent)

    shown = metrics.exposition("text/plain")[1].decode()
    assert "new-00000" in shown
    assert not [token.name for token in removed if f'"{token.name}"' in shown]
