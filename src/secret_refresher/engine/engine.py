"""The engine: takes the lifecycle's actions to the workers, and their results back.

All state belongs to one thread, the one that turns the loop. Workers and other threads only
ever put a message into the inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from queue import Empty, SimpleQueue
from typing import final

from secret_refresher.config.model import Config, State, TokenConfig
from secret_refresher.engine import jobs
from secret_refresher.engine.agenda import Agenda
from secret_refresher.engine.departures import Departures
from secret_refresher.engine.entry import Entry, answered, crowded
from secret_refresher.engine.gate import Gate
from secret_refresher.engine.notifier import Notifier
from secret_refresher.engine.roster import Changes, Roster
from secret_refresher.errors import whereabouts
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.endured import PAUSE, endured
from secret_refresher.lifecycle.outlook import NEVER, due, still_wanted, urgency
from secret_refresher.lifecycle.state import TokenState, Work, healthy
from secret_refresher.lifecycle.step import Draw, affected, step
from secret_refresher.ports import (
    Broadcast,
    Clock,
    ConfigTaken,
    Defect,
    Exchange,
    Observer,
    Outcome,
    Pool,
    Sink,
    SinkFactory,
    Stopping,
    Subject,
    TokenSource,
)
from secret_refresher.schedule import plan

LONGEST_WAIT = 15.0
"""Seconds. Waits do not count suspend, the clock does: after a resume we look this soon."""
GRACE = 5.0
"""Seconds that what is in flight gets once the daemon was told to stop."""
PARTING = 20.0
"""Seconds that what is in flight gets for tokens that are given up."""


@final
class Engine:
    """Keeps every configured token fresh; implements `ports.View`.

    Without a `notifier` consumers are not told.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        source: TokenSource,
        sinks: SinkFactory,
        fetchers: Pool,
        tenders: Pool,
        observers: Sequence[Observer],
        draw: Draw,
        notifier: Notifier | None = None,
    ) -> None:
        self._clock = clock
        self._source = source
        self._fetchers = fetchers
        self._tenders = tenders
        self._observers = observers
        self._draw = draw
        self._notifier = notifier
        self._inbox: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._roster = Roster(sinks)
        self._agenda: Agenda[Entry] = Agenda()
        self._gate: Gate[tuple[Entry, events.Fetch]] = Gate(fetchers.size)
        self._sick: frozenset[str] = frozenset()
        self._fetching = 0
        self._tending = 0
        self._unsettled: set[Entry] = set()
        self._departures = Departures(self._roster.retire)
        self._heartbeat = clock.now()
        self._stop_by = NEVER

    # --- from any thread -----------------------------------------------------------------------

    def reconfigure(self, config: Config, restart: tuple[str, ...] = ()) -> None:
        """Hands over a configuration; `restart` names changed sections that wait for one."""
        self._inbox.put(partial(self._reconfigure, config, restart))

    def hold(self, config: Config, gone: Callable[[], object] | None = None) -> None:
        """Hands over the tokens that are ours now, where replicas share them.

        What is no more ours is dropped at once; or, with `gone`, what is in flight for it is
        finished first, and then `gone` is called on the engine's thread.
        """
        self._inbox.put(partial(self._hold, config, gone))

    def retarget(self) -> None:
        """Says that the sink factory may have other sinks for some tokens."""
        self._inbox.put(self._retarget)

    def clear(self, entry: Entry, strays: Sequence[Sink]) -> None:
        """Hands over sinks that hold a token of ours and should not any more."""
        self._inbox.put(partial(self._clear, entry, strays))

    def disturbed(self, entry: Entry, sink: Sink) -> None:
        """Says that a sink may no longer hold what it did."""
        self._inbox.put(partial(self._at_sink, entry, sink, events.SinkDisturbed(0)))

    def credentials_changed(self, entry: Entry) -> None:
        """Says that credentials differ from those that a failed attempt used."""
        self._inbox.put(partial(self._happen, entry, events.CredentialsChanged()))

    def tell(self, fact: Broadcast) -> None:
        """Has the observers told."""
        self._inbox.put(partial(self._tell, None, fact))

    def stop(self) -> None:
        """Asks the loop to end; safe in a signal handler."""
        self._inbox.put(self._stop)

    def entries(self) -> list[Entry]:
        """Every token; for looking only."""
        return self._roster.entries()

    def tokens(self) -> Sequence[tuple[Subject, TokenState]]:
        """Every token as of now."""
        return [(entry.subject, entry.state) for entry in self.entries()]

    def heartbeat(self) -> float:
        """When the loop last turned, by the process's clock."""
        return self._heartbeat

    def unavailable_origins(self) -> frozenset[str]:
        """Origins that gave no HTTP answer below 500 lately."""
        return self._sick

    def busy(self) -> Mapping[str, int]:
        """Jobs under way, by pool."""
        notifying = {} if self._notifier is None else {"notify": self._notifier.busy}
        return {"fetch": self._fetching, "publish": self._tending, **notifying}

    # --- the loop ------------------------------------------------------------------------------

    def run(self, *, once: bool = False) -> bool:
        """Turns until stopped; `once`: until every token has had its attempt.

        Returns whether every token is as wanted at the end: live in every sink, or removed.
        """
        while True:
            wait = self.turn()
            stopped = self._stop_by < NEVER
            idle = not (self._fetching or self._tending)
            if stopped and (idle or self._clock.now() >= self._stop_by):
                break
            if once and self._inbox.empty() and all(e.retired for e in self._unsettled):
                break
            self._receive(wait)
        self._roster.close()
        now = self._clock.now()
        return all(_as_wanted(entry.state, now) for entry in self._roster.entries())

    def turn(self) -> float:
        """Takes every message and everything that is due; seconds until the next is due."""
        self._heartbeat = self._clock.now()
        while not self._inbox.empty():
            self._guard(self._inbox.get())
        while (entry := self._agenda.pop(self._clock.now())) is not None:
            self._guard(partial(self._happen, entry, events.Woken()))
        self._departures.settle(self._clock.now())
        self._admit()
        upcoming = min(self._agenda.next(), self._departures.next(), self._stop_by)
        return min(LONGEST_WAIT, max(0.0, upcoming - self._clock.now()))

    def _receive(self, wait: float) -> None:
        try:
            message = self._inbox.get(timeout=wait)
        except Empty:
            return
        self._guard(message)

    def _guard(self, message: Callable[[], object]) -> None:
        try:
            message()
        except Exception as defect:  # noqa: BLE001 - a defect met with one token is kept to it
            self._tell(None, Defect(whereabouts(defect)))

    def _stop(self) -> None:
        if self._stop_by == NEVER:
            self._stop_by = self._clock.now() + GRACE
            self._gate.clear()
            if self._notifier is not None:
                self._notifier.clear()
            self._tell(None, Stopping())

    # --- one token -----------------------------------------------------------------------------

    def _happen(self, entry: Entry, event: events.Event) -> None:
        if entry.retired or (entry.leaving and not isinstance(event, events.Result)):
            return
        now = self._clock.now()
        try:
            entry.state, actions = step(entry.state, event, now, self._draw)
        except Exception as defect:  # noqa: BLE001 - a defect met with one token is kept to it
            self._tell(None, Defect(whereabouts(defect)))
            entry.state = endured(entry.state, event, defect, now)
            self._agenda.set(entry, now + PAUSE)
            self._unsettled.discard(entry)
            return
        for action in actions:
            self._act(entry, action)
        sinks = affected(event)
        upcoming = due(entry.state, now, sinks)
        if sinks is not None:
            # The others are as they were. A wake-up for nothing does no harm.
            upcoming = min(upcoming, self._agenda.at(entry))
        if upcoming < NEVER:
            self._agenda.set(entry, upcoming)
        else:
            self._agenda.drop(entry)
        if entry in self._unsettled and _settled(entry.state, now):
            self._unsettled.discard(entry)
        self._roster.cleared(entry)

    def _act(self, entry: Entry, action: events.Action) -> None:
        match action:
            case events.Tell():
                self._tell(entry.subject, action.notice)
            case events.Fetch():
                self._want(entry, action)
            case events.Tend():
                self._tend(entry, action)
            case events.Notify():
                self._notify(entry, action)

    def _want(self, entry: Entry, action: events.Fetch) -> None:
        if self._stop_by == NEVER and not entry.leaving:
            dies = 0.0 if action.life is None else action.life.expires
            self._gate.wait(entry.origin, dies, (entry, action))
            self._admit()

    def _admit(self) -> None:
        while (admitted := self._gate.admit()) is not None:
            origin, (entry, action) = admitted
            wanted = not (entry.retired or entry.leaving)
            wanted = wanted and still_wanted(entry.state, self._clock.now())
            if not wanted or entry.origin != origin:
                self._gate.done(origin, answered=None)
                if wanted:
                    self._want(entry, action)
                else:
                    self._happen(entry, events.FetchDropped())
                continue
            config = entry.state.config
            timeout = plan.attempt_timeout(config.request.timeout, action.life, self._clock.now())
            self._fetching += 1
            entry.jobs += 1
            self._fetchers.submit(partial(self._fetch, entry, origin, config, timeout))

    def _fetch(self, entry: Entry, origin: str, config: TokenConfig, timeout: float) -> None:
        """On a worker."""
        outcome = jobs.fetch(self._source, config, timeout)
        self._inbox.put(partial(self._fetched, entry, origin, config, outcome))

    def _fetched(self, entry: Entry, origin: str, config: TokenConfig, outcome: Outcome) -> None:
        self._fetching -= 1
        entry.jobs -= 1
        exchanges = outcome.exchanges
        self._gate.done(
            origin, answered=answered(origin, outcome), crowded=crowded(origin, exchanges)
        )
        entry.asked(exchanges)
        self._sick = self._gate.sick()
        for exchange in exchanges:
            self._tell(entry.subject, exchange)
        for notice in outcome.notices:
            self._tell(entry.subject, notice)
        ended = events.FetchEnded(
            config,
            outcome.result,
            outcome.credentials,
            sum(exchange.reached for exchange in exchanges if not exchange.discovery),
            outcome.used_previous_secret,
        )
        self._happen(entry, ended)
        self._admit()

    def _notify(self, entry: Entry, action: events.Notify) -> None:
        ending = self._stop_by < NEVER or entry.leaving
        if self._notifier is not None and not ending:
            self._notifier.want(entry, action, self._inbox.put, self._happen)

    def _tend(self, entry: Entry, action: events.Tend) -> None:
        ending = self._stop_by < NEVER or entry.leaving
        if not ending or action.work is Work.PUBLISH:
            self._tending += 1
            entry.jobs += 1
            sink, record = entry.sinks[action.sink], entry.state.sinks[action.sink]
            job = partial(self._tending_job, entry, sink, action, entry.source)
            self._tenders.submit(job, urgency(entry.state, record, action.work, self._clock.now()))

    def _tending_job(self, entry: Entry, sink: Sink, action: events.Tend, source: str) -> None:
        """On a worker; what was given up while this waited is left alone."""
        given_up = entry.retired or (entry.leaving and action.work is not Work.PUBLISH)
        event = None if given_up else jobs.tend(sink, action, source)
        self._inbox.put(partial(self._tended, entry, sink, event))

    def _tended(self, entry: Entry, sink: Sink, event: events.SinkEvent | None) -> None:
        self._tending -= 1
        entry.jobs -= 1
        if event is None or not self._at_sink(entry, sink, event):
            follows = self._roster.came_back(entry, sink, self._clock.now())
            if follows is not None:
                self._happen(*follows)

    def _at_sink(
        self, entry: Entry, sink: Sink, event: events.SinkEvent | events.SinkDisturbed
    ) -> bool:
        """Takes an event to the place that its sink has now; whether it still has one."""
        for index, mine in enumerate(entry.sinks):
            if mine is sink:
                if entry.subject.sinks[index][1] != sink.target:
                    entry.name_sinks()
                placed = event if event.sink == index else replace(event, sink=index)
                self._happen(entry, placed)
                return True
        return False

    # --- the configuration ---------------------------------------------------------------------

    def _reconfigure(self, config: Config, restart: tuple[str, ...]) -> None:
        changes = self._take(config)
        numbers = len(changes.added), len(changes.changed), changes.removed
        self._tell(None, ConfigTaken(len(self._roster.entries()), *numbers, restart))

    def _hold(self, config: Config, gone: Callable[[], object] | None) -> None:
        parted = self._roster.part(config)
        if gone is None:
            for entry in parted:
                self._roster.retire(entry)
        else:
            self._departures.begin(parted, self._clock.now(), PARTING, gone)
        for entry in parted:
            self._agenda.drop(entry)
        self._unsettled.difference_update(parted)
        self._take(config)

    def _take(self, config: Config) -> Changes:
        now = self._clock.now()
        self._departures.end({token.name for token in config.tokens})
        changes = self._roster.reconfigure(config, now)
        for entry in changes.added:
            self._unsettled.add(entry)
            self._agenda.set(entry, now)
        for entry, event in changes.changed:
            self._happen(entry, event)
        self._gate.keep(self._roster.origins())
        self._sick = self._gate.sick()
        return changes

    def _retarget(self) -> None:
        for entry, event in self._roster.retarget(self._clock.now()):
            self._happen(entry, event)

    def _clear(self, entry: Entry, strays: Sequence[Sink]) -> None:
        for leaving, event in self._roster.clear(entry, strays, self._clock.now()):
            self._happen(leaving, event)

    def _tell(self, about: Subject | None, fact: events.Notice | Exchange | Broadcast) -> None:
        for observer in self._observers:
            try:
                observer.notice(about, fact)
            except Exception as defect:  # noqa: BLE001 - nobody who watches may stop us
                if not isinstance(fact, Defect):
                    self._tell(None, Defect(whereabouts(defect)))


def _as_wanted(state: TokenState, now: float) -> bool:
    if state.config.state is State.ABSENT:
        return all(sink.removed for sink in state.sinks)
    return healthy(state, now)


def _settled(state: TokenState, now: float) -> bool:
    """Whether a token has had its attempt: as wanted, or failed."""
    if state.fetching or any(sink.work for sink in state.sinks):
        return False
    failed = state.failures or any(sink.failures for sink in state.sinks)
    return bool(failed) or _as_wanted(state, now)
