"""Folders and paths as people leave them: a clear fault, and the last good token in place."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.ports import Finding, Held, Sink, Wrote
from support.elsewhere import NOBODY, mounting, needs_mounts, scenario
from support.file_place import FilePlace
from support.file_scenarios import NEW, NEWER, OLD, minted
from support.sink_contract import SOURCE, ours


def fault_of(attempt: Callable[[], object]) -> Fault:
    """The fault that an attempt ends with."""
    with pytest.raises(Trouble) as failed:
        attempt()
    assert NEW not in str(failed.value)
    return failed.value.fault


def faults(sink: Sink, place: FilePlace) -> list[Fault]:
    """Those of a look and of a publish."""
    publish = fault_of(lambda: sink.publish(minted(place, NEW)))
    return [fault_of(lambda: sink.inspect(SOURCE)), publish]


# --- the folder --------------------------------------------------------------------------------


def test_a_missing_folder(tmp_path: Path) -> None:
    """It is named with what to mount there, is a disturbance, and taken up when it comes."""
    place = FilePlace(tmp_path / "missing")
    sink = place.sink()
    for fault in faults(sink, place):
        assert fault.reason is Reason.NOT_FOUND
        assert fault.lane is Lane.PERMANENT
        assert fault.code == "ENOENT"
        assert f"{place.file}: No such file or directory; mount a volume" in str(fault)
    assert sink.disturbed()
    assert not sink.remove()
    place.folder.mkdir()
    assert sink.publish(minted(place, NEW)) is Wrote.WRITTEN


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    """It counts as missing, and there is nothing to remove in it."""
    place = FilePlace(tmp_path / "file")
    place.folder.write_text("")
    assert {fault.code for fault in faults(place.sink(), place)} == {"ENOTDIR"}
    assert not place.sink().remove()


def test_a_folder_that_may_not_be_written(open_folder: Path) -> None:
    """A live token is adopted there; a publish says what to change, and the token stays."""
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None:
        os.chown(open_folder, 0, user)
    open_folder.chmod(0o2755)
    place = FilePlace(open_folder).left(minted(FilePlace(open_folder), OLD))
    open_folder.chmod(0o2555)
    told = [scenario(name, open_folder, user=user) for name in ("look", "publish")]
    open_folder.chmod(0o755)
    assert told[0] == "ours"
    assert told[1].startswith(f"permission: cannot write {place.file}: Permission denied; let this")
    assert place.content() == OLD.encode()


def test_a_read_only_file_system(tmp_path: Path) -> None:
    """It says that the mount is read-only, and where."""
    needs_mounts(tmp_path)
    wrapper = mounting(tmp_path, "size=64k,ro")
    for name, verb in (("look", "look at"), ("publish", "write")):
        told = scenario(name, tmp_path, wrapper=wrapper)
        expected = f"cannot {verb} {tmp_path}/token: Read-only file system"
        assert told == f"read_only: {expected}; mount the volume without readOnly"


def test_a_full_file_system(tmp_path: Path) -> None:
    """However full: old or new stays whole and adoptable, and room is all that it takes."""
    needs_mounts(tmp_path)
    steps = scenario("fill", tmp_path, wrapper=mounting(tmp_path, "size=64k"))
    assert len(steps) == 6
    for step in steps:
        assert step["looked"] == "ours"
        assert step["kept"] in {"old", "new"}
        if step["kept"] == "old":
            assert step["full"].startswith(f"no_space: cannot write {tmp_path}/token: No space")
            assert step["full"].endswith("make room, or raise the volume's sizeLimit")
        assert step["restarted"] == "ours"
        assert step["roomy"] in {"written", "unchanged"}
        assert step["names"] == [".token.meta.json", "token"]
    assert steps[0]["kept"] == "old"
    assert steps[-1]["kept"] == "new"


def test_a_replaced_folder(tmp_path: Path) -> None:
    """A volume that was mounted anew is noticed, claimed and filled."""
    place = FilePlace(tmp_path / "folder")
    place.folder.mkdir()
    sink = place.sink()
    sink.publish(minted(place, NEW))
    place.folder.rename(tmp_path / "before")
    assert sink.disturbed()
    place.folder.mkdir()
    assert sink.disturbed()
    assert sink.inspect(SOURCE) == Finding(Held.NOTHING)
    assert sink.publish(minted(place, NEW)) is Wrote.WRITTEN
    assert not sink.disturbed()
    other = place.sink()
    assert fault_of(lambda: other.inspect(SOURCE)).reason is Reason.LOCKED


def test_a_folder_behind_a_symlink(tmp_path: Path) -> None:
    """A symlink on the way is the administrator's and followed, as always."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    FilePlace(tmp_path / "link").left(minted(FilePlace(tmp_path), NEW))
    assert (tmp_path / "real" / "token").read_text() == NEW


# --- the path ----------------------------------------------------------------------------------


def test_a_folder_at_the_path(tmp_path: Path) -> None:
    """It is left alone with what is in it, and named."""
    place = FilePlace(tmp_path)
    place.file.mkdir()
    (place.file / "precious").write_text("mine")
    sink = place.sink()
    for fault in faults(sink, place):
        assert fault.reason is Reason.NOT_A_FILE
        assert str(fault) == (
            f"{place.file} is a folder; remove what stands there, or choose another path"
        )
    assert not sink.remove()
    assert (place.file / "precious").read_text() == "mine"


def symlink(path: Path) -> None:
    """To a file of somebody else."""
    path.symlink_to(path.parent / "victim")


def dangling(path: Path) -> None:
    """To nothing."""
    path.symlink_to(path.parent / "nowhere")


def listening(path: Path) -> None:
    """A socket."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def giant(path: Path) -> None:
    """A file that is larger than any token."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


KINDS: dict[str, Callable[[Path], None]] = {
    "symlink": symlink,
    "dangling": dangling,
    "fifo": os.mkfifo,
    "socket": listening,
    "giant": giant,
}


@pytest.mark.parametrize("kind", KINDS)
def test_something_else_at_the_path(tmp_path: Path, kind: str) -> None:
    """It is foreign, never followed nor waited for, and replaced by the token."""
    place = FilePlace(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    KINDS[kind](place.file)
    sink = place.sink()
    assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)
    assert not sink.disturbed()
    assert sink.publish(minted(place, NEW)) is Wrote.WRITTEN
    assert stat.S_ISREG(place.file.lstat().st_mode)
    assert place.content() == NEW.encode()
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("kind", KINDS)
def test_something_else_at_the_path_is_not_removed(tmp_path: Path, kind: str) -> None:
    """It is not ours, whatever a record says."""
    place = FilePlace(tmp_path).left(minted(FilePlace(tmp_path), NEW))
    (tmp_path / "victim").write_text(NEW)
    place.erase()
    KINDS[kind](place.file)
    assert not place.sink().remove()
    assert place.names() == sorted({"token", "victim"})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [".token.meta.json", ".token.tmp", "..token.meta.json.tmp"])
def test_something_else_at_our_own_names(tmp_path: Path, kind: str, name: str) -> None:
    """What stands at the names that we keep for ourselves gives way, and nothing behind it."""
    place = FilePlace(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    KINDS[kind](tmp_path / name)
    sink = place.sink()
    assert sink.publish(minted(place, NEW)) is Wrote.WRITTEN
    assert ours(sink.inspect(SOURCE), minted(place, NEW).life)
    assert place.names() == [".token.meta.json", "token", "victim"]
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("name", [".token.meta.json", ".token.tmp", "..token.meta.json.tmp"])
def test_a_folder_at_our_own_names(tmp_path: Path, name: str) -> None:
    """It is left alone and named; the token in place stays."""
    place = FilePlace(tmp_path).left(minted(FilePlace(tmp_path), OLD))
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).mkdir()
    for fault in faults(place.sink(), place):
        assert fault.reason is Reason.NOT_A_FILE
        assert f"{tmp_path / name} is a folder" in str(fault)
    assert place.content() == OLD.encode()


@pytest.mark.parametrize(
    "name",
    ["with blank", "ümläut-\U0001f511", "-rf", ".hidden", "x" * 200, "%s{0}$(id)`id`", "a'b\"c\\d"],
)
def test_odd_names(tmp_path: Path, name: str) -> None:
    """A name is a name, whatever a shell or a format would make of it."""
    place = FilePlace(tmp_path, name)
    sink = place.sink()
    sink.inspect(SOURCE)
    sink.publish(minted(place, OLD))
    sink.publish(minted(place, NEW))
    assert place.content() == NEW.encode()
    assert len(place.names()) == 2
    assert sink.remove()
    assert place.names() == []


def test_neighbours_do_not_meet(tmp_path: Path) -> None:
    """Names that begin or end alike keep their own records and leftovers."""
    places = [FilePlace(tmp_path, name) for name in ("a", ".a", "a.b", "a.meta.json", "a.tmp")]
    for place in places:
        place.left(minted(place, NEW))
        (tmp_path / f".{place.file.name}.tmp").write_text("leftover")
    for place in places:
        assert ours(place.sink().inspect(SOURCE), minted(place, NEW).life)
    assert len(list(tmp_path.iterdir())) == 2 * len(places)


def test_leftovers_are_removed_at_the_start(tmp_path: Path) -> None:
    """What a killed process left, perhaps with a token in it, is gone after the first look."""
    place = FilePlace(tmp_path)
    for name in (".token.tmp", "..token.meta.json.tmp"):
        (tmp_path / name).write_text(OLD)
    place.sink().inspect(SOURCE)
    assert place.names() == [".token.meta.json"]


def test_removing_leaves_somebody_elses_content(tmp_path: Path) -> None:
    """An edited file is no longer ours: it stays, and our records go."""
    place = FilePlace(tmp_path)
    sink = place.sink()
    sink.publish(minted(place, NEWER))
    place.edit(b"somebody else's")
    assert not sink.remove()
    assert place.names() == ["token"]
    assert place.content() == b"somebody else's"


def test_removing_where_nothing_is_ours_touches_nothing(tmp_path: Path) -> None:
    """Without records there is nothing to do, were the folder read-only."""
    place = FilePlace(tmp_path)
    place.file.write_text("somebody else's")
    before = tmp_path.stat().st_mtime_ns
    assert not place.sink().remove()
    assert tmp_path.stat().st_mtime_ns == before
