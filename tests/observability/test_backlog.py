"""Facts for an observer that may be slow."""

import os
import threading

from secret_refresher.adapters import backlog
from secret_refresher.adapters.backlog import Backlog, unbuffered
from secret_refresher.ports import Defect, FactsLost, Stopping, Subject
from support.daemon import until
from support.file_place import HandClock

SUBJECT = Subject("partner-api", ())


class Reader:
    """An observer that waits to be let on before each fact but the first."""

    def __init__(self) -> None:
        self.told: list[tuple[object, float]] = []
        self.may = threading.Event()

    def notice(self, about: Subject | None, fact: object, at: float) -> None:
        """Waits, then remembers."""
        assert self.may.wait(20)
        self.told.append((fact, at))


def test_facts_come_in_their_order_with_their_time() -> None:
    """Whoever is slow still learns when a thing happened."""
    clock, reader = HandClock(), Reader()
    with Backlog(reader, clock) as waiting:
        first = clock.wall()
        waiting.notice(None, Stopping())
        clock.pass_by(60)
        waiting.notice(SUBJECT, Defect("here"))
        reader.may.set()
    assert reader.told == [(Stopping(), first), (Defect("here"), first + 60)]


def test_what_is_lost_is_counted_and_told() -> None:
    """A reader that hangs costs neither memory nor the news that something is missing."""
    reader = Reader()
    with Backlog(reader, HandClock()) as waiting:
        for _ in range(backlog.MOST + 101):
            waiting.notice(None, Stopping())
        reader.may.set()
        until(lambda: len(reader.told) >= backlog.MOST, "what had waited")
        waiting.notice(None, Defect("afterwards"))
    facts = [fact for fact, _ in reader.told]
    lost = [fact for fact in facts if isinstance(fact, FactsLost)]
    assert sum(fact.count for fact in lost) + facts.count(Stopping()) == backlog.MOST + 101
    assert facts[-1] == Defect("afterwards")


def test_a_reader_that_fails_is_told_of_it() -> None:
    """One fact that cannot be written ends nothing, and where it failed is told."""
    told: list[object] = []

    class Fussy:
        def notice(self, about: Subject | None, fact: object, at: float) -> None:
            if fact == Stopping():
                raise ValueError("sesame")
            told.append(fact)

    with Backlog(Fussy(), HandClock()) as waiting:
        waiting.notice(None, Stopping())
        waiting.notice(None, FactsLost(1))
    assert isinstance(told[0], Defect)
    assert "sesame" not in told[0].where
    assert told[1] == FactsLost(1)


def test_a_line_that_was_written_is_out() -> None:
    """Nothing waits in a buffer, whatever its length and letters."""
    out, into = os.pipe()
    with os.fdopen(out, "rb") as readable, os.fdopen(into, "w") as writable:
        stream = unbuffered(writable)
        stream.write("größer\n")
        assert not stream.isatty()
        assert os.read(readable.fileno(), 100) == "größer\n".encode()
        long = "x" * 1_000_000
        got: list[bytes] = []
        reading = threading.Thread(target=lambda: got.append(readable.read(len(long))))
        reading.start()
        stream.write(long)
        reading.join(20)
        assert got == [long.encode()]
