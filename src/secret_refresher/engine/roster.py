"""Which tokens there are and where each goes: what a new configuration or namespace changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

from secret_refresher.config.fingerprint import source_section
from secret_refresher.config.model import Config, State, TokenConfig
from secret_refresher.engine.entry import Entry
from secret_refresher.lifecycle import events
from secret_refresher.ports import Sink, SinkFactory
from secret_refresher.schedule import plan

SPREAD = 0.1
"""Seconds by which each token of a changed source is asked for after the one before it."""
Happening = tuple[Entry, events.Event]
"""What the engine has to make happen, and to whom."""


@final
@dataclass(frozen=True, slots=True)
class Changes:
    """What a configuration changed."""

    added: tuple[Entry, ...]
    changed: tuple[Happening, ...]
    removed: int


@final
class Roster:
    """Every token under the engine's care; one thread only.

    A sink that a token has lost to its namespaceSelector is cleared of the token: until that is
    done it stands in an entry of its own, whose token is absent.
    """

    def __init__(self, sinks: SinkFactory) -> None:
        self._factory = sinks
        self._entries: dict[str, Entry] = {}
        self._farewells: dict[str, Entry] = {}
        self._parting: list[Sink] = []

    def entries(self) -> list[Entry]:
        """The configured tokens; safe from any thread, for looking only."""
        return list(self._entries.values())

    def origins(self) -> set[str]:
        """Whom tokens are asked of."""
        return {entry.origin for entry in self._entries.values()}

    def _make_sinks(self, token: TokenConfig) -> tuple[Sink, ...]:
        """The sinks of a token; two selectors may have found the same place."""
        made = {sink.identity: sink for sink in self._factory(token)}
        for identity in self._farewells.keys() & made.keys():
            self.retire(self._farewells.pop(identity))  # it is wanted again
        self._parting = [sink for sink in self._parting if sink.identity not in made]
        return tuple(made.values())

    # --- a new configuration -------------------------------------------------------------------

    def reconfigure(self, config: Config, now: float) -> Changes:
        """Takes the tokens of a configuration; equal ones go on as they are."""
        wanted = {token.name for token in config.tokens}
        removed = [name for name in self._entries if name not in wanted]
        for name in removed:
            self.retire(self._entries.pop(name))
        added, changed = [], []
        for token in config.tokens:
            entry = self._entries.get(token.name)
            if entry is None:
                entry = self._entries[token.name] = Entry(token, self._make_sinks(token), now)
                added.append(entry)
            elif entry.state.config != token:
                changed.append((entry, token))
        happenings = tuple((entry, self._change(entry, to, len(changed))) for entry, to in changed)
        return Changes(tuple(added), happenings, len(removed))

    def _change(self, entry: Entry, token: TokenConfig, crowd: int) -> events.Event:
        """A changed configuration of one token; `crowd`: how many change with it."""
        old = entry.state.config
        sinks, kept = _continued(entry, self._make_sinks(token))
        for sink in _lost(entry, sinks):
            _close(entry, sink)
        entry.describe(token, sinks)
        return events.Reconfigured(
            token,
            source_changed=source_section(old) != source_section(token),
            spread=min(plan.lead(token.refresh, token.propagation), SPREAD * (crowd - 1)),
            kept=kept,
        )

    def part(self, config: Config) -> list[Entry]:
        """Takes out what a configuration does not have, for others to look after.

        They have to be retired; what they have lost is not cleared by us any more.
        """
        wanted = {token.name for token in config.tokens}
        for identity, leaving in list(self._farewells.items()):
            if leaving.subject.name not in wanted:
                self.retire(self._farewells.pop(identity))
        return [self._entries.pop(name) for name in list(self._entries) if name not in wanted]

    # --- other namespaces ----------------------------------------------------------------------

    def retarget(self, now: float) -> list[Happening]:
        """Takes the sinks that each token has now."""
        happenings: list[Happening] = []
        for entry in self._entries.values():
            sinks = self._make_sinks(entry.state.config)
            if [sink.identity for sink in sinks] == [sink.identity for sink in entry.sinks]:
                continue
            sinks, kept = _continued(entry, sinks)
            lost = _lost(entry, sinks)
            busy = [sink for sink in lost if not _close(entry, sink)]
            self._parting += busy
            entry.describe(entry.state.config, sinks)
            happenings.append((entry, events.Retargeted(kept)))
            happenings += [self._farewell(entry, sink, now) for sink in lost if sink not in busy]
        return happenings

    def clear(self, entry: Entry, strays: Sequence[Sink], now: float) -> list[Happening]:
        """Takes sinks that hold an entry's token and are none of its own any more."""
        wanted = {sink.identity for sink in entry.sinks} | self._farewells.keys()
        return [self._farewell(entry, sink, now) for sink in strays if sink.identity not in wanted]

    def came_back(self, entry: Entry, sink: Sink, now: float) -> Happening | None:
        """A worker is done with a sink that its token lost meanwhile; what follows, if anything."""
        sink.close()
        if sink not in self._parting:
            return None
        self._parting.remove(sink)
        return self._farewell(entry, sink, now)

    def cleared(self, entry: Entry) -> None:
        """Forgets a lost sink once what was ours is gone from it."""
        if not (self._farewells and entry.sinks):
            return  # it is asked after every event, and making an identity is work
        leaving = self._farewells.get(entry.sinks[0].identity)
        if leaving is entry and all(record.removed for record in entry.state.sinks):
            del self._farewells[entry.sinks[0].identity]
            self.retire(entry)

    def _farewell(self, entry: Entry, sink: Sink, now: float) -> Happening:
        leaving = Entry(replace(entry.state.config, state=State.ABSENT), (sink,), now)
        self._farewells[sink.identity] = leaving
        return leaving, events.Woken()

    def close(self) -> None:
        """Closes every sink."""
        for entry in (*self._entries.values(), *self._farewells.values()):
            for sink in entry.sinks:
                sink.close()

    @staticmethod
    def retire(entry: Entry) -> None:
        """Nothing that comes in for it counts any more."""
        for sink in entry.sinks:
            _close(entry, sink)
        entry.retired = True
        entry.sinks = ()


def _continued(
    entry: Entry, sinks: tuple[Sink, ...]
) -> tuple[tuple[Sink, ...], tuple[int | None, ...]]:
    """The sinks from now on, with the place that each had: an equal one goes on as it is."""
    before = {sink.identity: index for index, sink in enumerate(entry.sinks)}
    kept = tuple(before.get(sink.identity) for sink in sinks)
    pairs = zip(sinks, kept, strict=True)
    return tuple(sink if old is None else entry.sinks[old] for sink, old in pairs), kept


def _lost(entry: Entry, sinks: Sequence[Sink]) -> list[Sink]:
    kept = {id(sink) for sink in sinks}
    return [sink for sink in entry.sinks if id(sink) not in kept]


def _close(entry: Entry, sink: Sink) -> bool:
    """Closes a sink, unless a worker has it: then it is closed when it comes back."""
    index = next(index for index, mine in enumerate(entry.sinks) if mine is sink)
    if entry.state.sinks[index].work is not None:
        return False
    sink.close()
    return True
