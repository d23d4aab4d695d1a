"""`secret-refresher run`: the daemon, put together."""

from __future__ import annotations

import gc
import os
import random
import resource
import signal
import sys
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, TextIO

from secret_refresher import __version__
from secret_refresher.adapters.backlog import Backlog, unbuffered
from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.logs import Logs
from secret_refresher.adapters.metrics import Metrics
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.process import seal, tame_heap
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.cli.consumers import Tellers
from secret_refresher.cli.holdings import Holdings
from secret_refresher.cli.reload import Reload
from secret_refresher.cli.sinks import Sinks, Sweep
from secret_refresher.config.model import Config
from secret_refresher.engine.engine import Engine
from secret_refresher.engine.fence import FencedSource
from secret_refresher.engine.notifier import Notifier
from secret_refresher.engine.patrol import Patrol
from secret_refresher.engine.workers import Workers
from secret_refresher.errors import Trouble
from secret_refresher.page.routes import pages
from secret_refresher.ports import Clock, Listening
from secret_refresher.probes import probes
from secret_refresher.server import Answer, Asked, Server
from secret_refresher.status.journal import Journal

if TYPE_CHECKING:
    from secret_refresher.adapters.kubernetes.elector import Elector

FETCHERS = 32
"""Token requests at once, over all origins."""
TENDERS = 8
"""Sinks worked on at once; Secrets are written as many at a time."""
NOTIFIERS = 8
"""Consumers told at once."""


def run(source: ConfigSource, stream: TextIO, *, once: bool) -> int:
    """Runs until SIGTERM or SIGINT, or, `once`, until every token has had its attempt.

    Returns the exit status; raises `ConfigError` where the first configuration is refused.
    """
    seal()
    tame_heap()
    loaded = source.load()
    clock = SystemClock()
    logs, metrics = Logs(unbuffered(stream), loaded.config.log), Metrics(clock)
    backlog, journal = Backlog(logs, clock), Journal(clock)
    endpoint = TokenEndpoint(clock, MountReader(), f"secret-refresher/{__version__}")
    if once and loaded.config.election.enabled:
        print(
            "secret-refresher: run --once takes no part in an election, and replicas may be at"
            " work; leave --once out, or set election.enabled: false",
            file=sys.stderr,
        )
        return 2
    elector = _elector(loaded.config, clock)
    sinks = Sinks(clock, loaded.config.kubernetes, os.environ, elector=elector)
    notifier = None if once else Notifier(Tellers(clock, sinks), Workers("notify", NOTIFIERS))
    engine = Engine(
        clock=clock,
        source=endpoint if elector is None else FencedSource(endpoint, elector),
        sinks=sinks,
        fetchers=Workers("fetch", FETCHERS),
        tenders=Workers("publish", TENDERS),
        observers=(backlog, metrics, sinks, journal),
        draw=random.SystemRandom().random,
        notifier=notifier,
    )
    metrics.watch(engine)
    journal.watch(engine)
    _allow_many_files()
    _on_signals(engine)
    sinks.prepare(loaded.config)
    gc.freeze()
    gc.enable()
    with backlog:
        if once:
            return _once(engine, sinks, loaded.config)
        holdings = Holdings(loaded.config, engine, elector)
        holdings.take(loaded.config)
        engine.turn()  # from the first answer on, the probes know every token
        try:
            address = _serve(loaded.config, engine, clock, sinks, metrics=metrics, journal=journal)
        except OSError as trouble:
            host, port = loaded.config.server.address
            print(
                f"secret-refresher: cannot listen on {host} port {port}: {trouble.strerror};"
                " free the port, or set server.address",
                file=sys.stderr,
            )
            return 1
        engine.tell(Listening(address))
        sinks.follow(engine.retarget, engine.tell)
        stopped = threading.Event()
        reload = Reload(source, loaded, holdings=holdings, engine=engine, logs=logs, sinks=sinks)
        sweep = Sweep(engine, sinks, clock)
        patrol = Patrol(engine, endpoint, stopped, chores=(reload.look, sweep.look))
        threading.Thread(target=patrol.run, name="patrol", daemon=True).start()
        holdings.start()
        engine.run()
        holdings.stop()
        engine.turn()  # tells what became of the shards
        stopped.set()
        sinks.stop()
        return 0


def _elector(config: Config, clock: Clock) -> Elector | None:
    if not config.election.enabled:
        return None
    from secret_refresher.adapters.kubernetes.access import Access
    from secret_refresher.adapters.kubernetes.elector import Elector

    return Elector(config.election, config.kubernetes, clock, Access(os.environ))


def _once(engine: Engine, sinks: Sinks, config: Config) -> int:
    """Everything once; namespaces must be known before, or some would be left out.

    Where they cannot be known, all other sinks get their token, and the status says 1.
    """
    known = True
    try:
        for token in config.tokens:
            sinks(token)
        if sinks.cluster is not None:
            sinks.cluster.list_namespaces()
    except Trouble as trouble:
        print(f"secret-refresher: cannot list namespaces: {trouble}", file=sys.stderr)
        known = False
    engine.reconfigure(config)
    return 0 if engine.run(once=True) and known else 1


def _serve(
    config: Config,
    engine: Engine,
    clock: Clock,
    sinks: Sinks,
    *,
    metrics: Metrics,
    journal: Journal,
) -> str:
    def scrape(asked: Asked) -> Answer:
        content_type, body = metrics.exposition(asked.accept)
        return Answer(HTTPStatus.OK, content_type, body)

    routes = {
        **probes(engine, clock, sinks.ready),
        "/metrics": scrape,
        **pages(engine, clock, journal, config.server.page),
    }
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
