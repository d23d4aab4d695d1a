"""Many tokens in this process: everything real but the authorization server.

A server on loopback would take more of the machine than the daemon that it serves; `Mint`
answers from memory, as late as a server would.
"""

from __future__ import annotations

import io
import os
import random
import resource
import shutil
import tempfile
import threading
from collections.abc import Sequence
from http import HTTPStatus
from types import TracebackType
from typing import final

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.file_sink import FileSink
from secret_refresher.adapters.logs import Logs
from secret_refresher.adapters.metrics import Metrics
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.config import model
from secret_refresher.config.fingerprint import source_fingerprint
from secret_refresher.config.model import Config, TokenConfig
from secret_refresher.config.origin import origin_of
from secret_refresher.engine.engine import Engine
from secret_refresher.engine.patrol import Patrol
from secret_refresher.engine.workers import Workers
from secret_refresher.lifecycle import events
from secret_refresher.ports import Exchange, Observer, Outcome, Sink
from secret_refresher.server import Answer, Asked, Server
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Grant, Life, Token

TOKEN_BYTES = 800
"""About what a signed JWT takes."""
QUIET = 12.0
"""Seconds in which no token that an earlier process left is due."""
_BACKLOG = 0.5
_CONFIG = """\
defaults:
  tokenUrl: https://id.example.com/oauth/token
  auth: {{clientIdFile: "/c/{{name}}/id", clientSecretFile: "/c/{{name}}/secret"}}
  sinks: [{{file: {{path: "{folder}/{{name}}/token"}}}}]
log: {{level: warning}}
tokens:
"""
CLOCK = SystemClock()


@final
class Mint:
    """Grants tokens of `life` seconds, `latency` seconds (from, to) after it was asked.

    `late`: for each refresh the instant that it was planned for, and how many seconds later it
    began.
    """

    def __init__(self, life: float, latency: tuple[float, float]) -> None:
        self.late: list[tuple[float, float]] = []
        self._life = life
        self._latency = latency
        self._planned: dict[str, float] = {}
        self._never = threading.Event()

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """One attempt."""
        begin = CLOCK.now()
        planned = self._planned.get(token.name)
        if planned is not None:
            self.late.append((planned, begin - planned))
        wait = random.uniform(*self._latency)  # noqa: S311 - a simulation
        self._never.wait(min(timeout, wait))
        text = os.urandom(TOKEN_BYTES // 2).hex()
        grant = Grant(Secret(text), "Bearer", None, self._life, begin, CLOCK.wall())
        exchange = Exchange(origin_of(token.token_url), 200, wait, reached=True, skew=0.0)
        return Outcome(grant, (exchange,), "digest")

    def credentials(self, token: TokenConfig) -> str:  # noqa: ARG002 - the port's
        """They never change."""
        return "digest"

    def caught_up(self) -> bool:
        """Whether no token has been due for long."""
        oldest = min(list(self._planned.values()), default=float("inf"))
        return oldest > CLOCK.now() - _BACKLOG

    def notice(self, about: object, fact: object) -> None:
        """As an observer: keeps for when each token's next refresh is planned."""
        if isinstance(fact, events.Fetched | events.Adopted):
            self._planned[about.name] = fact.life.refresh  # type: ignore[attr-defined]


@final
class Fleet:
    """An engine with `size` tokens over file sinks on a memory file system; a context."""

    def __init__(
        self,
        size: int,
        *,
        life: float = 600.0,
        latency: tuple[float, float] = (0.05, 0.15),
        observers: Sequence[Observer] = (),
    ) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.size = size
        self.life = life
        self.folder = tempfile.mkdtemp(prefix="bench-", dir=memory_folder())
        self.mint = Mint(life, latency)
        self.metrics = Metrics(CLOCK)
        self.source = ConfigSource(
            MountReader(16 * 1024 * 1024), path=f"{self.folder}/config", text=None
        )
        self._write_config()
        self.config: Config = self.source.load().config
        self.engine = Engine(
            clock=CLOCK,
            source=self.mint,
            sinks=_sinks,
            fetchers=Workers("fetch", 32),
            tenders=Workers("publish", 8),
            observers=(Logs(io.StringIO(), self.config.log), self.metrics, self.mint, *observers),
            draw=random.random,
        )
        self.metrics.watch(self.engine)
        self._stopped = threading.Event()
        patrol = Patrol(self.engine, self.mint, self._stopped, chores=(self._look_at_config,))
        self._round = 0
        self._threads = [
            threading.Thread(target=self.engine.run, name="engine"),
            threading.Thread(target=patrol.run, name="patrol"),
        ]

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.engine.stop()
        self._stopped.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        shutil.rmtree(self.folder)

    def start(self) -> None:
        """Takes the configuration and turns."""
        self.engine.reconfigure(self.config)
        for thread in self._threads:
            thread.start()

    def publish_before(self) -> None:
        """Leaves in every sink what an earlier process would have: tokens of all ages.

        None of them is due before this process has had time to look at them all.
        """
        now, wall = CLOCK.now(), CLOCK.wall()
        for token in self.config.tokens:
            refresh = (0.65 + 0.1 * random.random()) * self.life  # noqa: S311 - a simulation
            age = random.random() * max(0.0, refresh - QUIET)  # noqa: S311 - likewise
            life = Life(now - age, now - age + refresh, now - age + self.life, round(wall - age, 3))
            text = Secret(os.urandom(TOKEN_BYTES // 2).hex())
            for sink in _sinks(token):
                sink.publish(Token(text, "Bearer", None, life, source_fingerprint(token)))
                sink.close()

    def wait_until_full(self, limit: float = 300.0) -> None:
        """Waits until every sink holds a live token and none is overdue."""
        end = CLOCK.now() + limit
        while CLOCK.now() < end:
            states = [state for _, state in self.engine.tokens()]
            full = len(states) == self.size and all(state.once for state in states)
            if full and self.mint.caught_up():
                return
            self._stopped.wait(0.1)
        raise TimeoutError(f"{self.size} tokens were not published within {limit:.0f} s")

    def serve(self) -> int:
        """Serves metrics on loopback; the port."""

        def scrape(asked: Asked) -> Answer:
            content_type, body = self.metrics.exposition(asked.accept)
            return Answer(HTTPStatus.OK, content_type, body)

        return int(Server("127.0.0.1", 0, {"/metrics": scrape}).start().rpartition(":")[2])

    def _write_config(self) -> None:
        names = [f"partner-api-{number:05d}" for number in range(self.size)]
        for name in names:
            os.mkdir(f"{self.folder}/{name}")
        os.mkdir(f"{self.folder}/config")
        with open(f"{self.folder}/config/tokens.yaml", "w", encoding="utf-8") as file:
            file.write(_CONFIG.format(folder=self.folder))
            file.writelines(f"- name: {name}\n" for name in names)

    def _look_at_config(self) -> None:
        self._round += 1
        if self._round % 2 == 0:
            self.source.digest()


def _sinks(token: TokenConfig) -> tuple[Sink, ...]:
    files = (spec for spec in token.sinks if isinstance(spec, model.FileSink))
    return tuple(FileSink(token.name, spec, CLOCK) for spec in files)


def memory_folder() -> str:
    """Where an emptyDir with `medium: Memory` would be: a tmpfs, or the usual place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()  # noqa: S108
