"""The heap of due times."""

import tracemalloc

from hypothesis import given, strategies as st

from secret_refresher.engine.agenda import Agenda

KEYS = st.integers(0, 20)


@given(st.lists(st.tuples(KEYS, st.one_of(st.none(), st.floats(0, 100))), max_size=300))
def test_each_thing_is_due_once_at_its_latest_word(steps: list[tuple[int, float | None]]) -> None:
    """What comes out is exactly the last instant said of each thing, in order of time."""
    agenda: Agenda[int] = Agenda()
    model: dict[int, float] = {}
    for key, instant in steps:
        if instant is None:
            agenda.drop(key)
            model.pop(key, None)
        else:
            agenda.set(key, instant)
            model[key] = instant
    assert agenda.next() == min(model.values(), default=float("inf"))
    came = []
    while (due := agenda.pop(100)) is not None:
        came.append(due)
    assert sorted(came) == sorted(model)
    assert [model[key] for key in came] == sorted(model.values())


def test_nothing_comes_before_its_time() -> None:
    """An instant in the future stays."""
    agenda: Agenda[str] = Agenda()
    agenda.set("a", 5)
    assert agenda.pop(4.9) is None
    assert agenda.pop(5) == "a"


def test_rescheduling_does_not_pile_up() -> None:
    """A thing that is put off a million times costs no memory for that."""
    agenda: Agenda[str] = Agenda()
    tracemalloc.start()
    for instant in range(100_000):
        agenda.set("a", float(instant))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100_000
