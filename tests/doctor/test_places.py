"""A doctor's look at sinks."""

import os
import tempfile
from pathlib import Path

import pytest

from secret_refresher.adapters.file_sink import FileSink
from secret_refresher.config import model
from secret_refresher.config.model import State
from secret_refresher.doctor.check import Check, Verdict
from secret_refresher.doctor.places import look_at_sinks
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Life, Token
from support.file_place import HandClock
from support.tokens import token_config

SOURCE = "of this source"
NOBODY = 65534


class Place:
    """A file sink in a folder, and what a doctor says of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "partner-api"
        self.clock = HandClock()

    def sink(self) -> FileSink:
        """A sink for the file."""
        return FileSink("partner-api", model.FileSink(path=str(self.file)), self.clock)

    def publish(self) -> FileSink:
        """A token of 100 seconds is in it, refreshed after 70; the sink still holds its lock."""
        now = self.clock.now()
        life = Life(now, now + 70, now + 100, self.clock.wall())
        sink = self.sink()
        sink.publish(Token(Secret("sesame"), "Bearer", None, life, SOURCE))
        return sink

    def check(self, source: str = SOURCE, state: State = State.PRESENT) -> Check:
        """The one check that there is."""
        token = token_config(state=state)
        [found] = look_at_sinks(token, (self.sink(),), source, self.clock)
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    return Place(tmp_path)


def test_an_empty_folder_is_fine(place: Place) -> None:
    """A first start finds nothing; the look leaves nothing behind either."""
    check = place.check()
    assert check.verdict is Verdict.OK
    assert str(place.file) in check.tried
    assert list(place.folder.iterdir()) == []


def test_a_live_token_is_told_with_its_expiry(place: Place) -> None:
    """While a daemon holds the lock, too: a doctor takes none and changes nothing."""
    held = place.publish()
    before = {path.name: path.stat() for path in place.folder.iterdir()}
    check = place.check()
    assert check.verdict is Verdict.OK
    assert "live token until 2023-11-14T" in check.result
    after = {path.name: path.stat() for path in place.folder.iterdir()}
    assert {name: found.st_ctime_ns for name, found in after.items()} == {
        name: found.st_ctime_ns for name, found in before.items()
    }
    held.close()


@pytest.mark.parametrize(("passed", "words"), [(80, "was due"), (101, "died at")])
def test_a_token_that_should_have_been_replaced_is_a_warning(
    place: Place, passed: float, words: str
) -> None:
    """Due or dead, it says so, and asks after the daemon."""
    place.publish().close()
    place.clock.pass_by(passed)
    check = place.check()
    assert check.verdict is Verdict.WARNING
    assert words in check.result
    assert "daemon running" in str(check.remedy)


def test_what_somebody_else_wrote_is_a_warning(place: Place) -> None:
    """It would be replaced, so whoever needs it should know; its content is not shown."""
    place.file.write_text("somebody's own")
    check = place.check()
    assert check.verdict is Verdict.WARNING
    assert "somebody's own" not in check.result
    assert place.file.read_text() == "somebody's own"


def test_another_source_is_a_warning(place: Place) -> None:
    """A token of another configuration would be replaced as well."""
    place.publish().close()
    assert place.check(source="of another").verdict is Verdict.WARNING


def test_a_folder_that_is_not_there_fails(place: Place) -> None:
    """With the remedy that the daemon would give."""
    place.folder.rmdir()
    check = place.check()
    assert check.verdict is Verdict.FAILED
    assert "No such file" in check.result
    assert "mount a volume" in str(check.remedy)


def test_a_folder_that_may_not_be_written_fails() -> None:
    """It is told without trying."""
    mine = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name))
        place.folder.chmod(0o555)
        os.seteuid(mine or NOBODY)
        try:
            check = place.check()
        finally:
            os.seteuid(mine)
    assert check.verdict is Verdict.FAILED
    assert "may not write" in check.result


def test_a_removed_token_has_nothing_to_write(place: Place) -> None:
    """`state: absent` is content with an empty place, and with one that it may clear."""
    assert "gone" in place.check(state=State.ABSENT).result
    place.publish().close()
    assert place.check(state=State.ABSENT).verdict is Verdict.OK
