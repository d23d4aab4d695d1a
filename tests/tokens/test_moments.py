"""Instants, written and read."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from secret_refresher.tokens.moments import parse_rfc3339, rfc3339

INSTANTS = st.floats(0, 253_402_300_799, allow_nan=False)


@given(INSTANTS)
def test_an_instant_is_read_back_to_the_millisecond(instant: float) -> None:
    """Written and read, it is the nearest millisecond."""
    found = parse_rfc3339(rfc3339(instant))
    assert found is not None
    # Far in the future a float itself is no finer than some microseconds.
    assert abs(found - instant) <= 0.0005 + 2 * math.ulp(instant)


@given(INSTANTS)
def test_what_was_read_is_written_the_same(instant: float) -> None:
    """A second round changes nothing."""
    text = rfc3339(instant)
    found = parse_rfc3339(text)
    assert found is not None
    assert rfc3339(found) == text
    assert found == round(found, 3)


@given(st.integers(0, 253_402_300_799_000))
def test_whole_milliseconds_stay_what_they_are(milliseconds: int) -> None:
    """The lifecycle's instants survive a record exactly."""
    assert parse_rfc3339(rfc3339(milliseconds / 1000)) == milliseconds / 1000


@given(st.integers(0, 253_402_300_799_000), st.integers(0, 253_402_300_799_000))
def test_texts_sort_as_instants(one: int, other: int) -> None:
    """Whoever sorts the texts sorts the instants."""
    assert (one < other) == (rfc3339(one / 1000) < rfc3339(other / 1000))


def test_the_form() -> None:
    """UTC, milliseconds, Z."""
    assert rfc3339(1_700_000_000.1239) == "2023-11-14T22:13:20.124Z"
    assert rfc3339(0.0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(59.9996) == "1970-01-01T00:01:00.000Z"


@given(INSTANTS)
def test_the_standard_library_agrees(instant: float) -> None:
    """Python's own reader reads the same instant."""
    apart = datetime.fromisoformat(rfc3339(instant)) - datetime.fromtimestamp(instant, UTC)
    assert abs(apart.total_seconds()) <= 0.0005 + 2 * math.ulp(instant) + 1e-6


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        b"2023-11-14T22:13:20Z",
        "",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-11-14T22:13:20+00:00",
        "2023-11-14t22:13:20z",
        "2023-11-14 22:13:20Z",
        "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20.1234567Z",
        "2023-11-14T22:13:20Z\n",
        " 2023-11-14T22:13:20Z",
        "2023-02-30T00:00:00Z",
        "2023-11-14T24:13:20Z",
        "2023-11-14T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "\u0662\u0660\u0662\u0663-11-14T22:13:20Z",
    ],
    ids=repr,
)
def test_other_forms_are_not_read(text: object) -> None:
    """One form only: what others wrote is no instant of ours."""
    assert parse_rfc3339(text) is None


@given(st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    """Whatever stands there, the answer is an instant or None."""
    found = parse_rfc3339(text)
    assert found is None or isinstance(found, float)


def test_what_is_read_can_be_written() -> None:
    """The last instants of the year 9999 round up to one that has no form: they are not read."""
    last = "9999-12-31T23:59:59.999Z"
    instant = parse_rfc3339(last)
    assert instant is not None
    assert rfc3339(instant) == last
    assert parse_rfc3339("9999-12-31T23:59:59.9996Z") is None
