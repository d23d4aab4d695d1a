"""The real daemon tells real applications."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.authorization_server import AuthorizationServer
from support.daemon import Daemon, Settings, Start, entry, settings, until
from support.reloading_app import ReloadingApp


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """Grants tokens of four seconds to `me` with `sesame`."""
    with AuthorizationServer(lifetime=4.0) as running:
        yield running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts daemons in the test's folder; whatever still runs at the end is killed."""
    with ExitStack() as running:

        def begin(configuration: Settings, **keys: Any) -> Daemon:
            return running.enter_context(Daemon(tmp_path, configuration, **keys))

        yield begin


def test_an_application_reads_each_token(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """By HTTP and by a signal: it has read every token that was published, each but once a way."""
    with ReloadingApp(tmp_path, tmp_path / "partner-api") as app:
        consumers = [
            {"http": {"url": app.url}},
            {"signal": {"process": Path(_interpreter()).name, "pidFile": str(app.pid_file)}},
        ]
        daemon = start(settings(entry(server.token_url, tmp_path, notify=consumers)))
        daemon.wait("token published", times=3)
        daemon.wait("consumer told", times=4)
        until(lambda: len(app.reloads()) >= 4, "reloads")
        daemon.stop()
        read = [token for _, token in app.reloads()]
    tokens = list(dict.fromkeys(read))
    assert tokens == server.tokens[: len(tokens)]
    assert all(read.count(token) <= 2 for token in tokens)
    assert not [
        line for line in daemon.text().splitlines() if any(t in line for t in server.tokens)
    ]


def test_an_application_that_is_not_there(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """It costs no token, and is no secret: failures are counted, told, and made good for later."""
    server.lifetime = 3600.0
    consumers = [{"http": {"url": "http://127.0.0.1:1/"}}, {"signal": {"process": "no-such-app"}}]
    daemon = start(settings(entry(server.token_url, tmp_path, notify=consumers)))
    daemon.wait("consumer not told", times=2, consumer="http")
    line = daemon.wait("consumer not told", consumer="signal")
    assert line["reason"] == "no_process"
    assert line["advice"]
    assert daemon.metric("token_healthy", token="partner-api") == 1
    failures = daemon.metric("notifications_total", kind="http", result="failure")
    assert failures is not None
    assert failures >= 2
    assert daemon.metric("notifications_total", kind="http", result="success") is None
    assert len(server.requests) == 1


def test_a_restart_tells_a_young_token_again(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Who died between publishing and telling is made good for; no token is asked for."""
    server.lifetime = 3600.0
    with ReloadingApp(tmp_path, tmp_path / "partner-api") as app:
        consumers = [{"http": {"url": app.url}}]
        quiet = entry(server.token_url, tmp_path)
        daemon = start(settings(quiet))
        daemon.wait("token published")
        daemon.kill()
        daemon.configure(settings(entry(server.token_url, tmp_path, notify=consumers)))
        daemon.start()
        daemon.wait("live token adopted")
        daemon.wait("consumer told")
        until(app.reloads, "the reload")
        assert [token for _, token in app.reloads()] == server.tokens
    assert len(server.requests) == 1


def test_once_tells_nobody(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """`run --once` fetches and publishes, and does not wait for applications that may not run."""
    token = entry(server.token_url, tmp_path, notify=[{"http": {"url": "http://127.0.0.1:1/"}}])
    daemon = start(settings(token), arguments=["--once"])
    assert daemon.ended() == 0
    assert not daemon.logs("consumer not told")


def _interpreter() -> str:
    with open("/proc/self/cmdline", "rb") as file:
        return file.read().partition(b"\0")[0].decode()


def test_the_doctor_looks_for_consumers(server: AuthorizationServer, tmp_path: Path) -> None:
    """Who is there and who is not, each with a remedy, and nobody is told."""
    with ReloadingApp(tmp_path, tmp_path / "partner-api") as app:
        consumers = [
            {"http": {"url": app.url}},
            {"signal": {"process": "no-such-app"}},
            {"rollout": {"kind": "Deployment", "name": "app"}},
        ]
        configuration = settings(entry(server.token_url, tmp_path, notify=consumers))
        config = tmp_path / "config.yaml"
        config.write_text(json.dumps(configuration))
        done = subprocess.run(
            [sys.executable, "-m", "secret_refresher", "doctor", "--config", str(config)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "KUBECONFIG": str(tmp_path / "none")},
        )
        assert app.reloads() == []
    assert done.returncode == 1
    assert "somebody listens there" in done.stdout
    assert "no process named no-such-app can be seen" in done.stdout
    assert "shareProcessNamespace" in done.stdout
    assert "look for rollout consumer Deployment app" in done.stdout
