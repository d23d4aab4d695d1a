"""Who may be told of a token: what is read, refused, and hinted at."""

from collections.abc import Callable

import pytest

from secret_refresher.config.consumers import (
    HttpConsumer,
    RolloutConsumer,
    SignalConsumer,
    SignalName,
    WorkloadKind,
)
from secret_refresher.config.hints import hints
from secret_refresher.config.model import Config

Load = Callable[[str], Config]
Refuse = Callable[[str], list[str]]


def token(notify: str, more: str = "", name: str = "a") -> str:
    """A right token with these consumers."""
    return f"""
defaults: {{tokenUrl: 'https://x/', auth: {{clientId: me, clientSecretFile: /s}}}}
tokens:
  - {{name: {name}, sinks: [{{file: }}], notify: {notify}{more}}}
"""


def test_what_is_not_written_has_the_documented_default(load: Load) -> None:
    """A URL, a process, or a workload is enough; the rest is as the documentation says."""
    text = token(
        "[{http: {url: 'http://h/'}}, {signal: {process: p}},"
        " {rollout: {kind: DaemonSet, name: w}}]"
    )
    http, signal, rollout = load(text).tokens[0].notify
    assert isinstance(http, HttpConsumer)
    assert (http.method, http.timeout, dict(http.headers), http.ca_file) == ("POST", 5.0, {}, None)
    assert signal == SignalConsumer(process="p", pid_file=None, signal=SignalName.HUP)
    assert rollout == RolloutConsumer(
        kind=WorkloadKind.DAEMON_SET, name="w", namespace=None, min_interval=600.0, min_life=3600.0
    )
    assert load(token("[]")).tokens[0].notify == ()


def test_the_name_is_expanded(load: Load) -> None:
    """In the URL, the pid file, the process and the workload, so that `defaults` can have them."""
    text = token(
        "[{http: {url: 'http://h/{name}?of={name}'}},"
        " {signal: {process: 'p-{name}', pidFile: '/run/{name}.pid'}},"
        " {rollout: {kind: Deployment, name: '{name}-app'}}]"
    )
    http, signal, rollout = load(text).tokens[0].notify
    assert isinstance(http, HttpConsumer)
    assert http.url == "http://h/a?of=a"
    assert signal == SignalConsumer(process="p-a", pid_file="/run/a.pid")
    assert isinstance(rollout, RolloutConsumer)
    assert rollout.name == "a-app"


def test_whom_people_read_of(load: Load) -> None:
    """A consumer is shown by what it is, without the query; one place is told at a time."""
    text = token(
        "[{http: {url: 'HTTPS://H:8443/x?y=1'}}, {http: {url: 'http://h/z'}},"
        " {signal: {process: p}}, {rollout: {kind: StatefulSet, name: w, namespace: n}}]"
    )
    consumers = load(text).tokens[0].notify
    assert [one.target for one in consumers] == [
        "HTTPS://H:8443/x",
        "http://h/z",
        "p (SIGHUP)",
        "StatefulSet n/w",
    ]
    assert len({one.place for one in consumers}) == 4


@pytest.mark.parametrize(
    ("consumer", "path", "message"),
    [
        ("http", "", "must be a mapping, not a text; write http:"),
        ("{}", "", "names no consumer"),
        ("{http: {url: 'http://h/'}, signal: {process: p}}", "", "names two consumers"),
        ("{https: {url: x}}", ".https", "is not known; write http:, signal: or rollout:"),
        ("{http: }", ".http.url", "is missing"),
        ("{http: {url: h}}", ".http.url", "must begin with http:// or https://"),
        ("{http: {url: 'http://me:pw@h/'}}", ".http.url", "must not hold credentials"),
        ("{http: {url: 'http://h/?token=x'}}", ".http.url", "must not hold credentials"),
        ("{http: {url: 'http://h/?a=1&API_KEY=x'}}", ".http.url", "must not hold credentials"),
        ("{http: {url: 'http://h/#x'}}", ".http.url", "must not have a fragment"),
        ("{http: {url: 'http://h:0/'}}", ".http.url", "must have a port"),
        ("{http: {url: 'http://-/'}}", ".http.url", "must have a host name"),
        ("{http: {url: 'http://[::1/'}}", ".http.url", "must have a host name"),
        ("{http: {url: 'http://{host}/'}}", ".http.url", "may hold no braces but {name}"),
        ("{http: {url: 'http://h/ü'}}", ".http.url", "must be a URL of visible ASCII"),
        ("{http: {url: 'http://h/', method: PATCH}}", ".http.method", "must be POST, PUT or GET"),
        ("{http: {url: 'http://h/', timeout: 2m}}", ".http.timeout", "must be from 100ms to 1m"),
        (
            "{http: {url: 'http://h/', headers: {Authorization: x}}}",
            ".http.headers.Authorization",
            "is set by auth",
        ),
        ("{http: {url: 'http://h/', caFile: /ca}}", ".http.caFile", "is of use with https:// only"),
        ("{signal: {pidFile: /run/x}}", ".signal.process", "is missing"),
        ("{signal: {process: /bin/x}}", ".signal.process", "must be the program's name without"),
        ("{signal: {process: p, signal: HUP}}", ".signal.signal", "must be SIGHUP, SIGUSR1"),
        ("{signal: {process: p, signal: SIGKILL}}", ".signal.signal", "must be SIGHUP, SIGUSR1"),
        ("{signal: {process: p, pidFile: x}}", ".signal.pidFile", "must be absolute"),
        ("{rollout: {kind: Deployment}}", ".rollout.name", "is missing"),
        ("{rollout: {kind: Pod, name: x}}", ".rollout.kind", "must be Deployment, StatefulSet"),
        ("{rollout: {kind: Deployment, name: X}}", ".rollout.name", "must be lower-case"),
        (
            "{rollout: {kind: Deployment, name: x, namespace: A}}",
            ".rollout.namespace",
            "must be lower-case",
        ),
        (
            "{rollout: {kind: Deployment, name: x, minInterval: 1s}}",
            ".rollout.minInterval",
            "must be from 10s",
        ),
    ],
)
def test_what_is_refused(refuse: Refuse, consumer: str, path: str, message: str) -> None:
    """Each mistake is told at its place, with what to write instead, and once."""
    (problem,) = refuse(token(f"[{consumer}]"))
    assert problem.startswith(f"tokens[0].notify[0]{path}: {message}"), problem


def test_every_problem_at_once(refuse: Refuse) -> None:
    """One mistake does not hide another, and no value is quoted."""
    found = refuse(token("[{http: {url: 'http://u:sesame@h/'}}, {signal: {}}, {rollout: {}}]"))
    assert len(found) == 4
    assert "sesame" not in str(found)


@pytest.mark.parametrize(
    "twice",
    [
        "{http: {url: 'http://h/'}}, {http: {url: 'http://h/', timeout: 1s}}",
        "{signal: {process: p}}, {signal: {process: p}}",
        "{rollout: {kind: DaemonSet, name: x}}, {rollout: {kind: DaemonSet, name: x, minLife: 2h}}",
    ],
)
def test_nobody_is_told_twice(refuse: Refuse, twice: str) -> None:
    """One consumer under two entries would hear everything twice."""
    (problem,) = refuse(token(f"[{twice}]"))
    assert "is notify[0] once more; keep one of them" in problem


@pytest.mark.parametrize(
    ("notify", "more", "words"),
    [
        ("[{http: {url: 'http://app.other.svc:9000/r?x=1'}}]", "", "is told over http://"),
        ("[{http: {url: 'http://127.0.0.1:9000/'}}]", "", None),
        ("[{http: {url: 'https://app/'}}]", "", None),
        ("[{rollout: {kind: Deployment, name: x}}]", "", None),
        ("[{rollout: {kind: Deployment, name: x, minLife: 5m}}]", "", "as often as every 10m"),
        (
            "[{rollout: {kind: Deployment, name: x}}]",
            ", refresh: {defaultLifetime: 10m}",
            "is never restarted for a token that lives for 10m",
        ),
    ],
)
def test_what_is_hinted_at(load: Load, notify: str, more: str, words: str | None) -> None:
    """What is allowed but probably not meant is told by `check`, with the token's name."""
    found = list(hints(load(token(notify, more))))
    assert len(found) == (words is not None)
    if words is not None:
        assert words in found[0]
        assert "token a" in found[0]
