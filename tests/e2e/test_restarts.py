"""Killed at any time, and started again."""

import time
from pathlib import Path

from support.authorization_server import AuthorizationServer
from support.consumer import Consumer
from support.daemon import Daemon, Start, entry, settings, until


def test_a_live_token_survives_kill_minus_nine(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Killed and started again: no request, and the file is the very same."""
    daemon = start(settings(entry(server.token_url, tmp_path)))
    first = daemon.wait("token published")
    before = (tmp_path / "partner-api").stat()
    for _ in range(3):
        daemon.kill()
        daemon.start()
        adopted = daemon.wait("live token adopted")
        assert adopted["expires_at"] == first["expires_at"]
        until(lambda: daemon.get("/freshz")[0] == 200, "fresh")
    time.sleep(1.5)  # a round of the patrol
    assert len(server.requests) == 1
    after = (tmp_path / "partner-api").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert daemon.metric("adoptions_total", token="partner-api") == 1
    assert daemon.metric("refreshes_total", token="partner-api", result="success") in {None, 0}


def test_the_plan_survives_a_restart(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """The refresh point is drawn once: a restart neither moves it nor forgets it."""
    server.lifetime = 6
    daemon = start(settings(entry(server.token_url, tmp_path)))
    planned = daemon.wait("token fetched")["refresh_at"]
    daemon.wait("token published")
    daemon.kill()
    daemon.start()
    assert daemon.wait("live token adopted")["refresh_at"] == planned
    assert daemon.wait("token published")["timestamp"] >= planned
    assert len(server.requests) == 2


def test_killed_again_and_again(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """Killed every so often while tokens are short: no stale read, no leftovers at the end."""
    server.lifetime = 6
    daemon = start(settings(entry(server.token_url, tmp_path)))
    file = tmp_path / "partner-api"
    until(file.exists, "the token")
    with Consumer(file) as consumer:
        for round_ in range(12):
            daemon.wait("listening")
            time.sleep(0.11 * round_)
            daemon.kill()
            daemon.start()
        daemon.wait("listening")
        until(lambda: daemon.get("/freshz")[0] == 200, "fresh")
    assert consumer.faults == {}
    assert [path for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []
    assert len(server.requests) < 12


def test_adoption_can_be_refused(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """With `adopt: false` each start asks for a token of its own."""
    daemon = start(settings(entry(server.token_url, tmp_path, adopt=False)))
    daemon.wait("token published")
    daemon.kill()
    daemon.start()
    daemon.wait("token published")
    assert len(server.requests) == 2


def test_a_second_daemon_waits_for_the_first(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """It says who holds the file, asks for nothing, and takes over when the first is gone."""
    configuration = settings(entry(server.token_url, tmp_path))
    first = start(configuration)
    first.wait("token published")
    other = tmp_path / "other"
    other.mkdir()
    with Daemon(other, configuration) as second:
        trouble = second.wait("sink inspect failed")
        assert trouble["reason"] == "locked"
        assert len(server.requests) == 1
        first.kill()
        second.wait("live token adopted")
        assert len(server.requests) == 1
