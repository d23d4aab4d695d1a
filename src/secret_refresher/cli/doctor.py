"""`secret-refresher doctor`: does the set-up work, part by part?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TextIO

from secret_refresher import __version__
from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.process import seal
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.cli.consumers import Tellers
from secret_refresher.cli.sinks import Sinks
from secret_refresher.config.fingerprint import source_fingerprint
from secret_refresher.config.hints import hints
from secret_refresher.config.model import Config, State
from secret_refresher.config.problems import ConfigError
from secret_refresher.doctor.check import Check, Verdict, fine, warned
from secret_refresher.doctor.consumers import look_at_consumers
from secret_refresher.doctor.endpoints import Doors
from secret_refresher.doctor.places import look_at_sinks
from secret_refresher.doctor.report import worst, write_json, write_text

CONFIGURATION = "configuration"


def doctor(
    source: ConfigSource, environ: Mapping[str, str], out: TextIO, *, fetch: bool, as_json: bool
) -> int:
    """Looks at everything once and reports; `fetch`: asks for each token once, too.

    Nothing is written, and a daemon at work is not disturbed. Returns the exit status: 0 where
    nothing failed, 1 where something did, 2 where the configuration is refused.
    """
    seal()
    try:
        config = source.load().config
    except ConfigError as refused:
        checks = [_refused(str(problem)) for problem in refused.problems]
    else:
        checks = list(_look(config, environ, fetch=fetch))
    if as_json:
        write_json(checks, __version__, out)
    else:
        write_text(checks, out)
    if worst(checks) is not Verdict.FAILED:
        return 0
    return 2 if checks[0].part == CONFIGURATION and checks[0].verdict is Verdict.FAILED else 1


def _refused(problem: str) -> Check:
    *place, what = problem.split(": ", 2)
    result, _, remedy = what.partition("; ")
    return Check(CONFIGURATION, f"read {': '.join(place)}", Verdict.FAILED, result, remedy or None)


def _look(config: Config, environ: Mapping[str, str], *, fetch: bool) -> Iterator[Check]:
    clock = SystemClock()
    count = len(config.tokens)
    yield fine(CONFIGURATION, "read it", f"{count} {'token' if count == 1 else 'tokens'}")
    for hint in hints(config):
        what, _, remedy = hint.rpartition("; ")
        yield warned(CONFIGURATION, "look for what is hardly meant", what, remedy)
    sinks = Sinks(clock, config.kubernetes, environ)
    sinks.prepare(config)
    for token in config.tokens:
        sinks(token)  # what selectors there are is known by asking for their sinks
    if sinks.cluster is not None:
        from secret_refresher.doctor.cluster import look_at_cluster

        yield from look_at_cluster(sinks.cluster, config)
    endpoint = TokenEndpoint(clock, MountReader(), f"secret-refresher/{__version__}")
    doors = Doors(endpoint)
    tellers = Tellers(clock, sinks)
    for token in config.tokens:
        if token.state is State.PRESENT:
            yield from doors.look_at(token, fetch=fetch)
            yield from look_at_consumers(token, tellers)
        yield from look_at_sinks(token, sinks(token), source_fingerprint(token), clock)
