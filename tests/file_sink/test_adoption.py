"""What a new process makes of a file and its records, whoever wrote them."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secret_refresher.ports import Finding, Held, Wrote
from secret_refresher.tokens.record import load
from support.file_place import FilePlace
from support.file_scenarios import NEW, NEWER, OLD, minted
from support.sink_contract import RAW, SOURCE, ours

FOREIGN = Finding(Held.FOREIGN)


@pytest.fixture
def place(tmp_path: Path) -> FilePlace:
    """A live token, 100 of its 600 seconds old, that an ended process left."""
    return FilePlace(tmp_path).left(minted(FilePlace(tmp_path), NEW))


def rewrite(place: FilePlace, content: bytes) -> None:
    """Somebody writes the records."""
    place.meta.chmod(0o600)
    place.meta.write_bytes(content)


def record(place: FilePlace) -> dict[str, Any]:
    """The newest record as written."""
    found: dict[str, Any] = json.loads(place.meta.read_text())["records"][0]
    return found


# --- clocks ------------------------------------------------------------------------------------


def test_time_passes_while_nobody_runs(place: FilePlace) -> None:
    """The token has aged by the wall clock, whatever the process's clock reads now."""
    life = minted(place, NEW).life
    place.hand.pass_by(50)
    place.hand.process = 7.0  # another boot
    found = place.sink().inspect(SOURCE)
    assert ours(found, life)
    assert found.life is not None
    assert found.life.remaining(7.0) == pytest.approx(450)
    assert found.life.refresh - 7.0 == pytest.approx(270)


def test_a_wall_clock_that_jumped_forward_ages_the_token(place: FilePlace) -> None:
    """At a start there is no other clock to go by: it is dead, so a new one is asked for."""
    place.hand.epoch += 3600
    found = place.sink().inspect(SOURCE)
    assert found.life is not None
    assert not found.life.alive(place.hand.now())


def test_a_wall_clock_that_jumped_back_makes_the_token_foreign(place: FilePlace) -> None:
    """An issue time in the future proves one of the clocks wrong: nothing is believed."""
    place.hand.epoch -= 101
    assert place.sink().inspect(SOURCE) == FOREIGN


def test_a_token_of_this_very_instant_is_ours(tmp_path: Path) -> None:
    """Rounding to milliseconds does not put its issue into the future."""
    place = FilePlace(tmp_path)
    for step in range(20):
        place.hand.epoch = 1_700_000_000 + step * 0.0007
        mine = minted(place, NEWER)
        life = replace(mine.life, issued_at=int(place.hand.epoch * 1000) / 1000)
        sink = place.sink()
        sink.publish(mine.living(life))
        assert sink.inspect(SOURCE).held is Held.OURS
        sink.close()


# --- records that are gone, torn or hostile ----------------------------------------------------


def test_without_records_a_file_is_foreign(place: FilePlace) -> None:
    """It is replaced in its records only: the content is right already."""
    place.meta.unlink()
    before = place.file.stat()
    sink = place.sink()
    assert sink.inspect(SOURCE) == FOREIGN
    assert sink.publish(minted(place, NEW)) is Wrote.UNCHANGED
    assert place.file.stat().st_ino == before.st_ino
    assert ours(sink.inspect(SOURCE), minted(place, NEW).life)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"version": 1}',
        b'{"version": 1, "records": null}',
        b'{"version": 1, "records": {}}',
        b'{"version": 1, "records": [null, 5, "x", []]}',
        b'{"version": 1, "records": [{}]}',
        b'{"version": 2, "records": []}',
        b"[" * 60_000,
        b'{"version": ' + b"9" * 60_000 + b"}",
        b" " * 70_000,
    ],
    ids=range(14),
)
def test_records_of_nonsense_are_put_right(place: FilePlace, content: bytes) -> None:
    """Nothing is believed, nothing fails, and the next publish mends them."""
    rewrite(place, content)
    sink = place.sink()
    assert sink.inspect(SOURCE) == FOREIGN
    assert sink.publish(minted(place, NEW)) is Wrote.UNCHANGED
    assert ours(sink.inspect(SOURCE), minted(place, NEW).life)


@pytest.mark.parametrize(
    "lie",
    [
        {"version": 2},
        {"rendering": "sha256:" + "0" * 64},
        {"rendering": None},
        {"fingerprint": "another"},
        {"fingerprint": ["another"]},
        {"issuedAt": "2099-01-01T00:00:00.000Z"},
        {"issuedAt": "yesterday"},
        {"issuedAt": 1_700_000_000},
        {"expiresAt": "9999-12-31T23:59:59.999Z"},
        {"expiresAt": "2001-01-01T00:00:00.000Z"},
        {"refreshAt": "2001-01-01T00:00:00.000Z"},
        {"refreshAt": "9999-12-31T23:59:59.999Z"},
        {"expiresAt": "2024-02-30T00:00:00.000Z"},
        {"expiresAt": "2024-01-01T00:00:00+00:00"},
    ],
    ids=str,
)
def test_a_record_that_lies_is_not_believed(place: FilePlace, lie: dict[str, Any]) -> None:
    """One value that cannot be: the token is foreign."""
    told = {**record(place), **{key: value for key, value in lie.items() if key != "version"}}
    version = lie.get("version", 1)
    rewrite(place, json.dumps({"version": version, "records": [told]}).encode())
    assert place.sink().inspect(SOURCE) == FOREIGN


def test_more_records_than_two_are_not_read(place: FilePlace) -> None:
    """A list of a thousand is as good as its first two."""
    other = {**record(place), "rendering": "sha256:" + "0" * 64}
    text = json.dumps({"version": 1, "records": [other] * 100 + [record(place)]})
    rewrite(place, text.encode())
    assert place.sink().inspect(SOURCE) == FOREIGN


def test_the_second_record_counts_where_it_matches(place: FilePlace) -> None:
    """Killed between records and file: the file is the token before, and known."""
    other = {**record(place), "rendering": "sha256:" + "0" * 64}
    text = json.dumps({"version": 1, "records": [other, record(place)]})
    rewrite(place, text.encode())
    assert ours(place.sink().inspect(SOURCE), minted(place, NEW).life)


def test_records_of_another_file_say_nothing(place: FilePlace) -> None:
    """Records that were swapped with those of another token do not match by their hash."""
    other = FilePlace(place.folder, "other").left(minted(place, OLD))
    mine, theirs = place.meta.read_bytes(), other.meta.read_bytes()
    rewrite(place, theirs)
    rewrite(other, mine)
    assert place.sink().inspect(SOURCE) == FOREIGN
    assert other.sink().inspect(SOURCE) == FOREIGN


def test_files_that_were_swapped_are_foreign(place: FilePlace) -> None:
    """So does a token that was moved to the place of another."""
    other = FilePlace(place.folder, "other").left(minted(place, OLD))
    os.rename(other.file, place.file)
    assert place.sink().inspect(SOURCE) == FOREIGN


# --- what is kept ------------------------------------------------------------------------------


def test_two_records_are_kept_and_no_token_in_them(place: FilePlace) -> None:
    """The newest first; neither they nor anything else beside the file quotes a token."""
    sink = place.sink()
    sink.publish(minted(place, NEWER))
    records = load(place.meta.read_bytes())
    assert [r.issued_at for r in records] == [
        minted(place, text).life.issued_at for text in (NEWER, NEW)
    ]
    assert all(text not in place.meta.read_text() for text in (NEW[:20], NEWER[:20], OLD[:20]))


def test_what_cannot_change_is_not_written(place: FilePlace) -> None:
    """A look and a publish of what is there leave every file as it was, access times aside."""
    before = place.version()
    sink = place.sink(RAW)
    sink.inspect(SOURCE)
    sink.publish(minted(place, NEW))
    assert not sink.disturbed()
    assert place.version() == before
