"""`secret-refresher demo`: who plays, and how it ends."""

from __future__ import annotations

import contextlib
import math
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from enum import Enum
from queue import Empty, SimpleQueue
from typing import TextIO, final

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.demo import words
from secret_refresher.demo.consumer import BROKEN, Consumer
from secret_refresher.demo.daemon import Daemon
from secret_refresher.demo.place import Place
from secret_refresher.demo.server import AuthorizationServer, Client
from secret_refresher.ports import Clock

LIFETIME = 20.0
"""Seconds that a token lives."""
POLL = 0.025
"""Seconds between two reads of the consumer."""
PATIENCE = 60.0
"""Seconds until the first token must be readable; a loaded machine starts slowly."""
_LISTENING = re.compile(r"\blistening\s+address=(\S+)")
Inbox = SimpleQueue[str | None]
"""Lines of the daemon's log; None where a signal wants the end."""


class End(Enum):
    """Why the play is over."""

    STOPPED = "stopped"
    OVER = "the time is over"
    DIED = "the daemon ended by itself"
    SILENT = "the daemon has not published a token in time"


def demo(seconds: float | None, out: TextIO) -> int:
    """Plays until SIGINT or SIGTERM, or for `seconds` from the first token on.

    Returns the exit status: 0 where the consumer never saw an expired, empty or torn token and
    the daemon ran to the end, else 1; 2 where `seconds` makes no sense. Nothing is left behind.
    """
    if seconds is not None and not (seconds > 0 and math.isfinite(seconds)):
        print("secret-refresher: --seconds must be a number above 0, as 30", file=sys.stderr)
        return 2
    inbox: Inbox = SimpleQueue()
    clock, client = SystemClock(), Client.fresh()
    try:
        with (
            _signals(inbox),
            tempfile.TemporaryDirectory(prefix="secret-refresher-demo-") as folder,
            AuthorizationServer(client, clock, LIFETIME) as server,
        ):
            place = Place(folder)
            place.furnish(client, server.url)
            play = Play(
                out=out,
                inbox=inbox,
                clock=clock,
                place=place,
                url=server.url,
                daemon=Daemon(place.config, inbox.put),
                consumer=Consumer(place.token, server, clock),
            )
            return play.run(seconds)
    except BrokenPipeError:
        # Our reader is gone (`demo | head`); the interpreter must not stumble over it once more.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        return 1


@final
class Play:
    """Listens to the daemon, reads its file, and tells of both, on one thread."""

    def __init__(
        self,
        *,
        out: TextIO,
        inbox: Inbox,
        clock: Clock,
        place: Place,
        url: str,
        daemon: Daemon,
        consumer: Consumer,
    ) -> None:
        self._out = out
        self._inbox = inbox
        self._clock = clock
        self._place = place
        self._url = url
        self._daemon = daemon
        self._consumer = consumer
        self._began = clock.now()

    def run(self, seconds: float | None) -> int:
        """From the first line to the last; the exit status."""
        self._say("Starting an authorization server, the daemon, and a consumer of its file.")
        self._daemon.start()
        try:
            end = self._until(seconds)
        finally:
            status = self._daemon.end()
        for line in self._rest():
            self._hear(line)
        if end is End.DIED:
            why = f"{end.value}, with exit status {status}"
            self._say(words.failure(why, self._daemon.last))
        elif end is End.SILENT:
            self._say(words.failure(end.value, self._daemon.last))
        seen = self._consumer.seen
        self._say(words.summary(self._consumer.tokens, seen))
        broken = any(seen[verdict] for verdict in BROKEN)
        return 1 if broken or end in {End.DIED, End.SILENT} else 0

    def _until(self, seconds: float | None) -> End:
        first: float | None = None
        while True:
            with contextlib.suppress(Empty):
                message = self._inbox.get(timeout=POLL)
                if message is None:
                    return End.STOPPED
                self._hear(message)
            self._look()
            now = self._clock.now()
            if first is None and self._consumer.tokens:
                first = now
            if self._daemon.status is not None:
                return End.DIED
            if first is None and now >= self._began + PATIENCE:
                return End.SILENT
            if first is not None and seconds is not None and now >= first + seconds:
                return End.OVER

    def _look(self) -> None:
        found = self._consumer.look()
        if found is not None:
            self._say(f"consumer | {self._clock.now() - self._began:.1f} s: {words.change(found)}")

    def _hear(self, line: str) -> None:
        self._say(f"daemon   | {line}")
        listening = _LISTENING.search(line)
        if listening is not None:
            served = f"http://{listening[1]}"
            self._say(words.introduction(self._place, served, self._url, LIFETIME, POLL))

    def _rest(self) -> Iterator[str]:
        """What the daemon still said."""
        with contextlib.suppress(Empty):
            while True:
                line = self._inbox.get_nowait()
                if line is not None:
                    yield line

    def _say(self, text: str) -> None:
        print(text, file=self._out, flush=True)


@contextlib.contextmanager
def _signals(inbox: Inbox) -> Iterator[None]:
    """Turns what ends a program into a message; a closed terminal ends it too, but for nohup.

    A queue of this kind may be filled by a signal handler; an Event may not.
    """

    def stop(_number: int, _frame: object) -> None:
        inbox.put(None)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
