"""The end of the daemon."""

import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from support.authorization_answers import HANG
from support.authorization_server import AuthorizationServer
from support.daemon import Start, entry, settings, until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once(
    server: AuthorizationServer, start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    """Status 0, and the token stays."""
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    begun = time.monotonic()
    daemon.send(number)
    assert daemon.ended() == 0
    assert time.monotonic() - begun < 4
    assert (tmp_path / "partner-api").read_text() == server.tokens[0]
    assert daemon.logs("stopping")


def test_a_fetch_in_flight_is_published(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """A token that was asked for before the signal reaches its file; then status 0."""
    server.delay = 2
    daemon = start(settings(entry(server.token_url, tmp_path)))
    until(lambda: server.requests, "the request")
    begun = time.monotonic()
    daemon.send(signal.SIGTERM)
    daemon.wait("stopping")
    assert not (tmp_path / "partner-api").exists()
    assert daemon.ended() == 0
    assert 1 < time.monotonic() - begun < 10
    assert (tmp_path / "partner-api").read_text() == server.tokens[0]


def test_a_hanging_fetch_is_not_waited_for(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Five seconds are all that what is in flight gets, whatever its own time limit."""
    server.always = HANG
    token = entry(server.token_url, tmp_path, request={"timeout": "60s"})
    daemon = start(settings(token))
    until(lambda: server.requests, "the request")
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert 4 < time.monotonic() - begun < 12


def test_no_new_fetch_begins(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """After the signal nobody asks for a token, were it due."""
    server.lifetime = 4
    slow = entry(server.token_url + "/slow", tmp_path, "slow")
    daemon = start(settings(entry(server.token_url, tmp_path), slow))
    daemon.wait("token published", times=2)
    server.always = replace(HANG, delay=3, hang=False)
    count = len(server.requests)
    until(lambda: len(server.requests) > count, "a request in flight")
    daemon.send(signal.SIGTERM)
    daemon.wait("stopping")
    stopped = time.monotonic()
    assert daemon.ended() == 0
    assert [r for r in server.requests if r.arrived > stopped + 0.5] == []


def test_a_second_signal_ends_it_now(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Who sends another one does not want to wait."""
    server.always = HANG
    daemon = start(settings(entry(server.token_url, tmp_path)))
    until(lambda: server.requests, "the request")
    daemon.send(signal.SIGTERM)
    daemon.wait("stopping")
    daemon.send(signal.SIGTERM)
    assert daemon.ended(3) == -signal.SIGTERM


def test_stopped_at_any_time(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """In the middle of fetches and publishes of many tokens: status 0, and nothing left over."""
    server.lifetime, server.delay = 2, 0.05
    names = [f"token-{number}" for number in range(20)]
    daemon = start(settings(*(entry(server.token_url, tmp_path, name) for name in names)))
    for number in range(8):
        daemon.wait("listening")
        time.sleep(0.13 * number)
        assert daemon.stop() == 0
        assert daemon.logs("not JSON") == daemon.logs("defect") == []
        assert [path for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []
        daemon.start()
