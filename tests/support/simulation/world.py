"""The world: servers, places, machines and processes on one timeline, under the laws."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import final

from secret_refresher.adapters.token_endpoint.transport import HttpAnswer
from secret_refresher.config.election import Election
from secret_refresher.config.model import Config, State, TokenConfig
from secret_refresher.config.origin import origin_of
from secret_refresher.election.move import Move
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.lifecycle import events
from secret_refresher.ports import Outcome
from secret_refresher.tokens.token import Grant
from support.simulation.authority import Authority, Client, Condition
from support.simulation.cluster import MANAGER, Workloads
from support.simulation.duties import Duties
from support.simulation.electorate import Electorate
from support.simulation.hearers import Hearers
from support.simulation.laws import Laws
from support.simulation.lease_store import LeaseStore
from support.simulation.machine import Machine
from support.simulation.process import Process
from support.simulation.readers import Readers
from support.simulation.secret_store import Place as Where, SecretStore
from support.simulation.settings import Settings
from support.simulation.timeline import NEVER, Timeline
from support.simulation.wire import Sent

EPOCH = 1_700_000_000.123
TURNS = 1_000
"""Turns of all processes within a minute, four times what a rough one takes: a circle."""
MINUTE = 60.0


@final
class Mounts:
    """Credential files; implements `ports.FileReader`. A fault stands for what cannot be read."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Fault] = {}

    def read(self, paths: Sequence[str]) -> Mapping[str, bytes | Fault]:
        """All of one generation."""
        return {path: self.files.get(path, _missing(path)) for path in paths}


def _missing(path: str) -> Fault:
    return Fault(Reason.CREDENTIALS, f"no {path}", "mount it", Lane.PERMANENT, code="ENOENT")


@final
class World:
    """See `play` for what happens in it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config: Config = settings.config
        self.timeline = Timeline()
        self.laws = Laws(settings)
        self.duties = Duties(self)
        self.readers = Readers(self)
        self.mounts = Mounts()
        self.store = SecretStore(self._secret_changed)
        self.leases = LeaseStore()
        self.hearers = Hearers(self)
        self.workloads = Workloads(self.hearers.restarted)
        self.authorities: dict[str, Authority] = {}
        self.machines = [Machine(number) for number in range(settings.machines)]
        self.processes: list[Process] = []
        self.api: list[Condition] = []
        self.rotating: dict[str, float] = {}
        """Until when the credentials of a token are being changed."""
        self.late = 0.0
        """Until when something may come of what has gone wrong: a request that was given up."""
        self.counts: Counter[str] = Counter()
        self.trace: deque[str] = deque(maxlen=400)
        self.secrets: set[str] = set()
        self._dice = random.Random(f"weather {settings.seed}")  # noqa: S311 - a simulation
        self._number = 0
        enabled = settings.election.enabled
        self.electorate = Electorate(self, settings.election) if enabled else None
        for token in settings.tokens:
            self._enrol(token)
            self.readers.add(token)
        for machine in self.machines:
            self.begin(machine)

    def _enrol(self, token: TokenConfig) -> None:
        name, auth = token.name, token.auth
        secret = f"credential-{name}-first"
        self.secrets.add(secret)
        self.authority(origin_of(token.token_url)).clients[f"client-{name}"] = Client(
            name,
            self.settings.lifetimes[name],
            self.settings.forms[name],
            name in self.settings.caches,
            {secret},
        )
        self.mounts.files[str(auth.client_id_file)] = f"client-{name}\n".encode()
        self.mounts.files[auth.client_secret_file] = secret.encode()

    # --- time and weather ------------------------------------------------------------------------

    def date(self) -> float:
        """The true wall clock."""
        return EPOCH + self.timeline.now

    def latency(self) -> float:
        """Seconds of one way to anywhere."""
        return self.settings.latency * self._dice.uniform(0.5, 1.5)

    def after(self, seconds: float, job: Callable[[], object]) -> None:
        """Has something happen, whatever becomes of who asked for it."""
        self.timeline.at(self.timeline.now + seconds, job)

    def authority(self, origin: str) -> Authority:
        """The server at an origin."""
        return self.authorities.setdefault(origin, Authority(origin))

    def weather(self, origin: str) -> Condition | None:
        """What is wrong there for a request that is made now."""
        return self.authority(origin).condition(self.timeline.now, self._dice.random())

    def deliver(
        self, process: Process, path: str, sent: Sent, origin: str, found: Condition | None
    ) -> HttpAnswer:
        """Has a server take a request."""
        authority = self.authority(origin)
        before = len(authority.minted)
        got = authority.answer(path, sent, self.timeline.now, self.date(), found)
        self.counts["requests"] += 1
        self.duties.arrives(process, sent)
        if found is not None and found.seconds and "retry-after" in got.headers:
            until = self.timeline.now + found.seconds + 2 * self.settings.latency
            for token in self.config.tokens:
                if origin_of(token.token_url) == origin:
                    self.obstruct(f"origin {token.token_url}", until)
        if len(authority.minted) > before:
            text, minted = next(reversed(authority.minted.items()))
            self.readers.minted[text] = minted
            self.secrets.add(text)
            self.counts["lives"] += 1
        return got

    def sends(self, process: Process, sent: Sent) -> None:
        """A request begins its way."""
        self.duties.sends(process, sent)

    def hears(self, process: Process, sent: Sent, got: HttpAnswer) -> None:
        """An answer has come."""
        self.duties.hears(process, sent, got)

    def trouble_of_api(self) -> tuple[str, float]:
        """What is wrong with the API server for a request that is made now."""
        now = self.timeline.now
        self.api = [each for each in self.api if each.end > now]
        self.counts["API requests"] += 1
        for each in self.api:
            if self._dice.random() < each.share:
                return each.kind, each.seconds
        return "", 0.0

    def chance(self, share: float) -> bool:
        """Whether something that happens so often happens now."""
        return self._dice.random() < share

    def obstruct(self, scope: str, until: float, *, permanent: bool = False) -> None:
        """Something stands in the way from now on."""
        self.laws.obstructions.add(scope, self.timeline.now, until, permanent=permanent)

    def upcoming(self) -> float:
        """When a process's next turn is, as far as it knows by itself; now without any."""
        now = self.timeline.now
        return max(now, min((process.wake for process in self.processes), default=now))

    # --- processes -------------------------------------------------------------------------------

    @property
    def election(self) -> Election:
        """As it is configured for who starts now."""
        known = self.settings.election
        return known if self.electorate is None else replace(known, shards=self.electorate.shards)

    def excuse(self) -> None:
        """What nobody could act for, up to now, was in nobody's hands."""
        if self.electorate is not None:
            self.electorate.excuse()

    def moved(self, process: Process, token: TokenConfig, move: Move) -> None:
        """A process has, or has no more, the right to act for a token."""
        self.say(f"process {process.number}: {move.value}, {token.name}")
        self.counts[f"shard {move.value}"] += 1
        self.duties.forget(process.number, token.name)
        if move is not Move.LEAVING:
            self.laws.forget(process.number, token.name)
        if move is Move.TAKEN:
            self.hearers.doubt((token,))
        if self.electorate is not None:
            self.electorate.moves += 1

    def begin(self, machine: Machine) -> Process:
        """Starts a process on a machine."""
        self._number += 1
        process = Process(self, machine, self._number)
        self.processes.append(process)
        if self.electorate is None:
            self.hearers.doubt(self.config.tokens)
        self.say(f"process {process.number} starts on machine {machine.number}")
        return process

    def kill(self, process: Process, pause: float = 1.0) -> None:
        """SIGKILL, and another one in its place after a pause."""
        if not process.alive:
            return
        self.say(f"process {process.number} is killed")
        self.counts["kill"] += 1
        self.gone(process, pause)

    def gone(self, process: Process, pause: float) -> None:
        """A process has ended; another one begins after a pause."""
        self.look_at_fences()
        process.kill()
        self.processes.remove(process)
        ready = self.timeline.now + pause + 10 * self.settings.latency
        for token in self.config.tokens:  # nobody else tells of what it has published
            self.obstruct(f"hearing {token.name}", ready)
        others = [each for each in self.processes if each.awake]
        if not others:
            self.obstruct("all", ready)
        for place in self.laws.places.values():
            if place.is_file:  # only one can have it, and the other waits for its lock
                self.obstruct(f"place {place.key}", ready + (60.0 if others else 0.0))
        self.after(pause, partial(self._replace, process.machine))

    def _replace(self, machine: Machine) -> None:
        if machine in self.machines:
            self.begin(machine)

    def look_at_fences(self) -> None:
        """Before something happens to a process."""
        if self.electorate is not None:
            self.electorate.look()

    def fetch_begins(self, process: Process, token: TokenConfig) -> None:
        """A process asks for a token."""
        if self.electorate is not None:
            self.electorate.acts(process, token.name, f"asks for {token.name}")
        self.counts["fetches"] += 1
        self.say(f"process {process.number} asks for {token.name}")
        off = process.machine.off if process.settled else None
        self.laws.fetch_begins(process.number, token, self.timeline.now, off)
        self.duties.begins(process, token)

    def fetch_ends(self, process: Process, token: TokenConfig, outcome: Outcome) -> None:
        """And has its answer."""
        now, result = self.timeline.now, outcome.result
        minted = (
            self.readers.minted[result.access_token.reveal()] if isinstance(result, Grant) else None
        )
        said = "is granted" if isinstance(result, Grant) else f"is refused: {result.summary}"
        self.say(f"process {process.number} {said}, {token.name}")
        self.laws.fetch_ends(process.number, token, outcome, minted, now)
        self.duties.ends(process, token, outcome, minted)

    def told(self, process: Process, about: object, fact: object) -> None:
        """A fact: nothing in it may be secret, or a defect of ours."""
        fault = getattr(fact, "fault", None)
        if isinstance(fault, Fault) and fault.reason is Reason.INTERNAL:
            self.laws.broken(f"a defect: {fault.summary}")
        if isinstance(fact, events.NotifyFailed) and fact.given_up:
            self.hearers.gave_up(getattr(about, "name", ""))
        if isinstance(fact, events.SinkTrouble | events.Drifted | events.Lapsed | events.Adopted):
            named = f"process {process.number}, {getattr(about, 'name', '')} sink {fact.sink}"
            why = f": {fault.summary}" if isinstance(fault, Fault) else ""
            self.say(f"{named}: {type(fact).__name__}{why}")
        if self.settings.heard:
            self._secret_free(f"{about} {fact!r} {fact}")

    def _secret_free(self, text: str) -> None:
        if "secret-of-" in text or "credential-" in text:
            self.laws.broken(f"a secret is told: {text}")

    def heard(self) -> None:
        """All that logs and metrics have said must be free of secrets."""
        for process in self.processes:
            self._secret_free(process.log.getvalue())
            self._secret_free(process.metrics.exposition("text/plain")[1].decode())

    def say(self, sentence: str) -> None:
        """Puts down what has happened."""
        self.trace.append(f"{self.timeline.now:12.3f} {sentence}")

    # --- the configuration ---------------------------------------------------------------------

    def change(self, before: TokenConfig, after: TokenConfig | None) -> None:
        """One token is configured otherwise, or no more; every process takes that."""
        tokens = [
            after if token.name == before.name else token
            for token in self.config.tokens
            if after is not None or token.name != before.name
        ]
        self._reconfigure(tuple(token for token in tokens if token is not None))

    def come_back(self, token: TokenConfig) -> None:
        """A token that was no more."""
        if self.token(token.name) is None:
            self._reconfigure((*self.config.tokens, token))

    def _reconfigure(self, tokens: tuple[TokenConfig, ...]) -> None:
        old = {token.name: token for token in self.config.tokens}
        self.config = replace(self.config, tokens=tokens)
        self.hearers.doubt(tokens, all_of_them=True)
        self.laws.reloads += 1
        new = {token.name: token for token in tokens}
        for name in old.keys() | new.keys():
            there, gone = new.get(name), name not in new
            if there is None:
                for process in self.processes:
                    self.duties.forget(process.number, name)
            elif there != old.get(name):
                self.duties.settle(there, old.get(name))
            if gone or name not in old or old[name].state is not new[name].state:
                for process in self.processes:
                    self.laws.forget(process.number, name)
            if there is None or there.state is State.ABSENT:
                self.readers.drop(name)
            else:
                self.readers.add(there)
        for process in self.processes:
            process.reloaded = self.timeline.now
            process.holdings.take(self.config)
            process.stirred = True

    # --- places ----------------------------------------------------------------------------------

    def token(self, name: str) -> TokenConfig | None:
        """As it is configured at present."""
        return next((token for token in self.config.tokens if token.name == name), None)

    def wrote_file(self, process: Process, path: str) -> None:
        """A worker is done with a file."""
        place = self.laws.places.get(path)
        if place is not None:
            self.readers.look(place, ours=True, off=process.machine.off)
        for each in self.processes:
            each.watch(1)

    def _secret_changed(self, where: Where, version: str, manager: str) -> None:
        place = self.laws.places.get("/".join(where))
        if place is not None and manager == MANAGER and version:
            self.laws.wrote(place)
        if place is not None:
            self.timeline.at(
                self.timeline.now, partial(self.readers.look, place, ours=manager == MANAGER)
            )
        for process in self.processes:
            self.after(self.settings.latency, partial(self._note, process, where))

    def _note(self, process: Process, where: Where) -> None:
        if process.machine.deaf <= self.timeline.now:
            process.drift.note(where, self.store.version(where))
            process.watch(1)

    def relist(self, machine: Machine) -> None:
        """The watches of a machine have come back."""
        for process in self.processes:
            if process.machine is machine:
                for place in self.laws.places.values():
                    if not place.is_file:
                        self._note(process, place.where)

    # --- running ---------------------------------------------------------------------------------

    def run(self, until: float) -> None:
        """Lets time pass."""
        timeline, turns, minute = self.timeline, 0, self.timeline.now
        while True:
            now, following = timeline.now, NEVER
            for process in self.processes:  # a turn begins and ends none
                asleep = process.machine.asleep
                if asleep <= now and (process.stirred or process.wake <= now):
                    process.turn()
                    turns += 1
                wake = process.wake
                following = min(following, asleep if process.stirred or wake < asleep else wake)
            happens = timeline.next()
            following = min(following, happens)
            if now - minute > MINUTE:
                turns, minute = 0, now
            if turns > TURNS:
                self.laws.broken("the loop turns and turns")
            if following > until:
                timeline.now = until
                return
            if happens <= following:
                timeline.step()
            else:
                timeline.now = following
