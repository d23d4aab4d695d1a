"""`secret-refresher run`: the daemon, put together."""

from __future__ import annotations

import random
import resource
import signal
import sys
import threading
from functools import partial
from http import HTTPStatus
from typing import TextIO, final

from secret_refresher import __version__
from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.file_sink import FileSink
from secret_refresher.adapters.logs import Logs
from secret_refresher.adapters.metrics import Metrics
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.config.model import Config, TokenConfig
from secret_refresher.config.problems import ConfigError
from secret_refresher.engine.engine import Engine
from secret_refresher.engine.patrol import Patrol
from secret_refresher.engine.workers import Workers
from secret_refresher.ports import Clock, ConfigRefused, Listening, Sink
from secret_refresher.probes import probes
from secret_refresher.server import Answer, Server

FETCHERS = 32
"""Token requests at once, over all origins."""
TENDERS = 8
"""Sinks worked on at once."""
RELOAD_ROUNDS = 2
"""The configuration is looked at in every second round of the patrol."""


def run(source: ConfigSource, stream: TextIO, *, once: bool) -> int:
    """Runs until SIGTERM or SIGINT, or, `once`, until every token has had its attempt.

    Returns the exit status; raises `ConfigError` where the first configuration is refused.
    """
    loaded = source.load()
    clock = SystemClock()
    logs, metrics = Logs(stream, loaded.config.log), Metrics(clock)
    endpoint = TokenEndpoint(clock, MountReader(), f"secret-refresher/{__version__}")
    engine = Engine(
        clock=clock,
        source=endpoint,
        sinks=partial(_sinks, clock),
        fetchers=Workers("fetch", FETCHERS),
        tenders=Workers("publish", TENDERS),
        observers=(logs, metrics),
        draw=random.SystemRandom().random,
    )
    metrics.watch(engine)
    _allow_many_files()
    engine.reconfigure(loaded.config)
    _on_signals(engine)
    if once:
        return 0 if engine.run(once=True) else 1
    try:
        address = _serve(loaded.config, engine, metrics, clock)
    except OSError as trouble:
        host, port = loaded.config.server.address
        print(
            f"secret-refresher: cannot listen on {host} port {port}: {trouble.strerror};"
            " free the port, or set server.address",
            file=sys.stderr,
        )
        return 1
    engine.tell(Listening(address))
    stopped = threading.Event()
    reload = Reload(source, loaded.digest, loaded.config, engine, logs)
    patrol = Patrol(engine, endpoint, stopped, chores=(reload.look,))
    threading.Thread(target=patrol.run, name="patrol", daemon=True).start()
    engine.run()
    stopped.set()
    return 0


@final
class Reload:
    """Takes a changed configuration while running; an invalid one leaves the old in force."""

    def __init__(
        self, source: ConfigSource, digest: str, config: Config, engine: Engine, logs: Logs
    ) -> None:
        self._source = source
        self._digest = digest
        self._config = config
        self._engine = engine
        self._logs = logs
        self._round = 0

    def look(self) -> None:
        """Once a round: has it changed, and what follows."""
        self._round += 1
        if self._round % RELOAD_ROUNDS:
            return
        digest = self._source.digest()
        if digest == self._digest:
            return
        try:
            loaded = self._source.load()
        except ConfigError as refused:
            self._digest = digest
            self._engine.tell(ConfigRefused(tuple(str(problem) for problem in refused.problems)))
            return
        self._digest = loaded.digest
        restart = ("server",) if loaded.config.server != self._config.server else ()
        self._logs.level(loaded.config.log.level)
        self._engine.reconfigure(loaded.config, restart)


def _sinks(clock: Clock, token: TokenConfig) -> tuple[Sink, ...]:
    return tuple(FileSink(token.name, spec, clock) for spec in token.sinks)


def _serve(config: Config, engine: Engine, metrics: Metrics, clock: Clock) -> str:
    def scrape(accept: str) -> Answer:
        content_type, body = metrics.exposition(accept)
        return HTTPStatus.OK, content_type, body

    routes = {**probes(engine, clock), "/metrics": scrape}
    return Server(*config.server.address, routes).start()


def _on_signals(engine: Engine) -> None:
    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        engine.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _allow_many_files() -> None:
    """Each file sink holds one descriptor, its lock; thousands are more than the soft limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
