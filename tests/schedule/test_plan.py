"""When a token is refreshed."""

import pytest
from hypothesis import example, given, strategies as st

from secret_refresher.config.model import Refresh
from secret_refresher.schedule import plan
from secret_refresher.tokens.token import Life

draws = st.floats(0, 1, exclude_max=True)
lifetimes = st.floats(0.5, 3.2e8)
refreshes = st.builds(
    Refresh,
    at=st.floats(0.5, 0.95),
    jitter=st.floats(0, 0.4),
    min_lead=st.floats(0, 86400),
)


@given(lifetimes, refreshes, st.floats(0, 600), draws)
def test_refresh_point_is_inside_the_drawn_window(
    lifetime: float, refresh: Refresh, propagation: float, draw: float
) -> None:
    """The refresh point lies in [latest - jitter, latest) of the life, and after its start."""
    lead = max(refresh.min_lead, propagation)
    latest = max(0.5, min(refresh.at, 1 - lead / lifetime))
    share = plan.refresh_after(lifetime, refresh, propagation, draw) / lifetime
    assert latest - refresh.jitter - 1e-9 <= share <= latest + 1e-9
    assert 0 < share < 1


@pytest.mark.parametrize(
    ("lifetime", "earliest", "latest"),
    [
        (3600, 0.65 * 3600, 0.75 * 3600),
        (600, 0.65 * 600, 0.75 * 600),
        (120, 0.4 * 120, 0.5 * 120),  # minLead asks for half of it
        (150, 0.5 * 150, 0.6 * 150),  # 150 s less the lead of 60 s is 0.6 of it
        (5, 2.0, 2.5),
    ],
)
def test_defaults_give_the_documented_window(
    lifetime: float, earliest: float, latest: float
) -> None:
    """With the defaults, long lives are used to three quarters and short ones to half."""
    assert plan.refresh_after(lifetime, Refresh(), 0, 0.0) == pytest.approx(earliest)
    assert plan.refresh_after(lifetime, Refresh(), 0, 0.999999) == pytest.approx(latest, rel=1e-4)


def test_propagation_counts_as_lead() -> None:
    """A sink that shows a change late makes the refresh earlier."""
    early = plan.refresh_after(600, Refresh(min_lead=10), 300, 0.5)
    assert early < plan.refresh_after(600, Refresh(min_lead=10), 0, 0.5)


@given(lifetimes)
@example(4.0)
@example(3600.0)
def test_floor_never_reaches_the_refresh_window(lifetime: float) -> None:
    """The floor between two fetches never delays a regular refresh of the same life."""
    assert 0 < plan.floor(lifetime) <= min(10, lifetime / 4)
    earliest = plan.refresh_after(lifetime, Refresh(), 0, 0.0)
    assert plan.floor(lifetime) <= earliest


def life(issued: float, refresh: float, expires: float) -> Life:
    """A life whose wall clock is the process's clock and a million."""
    return Life(issued, refresh, expires, issued + 1e6)


def test_a_token_handed_out_again_does_not_live_longer() -> None:
    """A repeated token keeps its expiry although the server repeats the whole expires_in."""
    known = life(0, 70, 100)
    again = plan.same_token(known, life(70, 140, 170), 70)
    assert again.expires == 100
    assert again.issued_at == known.issued_at
    assert again.refresh == pytest.approx(70 + 0.7 * 30)


def test_a_token_handed_out_again_with_less_life_dies_earlier() -> None:
    """Where the server tells the remaining life, the earlier expiry holds."""
    again = plan.same_token(life(0, 70, 100), life(70, 80, 90), 70)
    assert again.expires == 90


def test_a_dead_token_handed_out_again_is_taken_at_the_servers_word() -> None:
    """After its expiry a repeated token has the life that the server grants it now."""
    granted = life(120, 190, 220)
    assert plan.same_token(life(0, 70, 100), granted, 121) == granted


@given(st.floats(0.1, 300), st.floats(0, 1000))
def test_an_attempt_leaves_time_for_another(timeout: float, now: float) -> None:
    """While the old token lives, one attempt takes at most half of what remains, or 1 s."""
    token = life(0, 700, 1000)
    granted = plan.attempt_timeout(timeout, token, now)
    assert granted <= timeout
    if now < 1000:
        assert granted <= max(1.0, (1000 - now) / 2)
    else:
        assert granted == timeout
    assert plan.attempt_timeout(timeout, None, now) == timeout
