"""Rights of the file: exactly what was asked for, from its first byte on."""

import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from secret_refresher.ports import Held, Wrote
from support.elsewhere import NOBODY, needs_root, scenario
from support.file_place import FilePlace
from support.file_scenarios import NEW, NEWER, OLD, minted
from support.os_calls import before_each
from support.sink_contract import SOURCE, ours

MODES = [0o400, 0o440, 0o444, 0o600, 0o640, 0o660]


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids="{:04o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """A process's umask."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def read(file: Path, user: int, groups: Sequence[int] = ()) -> subprocess.CompletedProcess[bytes]:
    """An application of another user reads."""
    return subprocess.run(
        ["cat", str(file)],
        user=user,
        group=user,
        extra_groups=list(groups),
        capture_output=True,
        check=False,
    )


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("mode", MODES, ids="{:04o}".format)
def test_rights_are_never_wider_than_asked(tmp_path: Path, mode: int) -> None:
    """Between any two calls, whatever the umask: no file with another right, none with less."""
    place = FilePlace(tmp_path, mode=mode)
    seen: list[tuple[str, int, int]] = []

    def look(_number: int, call: str) -> None:
        for name in place.names():
            status = (place.folder / name).lstat()
            seen.append((call, stat.S_IMODE(status.st_mode), status.st_size))

    with before_each(look):
        place.left(minted(place, OLD))
        sink = place.sink()
        sink.inspect(SOURCE)
        sink.publish(minted(place, NEW))
        sink.publish(minted(place, NEWER))
        sink.close()
    assert len(seen) > 100
    assert {stat.S_IMODE(found) & ~mode for _, found, _ in seen} == {0}
    assert {found for _, found, size in seen if size} == {mode}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (place.file, place.meta)} == {mode}


def test_a_changed_mode_is_put_right_without_a_fetch(tmp_path: Path) -> None:
    """Somebody's chmod is a disturbance; the live token stays ours and gets its mode back."""
    place = FilePlace(tmp_path)
    sink = place.sink()
    sink.publish(minted(place, NEW))
    place.file.chmod(0o644)
    assert sink.disturbed()
    assert ours(sink.inspect(SOURCE), minted(place, NEW).life)
    assert stat.S_IMODE(place.file.stat().st_mode) == 0o440
    assert not sink.disturbed()


def test_a_mode_that_was_reconfigured_is_taken(tmp_path: Path) -> None:
    """After a restart with another mode the live token has that one."""
    mine = minted(FilePlace(tmp_path), NEW)
    FilePlace(tmp_path, mode=0o440).left(mine)
    place = FilePlace(tmp_path, mode=0o400)
    assert ours(place.sink().inspect(SOURCE), mine.life)
    assert stat.S_IMODE(place.file.stat().st_mode) == 0o400


def test_publishing_puts_a_changed_mode_right(tmp_path: Path) -> None:
    """The same rendering with other rights counts as another."""
    place = FilePlace(tmp_path)
    sink = place.sink()
    sink.publish(minted(place, NEW))
    place.file.chmod(0o604)
    assert sink.publish(minted(place, NEW)) is Wrote.WRITTEN
    assert stat.S_IMODE(place.file.stat().st_mode) == 0o440


def test_another_user_reads_what_the_mode_says(open_folder: Path) -> None:
    """An application of another user and group needs 0444; 0440 keeps it out."""
    needs_root()
    mine = minted(FilePlace(open_folder), NEW)
    closed = FilePlace(open_folder, "closed", mode=0o440).left(mine)
    readable = FilePlace(open_folder, "readable", mode=0o444).left(mine)
    assert read(closed.file, NOBODY).returncode == 1
    assert read(readable.file, NOBODY).stdout.decode() == NEW


def test_the_group_reads_0440(open_folder: Path) -> None:
    """With fsGroup, which makes the folder setgid, 0440 is enough for everybody in the group."""
    needs_root()
    os.chown(open_folder, 0, NOBODY)
    open_folder.chmod(0o2775)
    place = FilePlace(open_folder).left(minted(FilePlace(open_folder), NEW))
    assert read(place.file, NOBODY - 1, [NOBODY]).stdout.decode() == NEW


def test_a_process_of_another_user_in_the_group_takes_over(open_folder: Path) -> None:
    """After a restart under another user of the same group the live token is adopted."""
    needs_root()
    os.chown(open_folder, 0, NOBODY)
    open_folder.chmod(0o2775)
    place = FilePlace(open_folder).left(minted(FilePlace(open_folder), NEW))
    assert scenario("look", open_folder, user=NOBODY) == "ours"
    place.erase()
    assert scenario("publish", open_folder, user=NOBODY) == "written"
    assert place.file.stat().st_uid == NOBODY


def test_the_mode_of_somebody_elses_file_is_put_right(open_folder: Path) -> None:
    """A live token that another user's process wrote is replaced by itself, not given up."""
    needs_root()
    os.chown(open_folder, 0, NOBODY)
    open_folder.chmod(0o2775)
    place = FilePlace(open_folder).left(minted(FilePlace(open_folder), NEW))
    place.file.chmod(0o444)
    assert scenario("look", open_folder, user=NOBODY) == "ours"
    assert stat.S_IMODE(place.file.stat().st_mode) == 0o440
    assert place.sink().inspect(SOURCE).held is Held.OURS


def test_unreadable_records_of_another_user_are_told(open_folder: Path) -> None:
    """Who may not see whether somebody else holds the lock does not write."""
    needs_root()
    open_folder.chmod(0o777)
    place = FilePlace(open_folder, mode=0o400).left(minted(FilePlace(open_folder), NEW))
    told = scenario("publish", open_folder, user=NOBODY)
    assert told.startswith(f"permission: cannot read {place.meta}: Permission denied; let this")
    assert place.content() == NEW.encode()


def test_an_unreadable_token_is_foreign(open_folder: Path) -> None:
    """What cannot be read is somebody else's, and replaced by the next publish."""
    needs_root()
    open_folder.chmod(0o777)
    place = FilePlace(open_folder, mode=0o444).left(minted(FilePlace(open_folder), NEW))
    place.file.chmod(0o400)
    assert scenario("look", open_folder, user=NOBODY) == "foreign"
    assert scenario("publish", open_folder, user=NOBODY) == "written"
    assert place.content() == NEW.encode()
