"""Tells consumers of new tokens, on workers of their own: no token ever waits for one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import final

from secret_refresher.config.consumers import ConsumerSpec
from secret_refresher.engine import jobs
from secret_refresher.engine.entry import Entry
from secret_refresher.engine.gate import Gate
from secret_refresher.errors import Fault
from secret_refresher.lifecycle import events
from secret_refresher.ports import Consumers, Heard, Pool
from secret_refresher.tokens.token import Life

Post = Callable[[Callable[[], object]], object]
"""Has something done on the engine's thread."""
Happen = Callable[[Entry, events.Event], object]
"""Makes an event happen to a token."""
_Told = dict[Entry, Life]
"""Whose new token is to be told of."""


@final
class _Line:
    """What one consumer is to hear."""

    __slots__ = ("consumer", "listed", "running", "waiting")

    def __init__(self, consumer: ConsumerSpec) -> None:
        self.consumer = consumer
        self.waiting: _Told = {}
        self.listed = False
        """It stands before the gate, or a worker has it: then it is `running`."""
        self.running = False


@final
class Notifier:
    """Who is told now; all but the jobs on the engine's thread.

    A consumer is told by one worker at a time, and so is a place (`ConsumerSpec.place`): one that
    hangs holds one worker for its time-out, and the others go on, turn by turn. What is to be
    told it meanwhile is told in one go.
    """

    def __init__(self, consumers: Consumers, pool: Pool) -> None:
        self._consumers = consumers
        self._pool = pool
        self._gate: Gate[str] = Gate(pool.size, share=1)
        self._lines: dict[str, _Line] = {}
        self.busy = 0
        """Jobs under way."""

    def want(self, entry: Entry, action: events.Notify, post: Post, happen: Happen) -> None:
        """Has a consumer told; how that ended is posted, and happens to the token."""
        key = repr(action.consumer)
        line = self._lines.setdefault(key, _Line(action.consumer))
        line.waiting[entry] = action.life
        self._list(key, line)
        self._admit(post, happen)

    def clear(self) -> None:
        """Forgets everybody who waits."""
        self._gate.clear()
        self._lines = {key: line for key, line in self._lines.items() if line.running}
        for line in self._lines.values():
            line.waiting = {}

    def _list(self, key: str, line: _Line) -> None:
        if not line.listed:
            line.listed = True
            self._gate.wait(line.consumer.place, 0.0, key)

    def _admit(self, post: Post, happen: Happen) -> None:
        while (admitted := self._gate.admit()) is not None:
            _, key = admitted
            line = self._lines[key]
            gone = {entry for entry in line.waiting if entry.retired or entry.leaving}
            told = {entry: life for entry, life in line.waiting.items() if entry not in gone}
            line.waiting = {}
            if told:
                line.running = True
                self.busy += 1
                self._pool.submit(partial(self._job, key, told, post, happen))
            else:
                self._done(key, answered=None)

    def _job(self, key: str, told: _Told, post: Post, happen: Happen) -> None:
        """On a worker."""
        of = {entry.subject.name: life for entry, life in told.items()}
        result = jobs.inform(self._consumers, self._lines[key].consumer, of)
        post(partial(self._ended, key, told, result, post, happen))

    def _ended(
        self, key: str, told: _Told, result: Heard | Fault, post: Post, happen: Happen
    ) -> None:
        self.busy -= 1
        consumer = self._lines[key].consumer
        self._done(key, answered=not isinstance(result, Fault) or result.status is not None)
        for entry, life in told.items():
            happen(entry, _event(consumer, life, result))
        self._admit(post, happen)

    def _done(self, key: str, *, answered: bool | None) -> None:
        line = self._lines[key]
        self._gate.done(line.consumer.place, answered=answered)
        line.listed = line.running = False
        if line.waiting:
            self._list(key, line)
        else:
            del self._lines[key]


def _event(consumer: ConsumerSpec, life: Life, result: Heard | Fault) -> events.ConsumerEvent:
    match result:
        case Fault():
            return events.ConsumerFailed(consumer, life, result)
        case Heard(wait=wait) if wait > 0:
            return events.ConsumerLater(consumer, life, wait)
        case Heard():
            return events.ConsumerTold(consumer, life, result.knew)
