"""Killed, or failed by the system, at any call: the file is whole, and known."""

import errno
import itertools
import stat
from pathlib import Path

import pytest

from secret_refresher.adapters.file_sink import FileSink
from secret_refresher.errors import Fault, Trouble
from secret_refresher.ports import Held
from secret_refresher.tokens.token import Token
from support.elsewhere import scenario
from support.file_place import FilePlace
from support.file_scenarios import CRASHES, NEW, NEWER, OLD, minted
from support.os_calls import before_each, failing_at
from support.sink_contract import SOURCE, ours

LEGAL = {
    "first_publish": (None, NEW),
    "next_publish": (OLD, NEW),
    "two_publishes": (OLD, NEW, NEWER),
    "mode_repair": (OLD,),
    "removal": (OLD, None),
}
WHOLE = [".token.meta.json", "token"]


def whole(place: FilePlace) -> str | None:
    """What the file holds."""
    content = place.content()
    return None if content is None else content.decode()


def known_after_restart(place: FilePlace) -> None:
    """A new process knows what the file is, and leaves nothing of the old one beside it."""
    text = whole(place)
    sink = place.sink()
    found = sink.inspect(SOURCE)
    if text is None:
        assert found.held is Held.NOTHING
    else:
        assert ours(found, minted(place, text).life)
        assert stat.S_IMODE(place.file.stat().st_mode) == place.mode
    assert whole(place) == text
    assert set(place.names()) <= set(WHOLE)
    sink.close()


@pytest.mark.parametrize("name", CRASHES)
def test_killed_at_any_call(memory_folder: Path, name: str) -> None:
    """Killed by -9 before whichever call: old or new, whole, adopted; the next publish works."""
    calls = scenario(name, memory_folder)
    assert calls > 10
    seen = set()
    for number in range(1, calls + 1):
        place = FilePlace(memory_folder / str(number))
        text = whole(place)
        assert text in LEGAL[name]
        seen.add(text)
        known_after_restart(place)
        place.left(minted(place, NEWER))
        assert whole(place) == NEWER
        assert place.names() == WHOLE
    assert seen == set(LEGAL[name])


def attempt(sink: FileSink, mine: Token, number: int, error: int) -> tuple[list[str], Fault | None]:
    """One publish whose call of that number fails: which call that was, and the fault."""
    with failing_at(number, error) as failed:
        try:
            sink.publish(mine)
        except Trouble as trouble:
            return failed, trouble.fault
    return failed, None


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE])
def test_failed_at_any_call(memory_folder: Path, error: int) -> None:
    """Whichever call fails, the file is old or new; then the same process gets it right."""
    for number in itertools.count(1):
        place = FilePlace(memory_folder / str(number))
        place.folder.mkdir()
        place.left(minted(place, OLD))
        sink = place.sink()
        failed, fault = attempt(sink, minted(place, NEW), number, error)
        if not failed:
            break
        assert fault is not None
        assert fault.code == errno.errorcode[error]
        assert str(place.file) in fault.summary
        assert whole(place) in {OLD, NEW}
        sink.publish(minted(place, NEW))
        assert whole(place) == NEW
        assert place.names() == WHOLE
        sink.close()
        known_after_restart(place)
    assert number > 15


def test_failed_again_and_again(memory_folder: Path) -> None:
    """However two publishes in a row fail, the token in place is adopted after a restart."""
    calls: list[str] = []
    place = FilePlace(memory_folder / "count")
    place.folder.mkdir()
    place.left(minted(place, OLD))
    with before_each(lambda _number, name: calls.append(name)):
        place.left(minted(place, NEW))
    for first, second in itertools.product(range(1, len(calls) + 1), repeat=2):
        place = FilePlace(memory_folder / f"{first}-{second}")
        place.folder.mkdir()
        place.left(minted(place, OLD))
        sink = place.sink()
        attempt(sink, minted(place, NEW), first, errno.ENOSPC)
        attempt(sink, minted(place, NEWER), second, errno.ENOSPC)
        sink.close()
        assert whole(place) in {OLD, NEW, NEWER}
        known_after_restart(place)


def test_edited_at_any_call(memory_folder: Path) -> None:
    """Whenever somebody empties the file while it is published, that is noticed afterwards."""
    emptied = 0
    for number in itertools.count(1):
        (memory_folder / str(number)).mkdir()
        place = FilePlace(memory_folder / str(number))
        place.left(minted(place, OLD))
        sink = place.sink()
        sink.inspect(SOURCE)
        reached = False

        def step(at: int, _name: str, chosen: int = number, file: Path = place.file) -> None:
            nonlocal reached
            if at == chosen:
                reached = True
                file.chmod(0o600)
                file.write_bytes(b"")

        with before_each(step):
            sink.publish(minted(place, NEW))
        if not reached:
            break
        if not place.content():
            emptied += 1
            assert sink.disturbed(), f"emptied before call {number}"
        sink.close()
    assert emptied > 2


def test_what_is_written_reaches_the_disk_in_order(memory_folder: Path) -> None:
    """Records, then the token; of each the content before its name, and the name before the next.

    A machine that loses its power then has the old token or the new one, and knows which.
    """
    calls: list[str] = []
    place = FilePlace(memory_folder)
    place.left(minted(place, OLD))
    sink = place.sink()
    sink.inspect(SOURCE)
    with before_each(lambda _number, name: calls.append(name)):
        sink.publish(minted(place, NEW))
    writing = [name for name in calls if name in {"write", "fchmod", "fsync", "rename"}]
    assert writing == ["fchmod", "write", "fsync", "rename", "fsync"] * 2
    calls.clear()
    with before_each(lambda _number, name: calls.append(name)):
        sink.remove()
    removing = [name for name in calls if name in {"unlink", "fsync"}]
    # The token, two leftovers that are not there, the records.
    assert removing == ["unlink", "fsync", "unlink", "unlink", "unlink", "fsync"]
