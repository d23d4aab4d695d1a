"""One file, one writer."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from secret_refresher.errors import Reason, Trouble
from secret_refresher.ports import Wrote
from support.elsewhere import scenario
from support.file_place import FilePlace
from support.file_scenarios import NEW, NEWER, OLD, minted
from support.sink_contract import SOURCE, ours


def test_a_second_process_is_kept_out(tmp_path: Path) -> None:
    """It may neither look nor write, and is told so; the file is untouched."""
    place = FilePlace(tmp_path)
    sink = place.sink()
    sink.publish(minted(place, OLD))
    before = place.version()
    advice = "stop the other process, or give this one another path"
    for name in ("look", "publish"):
        told = scenario(name, tmp_path)
        assert told == f"locked: another process writes {place.file}; {advice}"
    assert place.version() == before


def test_the_lock_survives_publishes(tmp_path: Path) -> None:
    """The lock goes over to each new file of records: there is no gap to slip through."""
    place = FilePlace(tmp_path)
    sink = place.sink()
    sink.inspect(SOURCE)
    for text in (OLD, NEW, NEWER):
        sink.publish(minted(place, text))
        with pytest.raises(Trouble) as refused:
            place.sink().publish(minted(place, NEW))
        assert refused.value.fault.reason is Reason.LOCKED


def test_the_end_of_a_process_gives_the_lock_up(tmp_path: Path) -> None:
    """However it ends, the next one takes over."""
    place = FilePlace(tmp_path)
    assert scenario("publish", tmp_path) == "written"
    assert ours(place.sink().inspect(SOURCE), minted(place, NEW).life)


def test_closing_gives_the_lock_up(tmp_path: Path) -> None:
    """So does closing."""
    place = FilePlace(tmp_path)
    sink = place.sink()
    sink.publish(minted(place, OLD))
    sink.close()
    assert place.sink().publish(minted(place, NEW)) is Wrote.WRITTEN


def test_removing_gives_the_lock_up(tmp_path: Path) -> None:
    """Who has removed the token is no longer in the way of another."""
    place = FilePlace(tmp_path)
    sink = place.sink()
    sink.publish(minted(place, OLD))
    sink.remove()
    assert place.sink().publish(minted(place, NEW)) is Wrote.WRITTEN


def test_a_lock_on_removed_records_counts_no_more(tmp_path: Path) -> None:
    """Where somebody removed the records, the first to make new ones holds the lock."""
    place = FilePlace(tmp_path)
    first = place.sink()
    first.publish(minted(place, OLD))
    place.meta.unlink()
    second = place.sink()
    assert second.publish(minted(place, NEW)) is Wrote.WRITTEN
    with pytest.raises(Trouble) as refused:
        first.publish(minted(place, NEWER))
    assert refused.value.fault.reason is Reason.LOCKED


def test_children_do_not_inherit_the_lock(tmp_path: Path) -> None:
    """A program that we start cannot keep a successor out."""
    place = FilePlace(tmp_path)
    sink = place.sink()
    sink.publish(minted(place, OLD))
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    sink.close()
    try:
        assert place.sink().publish(minted(place, NEW)) is Wrote.WRITTEN
    finally:
        child.communicate(b"\n")


def test_racing_writers_take_turns(tmp_path: Path) -> None:
    """Many at once, each closing when done: every file is whole, every fault is the lock's."""
    place = FilePlace(tmp_path)
    written: list[str] = []
    refused: list[str] = []
    others: list[str] = []
    start = threading.Barrier(8)

    def race() -> None:
        start.wait()
        for text in (OLD, NEW, NEWER) * 20:
            sink = place.sink()
            try:
                sink.publish(minted(place, text))
                written.append(text)
            except Trouble as trouble:
                kind = refused if trouble.fault.reason is Reason.LOCKED else others
                kind.append(str(trouble))
            finally:
                sink.close()

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert others == []
    assert written
    assert len(written) + len(refused) == 480
    content = (place.content() or b"").decode()
    assert content in {OLD, NEW, NEWER}
    assert ours(place.sink().inspect(SOURCE), minted(place, content).life)
