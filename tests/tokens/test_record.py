"""Records, written and read, by us and by others."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from secret_refresher.tokens.record import Record, dump, load, rendering_hash
from secret_refresher.tokens.token import Life

MILLISECONDS = st.integers(0, 4_000_000_000_000)
LONGEST = 10 * 366 * 86_400_000


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """A life as the lifecycle makes it: issued at a whole millisecond."""
    issued_at = draw(MILLISECONDS) / 1000
    length = draw(st.floats(0.001, LONGEST / 1000 - 1))
    refresh = draw(st.floats(0, 1)) * length
    now = draw(st.floats(0, 1e9))
    return Life(now, now + refresh, now + length, issued_at)


def json_values() -> st.SearchStrategy[Any]:
    """Anything that JSON can say."""
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    return st.recursive(
        plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
    )


@given(lives(), st.binary(), st.text(st.characters(codec="utf-8")))
def test_a_record_is_read_back_exactly(life: Life, content: bytes, fingerprint: str) -> None:
    """To the last bit: it is made to the millisecond, and written so."""
    record = Record.of(content, life, fingerprint)
    assert load(dump([record])) == (record,)


@given(lives(), st.floats(0, 1e9), st.floats(0, 1e6))
def test_a_life_is_told_by_this_process(life: Life, now: float, age: float) -> None:
    """By another process's clock the life is the same: as long, as old, as due."""
    record = Record.of(b"x", life, "f")
    found = record.life(now, record.issued_at + age)
    assert found is not None
    assert found.issued_at == record.issued_at
    assert now - found.issued == pytest.approx(age, abs=0.002)
    assert found.length == pytest.approx(life.length, abs=0.002)
    assert found.refresh_at == pytest.approx(life.refresh_at, abs=0.002)


@given(lives())
def test_a_plan_keeps_its_order(life: Life) -> None:
    """Issued, then due, then dead: rounding swaps nothing, so every record of ours is read."""
    record = Record.of(b"x", life, "f")
    assert record.issued_at <= record.refresh_at <= record.expires_at


def test_a_life_in_the_future_is_none() -> None:
    """By one millisecond or by a year."""
    record = Record.of(b"x", Life(0, 50, 100, 1000.0), "f")
    assert record.life(0, 1000.0) is not None
    assert record.life(0, 999.999) is None
    assert record.life(0, 0) is None


RECORDS = [Record.of(bytes([n]), Life(0, 50, 100, 1000.0 + n), "f") for n in range(3)]


def test_the_form() -> None:
    """Versioned, readable, and without the token."""
    written = json.loads(dump(RECORDS[:1]))
    assert written == {
        "version": 1,
        "records": [
            {
                "rendering": rendering_hash(b"\0"),
                "issuedAt": "1970-01-01T00:16:40.000Z",
                "refreshAt": "1970-01-01T00:17:30.000Z",
                "expiresAt": "1970-01-01T00:18:20.000Z",
                "fingerprint": "f",
            }
        ],
    }
    assert rendering_hash(b"\0").startswith("sha256:6e340b9cffb37a98")


def test_two_records_are_read() -> None:
    """In order; a third is nobody's business."""
    assert load(dump(RECORDS)) == tuple(RECORDS[:2])


@pytest.mark.parametrize("cut", range(len(dump(RECORDS[:2])) - 2))
def test_a_torn_record_is_none(cut: int) -> None:
    """Cut anywhere, nothing is read rather than half of it."""
    assert load(dump(RECORDS[:2])[:cut]) == ()


@pytest.mark.parametrize("version", [0, 2, "1", None, 1.5, [1]])
def test_another_version_is_none(version: object) -> None:
    """What another release writes is not guessed at."""
    form = json.loads(dump(RECORDS[:1]))
    assert load(json.dumps({**form, "version": version}).encode()) == ()


def test_a_bad_record_does_not_spoil_its_neighbour() -> None:
    """The one that can be read counts."""
    form = json.loads(dump(RECORDS[:2]))
    form["records"][0]["issuedAt"] = "never"
    assert load(json.dumps(form).encode()) == (RECORDS[1],)


def test_more_keys_do_no_harm() -> None:
    """A later release may write more about the same."""
    form = json.loads(dump(RECORDS[:1]))
    form["records"][0]["more"] = form["more"] = 1
    assert load(json.dumps(form).encode()) == (RECORDS[0],)


@given(st.binary())
def test_no_bytes_make_it_fail(content: bytes) -> None:
    """Whatever stands in the file, the answer is a few records or none."""
    assert load(content) == ()


@given(json_values())
def test_no_json_makes_it_fail(value: Any) -> None:
    """Nor whatever it says in JSON."""
    assert load(json.dumps(value).encode()) == ()


KEYS = st.sampled_from(["rendering", "issuedAt", "refreshAt", "expiresAt", "fingerprint"])


@given(KEYS, json_values())
def test_no_value_makes_it_fail(key: str, value: Any) -> None:
    """Nor any value of one key: what is read is a record in the right order, or nothing."""
    form = json.loads(dump(RECORDS[:1]))
    form["records"][0][key] = value
    for record in load(json.dumps(form).encode()):
        assert record.issued_at <= record.refresh_at <= record.expires_at
        assert isinstance(record.rendering, str)
        assert isinstance(record.fingerprint, str)


def test_a_life_beyond_belief_is_none() -> None:
    """Nobody grants more than ten years, so a record that says so is forged."""
    form = json.loads(dump(RECORDS[:1]))
    form["records"][0]["expiresAt"] = "2099-01-01T00:00:00.000Z"
    assert load(json.dumps(form).encode()) == ()
