"""A budget of token requests."""

from hypothesis import given, strategies as st

from secret_refresher.schedule.budget import HOUR, Budget


@given(
    st.integers(1, 500),
    st.lists(st.tuples(st.floats(0, 400), st.booleans()), min_size=1, max_size=300),
)
def test_no_hour_ever_exceeds_the_budget(hourly: int, wishes: list[tuple[float, bool]]) -> None:
    """However requests come, no half-open hour sees more of them than the budget."""
    budget, now, made = Budget.full(hourly, 0), 0.0, []
    for pause, urgent in wishes:
        now = budget.opens(now + pause, urgent=urgent)
        budget = budget.spend(1, now)
        made.append(now)
    for index, first in enumerate(made):
        inside = sum(1 for at in made[index:] if at < first + HOUR - 1e-6)
        assert inside <= hourly


@given(st.integers(8, 500))
def test_a_quarter_is_kept_for_the_urgent(hourly: int) -> None:
    """When ordinary requests have to wait, an urgent one need not."""
    budget = Budget.full(hourly, 0)
    while budget.opens(0, urgent=False) == 0:
        budget = budget.spend(1, 0)
    assert budget.opens(0, urgent=True) == 0
    assert budget.opens(0, urgent=False) > 0


@given(st.integers(1, 500), st.integers(1, 1000))
def test_an_empty_bucket_opens_again(hourly: int, spent: int) -> None:
    """Whatever was spent, there is an instant at which the next request may go."""
    budget = Budget.full(hourly, 0).spend(spent, 0)
    at = budget.opens(0, urgent=True)
    assert at < float("inf")
    assert budget.opens(at, urgent=True) - at < 1e-3


def test_refill_is_even() -> None:
    """A budget of sixty an hour that is used up opens every other minute, not once an hour."""
    budget = Budget.full(60, 0).spend(30, 0)
    assert 100 < budget.opens(0, urgent=True) < 120
