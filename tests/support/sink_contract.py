"""What every sink keeps, whatever it writes to: one suite for all of them.

A test module makes a subclass of `SinkContract` whose fixture `place` gives its kind of place:

    class TestFiles(SinkContract):
        @pytest.fixture
        def place(self, tmp_path: Path) -> FilePlace: ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.errors import Reason, Trouble
from secret_refresher.ports import Clock, Finding, Held, Sink, Wrote
from secret_refresher.tokens.rendering import Render, RenderFormat
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Life, Token

SOURCE = "0123456789abcdef"
"""The fingerprint of the source that tokens of this suite come from."""
TEXT = "eyJhbGciOiJub25lIn0.eyJ4IjoxfQ.c2lnbmF0dXJl"
RAW = Render()
BEARER = Render(format=RenderFormat.BEARER)
FAILING = Render(format=RenderFormat.TEMPLATE, template="{{ accessToken.nothing }}")


class Place(ABC):
    """Where a sink writes, as somebody sees it who has nothing to do with our program."""

    clock: Clock = SystemClock()

    @abstractmethod
    def sink(self, render: Render = RAW) -> Sink:
        """A sink for this place, as a new process makes it."""

    @abstractmethod
    def content(self) -> bytes | None:
        """What a consumer reads; None where there is nothing."""

    @abstractmethod
    def version(self) -> object:
        """Differs after anything there was written, were it the same again."""

    @abstractmethod
    def edit(self, content: bytes) -> None:
        """Somebody else writes something else."""

    @abstractmethod
    def erase(self) -> None:
        """Somebody else removes what consumers read."""

    @abstractmethod
    def spoil_record(self) -> None:
        """Somebody else makes what stands beside the content unreadable."""


def token(
    clock: Clock, text: str = TEXT, *, age: float = 0.0, life: float = 600.0, source: str = SOURCE
) -> Token:
    """A token that was issued `age` seconds ago, for `life` seconds."""
    issued = clock.now() - age
    # As the lifecycle makes them: whole milliseconds of the wall clock.
    issued_at = int((clock.wall() - age) * 1000) / 1000
    plan = Life(issued, issued + 0.7 * life, issued + life, issued_at)
    return Token(Secret(text), "Bearer", None, plan, source)


def same(found: Life | None, wanted: Life) -> bool:
    """Whether a life that was read back is the one that was written, to the millisecond."""
    if found is None:
        return False
    pairs = (
        (found.issued_at, wanted.issued_at),
        (found.refresh_at, wanted.refresh_at),
        (found.expires_at, wanted.expires_at),
    )
    return all(abs(one - other) < 0.002 for one, other in pairs)


def ours(finding: Finding, wanted: Life) -> bool:
    """Whether a look found a token of ours with that life."""
    return finding.held is Held.OURS and same(finding.life, wanted)


class SinkContract:
    """The promises of `ports.Sink`."""

    @pytest.fixture
    def place(self) -> Place:
        """An empty place."""
        raise NotImplementedError

    # --- publishing ----------------------------------------------------------------------------

    def test_an_empty_place_holds_nothing(self, place: Place) -> None:
        """The first look finds nothing, and leaves nothing for consumers."""
        assert place.sink().inspect(SOURCE) == Finding(Held.NOTHING)
        assert place.content() is None

    def test_a_token_is_published(self, place: Place) -> None:
        """A consumer reads exactly the rendering."""
        sink = place.sink(BEARER)
        sink.inspect(SOURCE)
        assert sink.publish(token(place.clock)) is Wrote.WRITTEN
        assert place.content() == f"Bearer {TEXT}".encode()

    def test_publishing_needs_no_look_before(self, place: Place) -> None:
        """A token can be published at once."""
        assert place.sink().publish(token(place.clock)) is Wrote.WRITTEN
        assert place.content() == TEXT.encode()

    def test_a_newer_token_replaces_the_older(self, place: Place) -> None:
        """The next token takes the place of the one before."""
        sink = place.sink()
        sink.publish(token(place.clock, "old", age=60))
        assert sink.publish(token(place.clock, "new")) is Wrote.WRITTEN
        assert place.content() == b"new"

    def test_the_same_rendering_is_not_written_again(self, place: Place) -> None:
        """Nothing is touched where the place holds this rendering already."""
        sink, mine = place.sink(), token(place.clock)
        sink.publish(mine)
        before = place.version()
        assert sink.publish(mine) is Wrote.UNCHANGED
        assert place.version() == before

    def test_a_new_process_does_not_write_the_same_again(self, place: Place) -> None:
        """Nor after a restart."""
        mine = token(place.clock)
        first = place.sink()
        first.publish(mine)
        first.close()
        before = place.version()
        second = place.sink()
        second.inspect(SOURCE)
        assert second.publish(mine) is Wrote.UNCHANGED
        assert place.version() == before

    def test_a_new_plan_for_the_same_token_is_kept(self, place: Place) -> None:
        """A server that gives the same token again: the record tells the newer plan."""
        sink, mine = place.sink(), token(place.clock)
        sink.publish(mine)
        later = mine.living(replace(mine.life, refresh=mine.life.refresh - 60))
        sink.publish(later)
        assert place.content() == TEXT.encode()
        assert ours(sink.inspect(SOURCE), later.life)

    def test_a_failing_rendering_leaves_the_old_token(self, place: Place) -> None:
        """A template that fails costs nobody a token that works, and is told without it."""
        place.sink().publish(token(place.clock, "old", age=60))
        with pytest.raises(Trouble) as failed:
            place.sink(FAILING).publish(token(place.clock))
        assert failed.value.fault.reason is Reason.RENDERING
        assert TEXT not in str(failed.value)
        assert place.content() == b"old"

    # --- adoption ------------------------------------------------------------------------------

    def test_a_new_process_finds_the_live_token(self, place: Place) -> None:
        """After a restart the token is ours, with its plan, and nothing was written."""
        mine = token(place.clock, age=100)
        first = place.sink()
        first.publish(mine)
        first.close()
        before = place.version()
        assert ours(place.sink().inspect(SOURCE), mine.life)
        assert place.version() == before

    def test_a_dead_token_is_found_as_such(self, place: Place) -> None:
        """What has expired is ours, and its life says that it is over."""
        sink = place.sink()
        sink.publish(token(place.clock, age=700))
        found = sink.inspect(SOURCE)
        assert found.held is Held.OURS
        assert found.life is not None
        assert not found.life.alive(place.clock.now())

    def test_a_token_of_another_source_is_foreign(self, place: Place) -> None:
        """A token that was asked for otherwise is not adopted."""
        sink = place.sink()
        sink.publish(token(place.clock, source="fedcba9876543210"))
        assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)

    def test_another_rendering_is_foreign(self, place: Place) -> None:
        """After its rendering was changed, a place is written anew."""
        first = place.sink(RAW)
        first.publish(token(place.clock))
        first.close()
        second = place.sink(BEARER)
        assert second.inspect(SOURCE) == Finding(Held.FOREIGN)
        assert second.publish(token(place.clock)) is Wrote.WRITTEN
        assert place.content() == f"Bearer {TEXT}".encode()

    def test_a_token_from_the_future_is_foreign(self, place: Place) -> None:
        """Whose issue is still to come was not issued to us, or the clock is wrong."""
        sink = place.sink()
        sink.publish(token(place.clock, age=-3600))
        assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)

    # --- drift ---------------------------------------------------------------------------------

    def test_an_undisturbed_place_is_quiet(self, place: Place) -> None:
        """Neither our own writing nor our own looking counts as a disturbance."""
        sink = place.sink()
        sink.inspect(SOURCE)
        assert not sink.disturbed()
        sink.publish(token(place.clock))
        assert not sink.disturbed()
        sink.publish(token(place.clock, "next"))
        sink.inspect(SOURCE)
        assert not sink.disturbed()

    def test_edited_content_is_noticed_and_put_right(self, place: Place) -> None:
        """Somebody's edit is a disturbance, foreign, and gone after the next publish."""
        sink, mine = place.sink(), token(place.clock)
        sink.publish(mine)
        place.edit(b"half a tok")
        assert sink.disturbed()
        assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)
        assert sink.publish(mine) is Wrote.WRITTEN
        assert place.content() == TEXT.encode()
        assert ours(sink.inspect(SOURCE), mine.life)

    def test_edited_content_stays_quiet_once_seen(self, place: Place) -> None:
        """What was looked at and cannot be put right yet is not looked at all the time."""
        sink = place.sink()
        sink.publish(token(place.clock))
        place.edit(b"half a tok")
        sink.inspect(SOURCE)
        assert not sink.disturbed()

    def test_removed_content_is_noticed_and_put_right(self, place: Place) -> None:
        """Somebody's removal is a disturbance, and the token comes back."""
        sink, mine = place.sink(), token(place.clock)
        sink.publish(mine)
        place.erase()
        assert sink.disturbed()
        assert sink.inspect(SOURCE) == Finding(Held.NOTHING)
        assert sink.publish(mine) is Wrote.WRITTEN
        assert place.content() == TEXT.encode()

    def test_a_spoilt_record_is_noticed_and_put_right(self, place: Place) -> None:
        """Content without a readable record is foreign until the next publish."""
        sink, mine = place.sink(), token(place.clock)
        sink.publish(mine)
        place.spoil_record()
        assert sink.disturbed()
        assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)
        sink.publish(mine)
        assert place.content() == TEXT.encode()
        assert ours(sink.inspect(SOURCE), mine.life)

    # --- removing ------------------------------------------------------------------------------

    def test_removing_takes_what_is_ours(self, place: Place) -> None:
        """Afterwards nothing is left, and removing again removes nothing."""
        sink = place.sink()
        sink.publish(token(place.clock))
        assert sink.remove()
        assert place.content() is None
        assert not sink.remove()
        assert place.sink().inspect(SOURCE) == Finding(Held.NOTHING)

    def test_a_new_process_removes_what_an_old_one_wrote(self, place: Place) -> None:
        """What is ours is known after a restart, whatever its source."""
        first = place.sink()
        first.publish(token(place.clock, source="fedcba9876543210"))
        first.close()
        assert place.sink().remove()
        assert place.content() is None

    def test_removing_from_an_empty_place_removes_nothing(self, place: Place) -> None:
        """There is nothing to do, and nothing is done."""
        assert not place.sink().remove()
        assert place.content() is None

    def test_a_token_can_be_published_after_a_removal(self, place: Place) -> None:
        """A place that was cleared takes the next token."""
        sink = place.sink()
        sink.publish(token(place.clock, "old", age=60))
        sink.remove()
        assert sink.publish(token(place.clock)) is Wrote.WRITTEN
        assert place.content() == TEXT.encode()

    # --- claims and names ----------------------------------------------------------------------

    def test_a_closed_sink_can_be_taken_up_again(self, place: Place) -> None:
        """Closing gives up the claim only; twice is once."""
        sink, mine = place.sink(), token(place.clock)
        sink.publish(mine)
        sink.close()
        sink.close()
        assert ours(sink.inspect(SOURCE), mine.life)

    def test_sinks_of_one_place_are_known_by_their_identity(self, place: Place) -> None:
        """Equal for the same place with the same settings; else not."""
        assert place.sink().identity == place.sink().identity
        assert place.sink(RAW).identity != place.sink(BEARER).identity
        assert place.sink(RAW).target == place.sink(BEARER).target

    def test_a_sink_shows_no_token(self, place: Place) -> None:
        """Neither its texts nor its findings hold what it wrote."""
        sink = place.sink()
        sink.publish(token(place.clock))
        shown = (repr(sink), str(sink), sink.target, sink.identity, repr(sink.inspect(SOURCE)))
        assert TEXT not in "".join(shown)
