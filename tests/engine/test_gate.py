"""Bulkheads between authorization servers."""

from typing import TypeVar

from hypothesis import given, strategies as st

from secret_refresher.engine.gate import SICK_AFTER, Gate

J = TypeVar("J")


def drain(gate: Gate[J]) -> list[tuple[str, J]]:
    """Everybody who may go now."""
    admitted = []
    while (job := gate.admit()) is not None:
        admitted.append(job)
    return admitted


def test_one_origin_gets_a_quarter_of_the_workers() -> None:
    """Of 32 workers one origin uses eight at most."""
    gate: Gate[int] = Gate(32)
    for number in range(100):
        gate.wait("a", 0, number)
    assert len(drain(gate)) == 8
    gate.wait("b", 0, 100)
    assert drain(gate) == [("b", 100)]


def test_the_token_that_dies_first_goes_first() -> None:
    """Within an origin urgency decides, and among equals who came first."""
    gate: Gate[int] = Gate(4)
    for number, expires in enumerate([30.0, 10.0, 20.0, 10.0]):
        gate.wait("a", expires, number)
    order = []
    while (job := gate.admit()) is not None:
        order.append(job[1])
        gate.done("a", answered=True)
    assert order == [1, 3, 2, 0]


def test_an_origin_without_answers_is_asked_one_at_a_time() -> None:
    """After three fetches in a row without an answer only one goes at a time, until one does."""
    gate: Gate[int] = Gate(32)
    for number in range(100):
        gate.wait("a", 0, number)
    assert len(drain(gate)) == 8
    for _ in range(8):
        gate.done("a", answered=False)
    assert gate.sick() == {"a"}
    assert len(drain(gate)) == 1
    gate.done("a", answered=True)
    assert gate.sick() == frozenset()
    assert len(drain(gate)) == 8


def test_a_server_that_wants_fewer_requests_gets_them() -> None:
    """Half as many at once, whatever the others say that were under way; then more by and by."""
    gate: Gate[int] = Gate(32)
    for number in range(1000):
        gate.wait("a", 0, number)
    assert len(drain(gate)) == 8
    for _ in range(8):
        gate.done("a", answered=True, crowded=True)
    at_once = len(drain(gate))
    assert at_once == 4
    for _ in range(4 + 5 + 6 + 7):
        gate.done("a", answered=True)
        at_once += len(drain(gate)) - 1
    assert at_once == 8
    for _ in range(8):
        gate.done("a", answered=True)
        at_once += len(drain(gate)) - 1
    assert at_once == 8


def test_a_server_that_wants_ever_fewer_requests_is_asked_one_at_a_time() -> None:
    """And never by nobody: it may want more again."""
    gate: Gate[int] = Gate(32)
    for number in range(1000):
        gate.wait("a", 0, number)
    at_once = len(drain(gate))
    for _ in range(40):
        gate.done("a", answered=True, crowded=True)
        at_once += len(drain(gate)) - 1
    assert at_once == 1


def test_an_origin_that_was_crowded_is_remembered() -> None:
    """One that has nobody waiting for a moment does not begin at full pace again."""
    gate: Gate[int] = Gate(32)
    gate.wait("a", 0, 0)
    drain(gate)
    gate.done("a", answered=True, crowded=True)
    for number in range(10):
        gate.wait("a", 0, number)
    assert len(drain(gate)) == 4


def test_attempts_that_asked_nobody_say_nothing_of_the_origin() -> None:
    """A missing credential file is no reason to slow an origin down."""
    gate: Gate[int] = Gate(32)
    for _ in range(SICK_AFTER + 1):
        gate.wait("a", 0, 0)
        drain(gate)
        gate.done("a", answered=None)
    assert gate.sick() == frozenset()


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from([None, True, False]), st.booleans()),
        max_size=200,
    )
)
def test_bounds_hold_and_nobody_is_forgotten(steps: list[tuple[str, bool | None, bool]]) -> None:
    """Whatever happens, the bounds hold, and in the end everybody has had a turn."""
    gate: Gate[int] = Gate(8)
    running: list[str] = []
    waiting = 0
    for origin, answered, finish in steps:
        if finish and running:
            gate.done(running.pop(0), answered=answered)
        else:
            gate.wait(origin, 0, 0)
            waiting += 1
        for name, _ in drain(gate):
            running.append(name)
            waiting -= 1
        assert len(running) <= 8
        assert all(running.count(name) <= 2 for name in set(running))
    while running:
        gate.done(running.pop(0), answered=True)
        for name, _ in drain(gate):
            running.append(name)
            waiting -= 1
    assert waiting == 0


def test_an_origin_that_falls_sick_in_the_line_gets_no_second_worker() -> None:
    """One at a time holds as well for who stood in the line before the third failure."""
    gate: Gate[str] = Gate(12)
    for origin in ("a", "a", "a", *(f"well-{number}" for number in range(9))):
        gate.wait(origin, 0, "running")
    assert len(drain(gate)) == 12
    gate.wait("x", 0, "first in the line")
    for _ in range(5):
        gate.wait("a", 0, "waiting")
    gate.done("a", answered=False)
    assert drain(gate) == [("x", "first in the line")]
    gate.done("a", answered=False)
    assert drain(gate) == [("a", "waiting")]
    gate.done("a", answered=False)
    assert drain(gate) == []  # one is under way
    gate.done("a", answered=False)
    assert drain(gate) == [("a", "waiting")]
