"""Descriptors: one for each sink, its lock, and none that is forgotten."""

import contextlib
import errno
import os
from pathlib import Path

from secret_refresher.errors import Trouble
from support.file_place import FilePlace
from support.file_scenarios import NEW, NEWER, OLD, minted
from support.os_calls import failing_at
from support.sink_contract import SOURCE


def held() -> int:
    """How many this process has open."""
    return len(os.listdir("/proc/self/fd"))


def test_a_sink_holds_one_descriptor(tmp_path: Path) -> None:
    """However often it is used; none before its first use, and none after its close."""
    before = held()
    place = FilePlace(tmp_path)
    sink = place.sink()
    assert held() == before
    for text in (OLD, NEW, NEWER):
        sink.inspect(SOURCE)
        sink.publish(minted(place, text))
        sink.publish(minted(place, text))
        sink.disturbed()
        assert held() == before + 1
    sink.remove()
    assert held() == before
    sink.publish(minted(place, NEW))
    sink.close()
    assert held() == before


def test_no_failure_leaks_a_descriptor(tmp_path: Path) -> None:
    """Whichever call fails, in whichever method, afterwards at most the lock is held."""
    for number in range(1, 40):
        place = FilePlace(tmp_path / str(number))
        place.folder.mkdir()
        place.left(minted(place, OLD))
        place.file.chmod(0o400)
        before = held()
        for attempt in (
            lambda sink: sink.inspect(SOURCE),
            lambda sink, place=place: sink.publish(minted(place, NEW)),
            lambda sink: sink.disturbed(),
            lambda sink: sink.remove(),
        ):
            sink = place.sink()
            with failing_at(number, errno.EIO), contextlib.suppress(Trouble):
                attempt(sink)  # type: ignore[no-untyped-call]
            assert held() <= before + 1
            sink.close()
            assert held() == before
