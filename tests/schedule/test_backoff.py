"""How long a failed attempt waits."""

import random

import pytest
from hypothesis import given, settings, strategies as st

from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.schedule import backoff
from secret_refresher.tokens.token import Life

draws = st.floats(0, 1, exclude_max=True)
failures = st.integers(1, 10_000)
TRANSIENT = Fault(Reason.SERVER_ERROR, "s", "a", Lane.TRANSIENT)
PERMANENT = Fault(Reason.INVALID_CLIENT, "s", "a", Lane.PERMANENT)


def life(length: float) -> Life:
    """A life that began at 0."""
    return Life(0, 0.7 * length, length, 1e6)


@given(failures, draws)
def test_transient_failures_wait_at_most_a_minute(number: int, draw: float) -> None:
    """Without a live token a transient failure waits 0 to 1, 2, 4 … 60 seconds."""
    wait = backoff.wait(TRANSIENT, number, None, 0, draw, began=0)
    assert 0 <= wait <= min(60, 2 ** min(number - 1, 10))


@pytest.mark.parametrize(("number", "most"), [(1, 1), (2, 2), (3, 4), (7, 60), (5000, 60)])
def test_transient_growth_doubles(number: int, most: float) -> None:
    """The upper end of the draw doubles from one second and ends at sixty."""
    assert backoff.wait(TRANSIENT, number, None, 0, 0.5, began=0) == most / 2


@given(failures, draws)
def test_permanent_failures_take_the_slow_lane(number: int, draw: float) -> None:
    """A permanent failure waits from 60 seconds to a quarter of an hour."""
    assert 60 <= backoff.wait(PERMANENT, number, None, 0, draw, began=0) <= 900


@given(failures, draws, st.floats(1, 1e6), st.floats(0, 0.999))
def test_transient_waits_stop_at_half_of_the_remaining_life(
    number: int, draw: float, length: float, share: float
) -> None:
    """A transient wait never sleeps past half of what remains, but for a smallest pause."""
    now = length * share
    remaining = length - now
    wait = backoff.wait(TRANSIENT, number, life(length), now, draw, began=now)
    assert wait <= max(remaining / 2, min(0.5, length / 20)) + 1e-9


@settings(deadline=None)
@given(
    failures,
    st.floats(20, 1e5),
    st.floats(0, 0.999),
    st.integers(0, 2**32),
    st.sampled_from([TRANSIENT, PERMANENT]),
)
def test_some_attempt_begins_in_the_last_tenth(
    number: int, length: float, share: float, seed: int, fault: Fault
) -> None:
    """In either lane, however long attempts take, one begins while the last tenth lasts."""
    token, now, draw = life(length), length * share, random.Random(seed).random  # noqa: S311
    began = now
    while began < 0.9 * length:
        # An attempt takes at most half of what remains, as `plan.attempt_timeout` sees to.
        ended = began + draw() * min(10.0, (length - began) / 2)
        began = ended + max(backoff.wait(fault, number, token, ended, draw(), began=began), 1e-3)
        number += 1
    assert began < length


@given(failures, draws, st.floats(0, 3600), st.sampled_from([TRANSIENT, PERMANENT]))
def test_retry_after_is_a_lower_bound(
    number: int, draw: float, seconds: float, fault: Fault
) -> None:
    """Nothing, not even a dying token, goes below the server's Retry-After."""
    asked = Fault(fault.reason, "s", "a", fault.lane, retry_after=seconds)
    assert backoff.wait(asked, number, life(100), 85, draw, began=85) >= seconds


@given(st.floats(2, 2.99), draws, st.floats(0, 0.2), st.integers(0, 2**32))
def test_a_server_that_comes_and_goes_is_met(
    issued: float, share: float, latency: float, seed: int
) -> None:
    """Away for two seconds in every three, it is found in time by a token of six seconds."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    token = Life(issued, issued + 6 * (0.5 - 0.1 * (1 - share)), issued + 6, issued)
    now, number = token.refresh, 0
    while now % 3 < 2:
        began, number = now, number + 1
        now += latency
        now += backoff.wait(TRANSIENT, number, token, now, chance.random(), began=began)
    assert now + latency < token.expires
