"""What things cost, counted, so that nothing grows unnoticed.

Calls of our own functions and imported modules are the same on every machine, unlike times. A
limit leaves a tenth of room. Whoever needs more raises it in the same change, and says what for.
"""

import subprocess
import sys
from collections.abc import Callable
from types import FrameType

import pytest

import secret_refresher
from secret_refresher.config.model import Config
from secret_refresher.lifecycle.outlook import due
from support.tokens import token_config
from support.world import World

OURS = next(iter(secret_refresher.__path__))
ROOM = 1.1


def calls(act: Callable[[], object]) -> int:
    """How many functions of ours are called."""
    count = 0

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename.startswith(OURS)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count


def world(tokens: int, sinks: int = 1) -> World:
    """Every token has been published."""
    made = World(seed=1)
    configured = tuple(token_config(f"token-{n}", sinks=sinks) for n in range(tokens))
    made.start(Config(tokens=configured))
    made.run(made.time + 300)
    return made


@pytest.mark.parametrize(("sinks", "most"), [(1, 285), (10, 1270)])
def test_a_refresh(sinks: int, most: int) -> None:
    """From the wake-up to the last publish: transitions, gate, agenda, observers."""
    made = world(1, sinks)
    before = len(made.facts)
    counted = calls(lambda: made.run(made.time + 100 * 70))
    refreshes = (len(made.facts) - before) / (1 + 1 + sinks)
    assert refreshes > 80
    assert counted / refreshes <= most * ROOM


def test_a_schedule_decision() -> None:
    """When a token is due next, of one with ten sinks that needs nothing."""
    made = world(1, sinks=10)
    state = made.engine.entries()[0].state
    assert calls(lambda: due(state, made.time)) <= 112 * ROOM


def test_an_idle_engine() -> None:
    """A turn in which nothing is due costs the same for one token as for a thousand."""
    assert calls(world(1).engine.turn) == calls(world(1000).engine.turn) <= 20


def test_the_modules_of_a_sidecar() -> None:
    """A daemon with a file sink loads nothing that it does not need."""
    program = "import sys, secret_refresher.cli.run; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = ran.stdout.split()
    spared = {
        "kubernetes",
        "requests",
        "jinja2",
        "jwt",
        "cryptography",
        "concurrent.futures.thread",
    }
    assert not spared & set(loaded)
    own = [name for name in loaded if name.partition(".")[0] == "secret_refresher"]
    assert len(own) <= 127 * ROOM
