"""A server that stays away for longer than a token lives."""

import time
from pathlib import Path

from support.authorization_server import AuthorizationServer
from support.daemon import Start, credentials, entry, settings, until


def come_back(server: AuthorizationServer, folder: Path) -> None:
    """The end of the outage, with other credentials: nobody waits for the end of a pause."""
    server.client_secret = "rotated"
    server.come_back()
    credentials(folder, "rotated")


def test_a_dead_token_stays_by_default(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """The file keeps what it has; probe, metric and log say that it is dead."""
    server.lifetime = 3
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    server.go_away()
    daemon.wait("token expired in sink")
    assert daemon.get("/freshz") == (503, "partner-api: expired\n")
    assert daemon.get("/livez")[0] == daemon.get("/startupz")[0] == 200
    assert daemon.metric("token_healthy", token="partner-api") == 0
    assert (tmp_path / "partner-api").read_text() in server.tokens
    published = len(daemon.logs("token published"))
    come_back(server, tmp_path)
    daemon.wait("token published", times=published + 1)
    until(lambda: daemon.get("/freshz")[0] == 200, "fresh")


def test_a_dead_token_is_deleted_where_wanted(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """With `onExpired: delete` the file goes when the token dies, and comes with the next."""
    server.lifetime = 3
    file = tmp_path / "partner-api"
    daemon = start(settings(entry(server.token_url, tmp_path, refresh={"onExpired": "delete"})))
    daemon.wait("token published")
    server.go_away()
    until(lambda: not file.exists(), "its removal")
    cleared = daemon.wait("sink cleared")
    assert cleared["expired"]
    assert cleared["found"]
    time.sleep(2)
    assert len(daemon.logs("sink cleared")) == 1
    published = len(daemon.logs("token published"))
    come_back(server, tmp_path)
    daemon.wait("token published", times=published + 1)
    assert file.read_text() == server.tokens[-1]


def test_a_token_that_died_while_nobody_ran_is_deleted(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """At the start too, were the server away."""
    server.lifetime = 3
    file = tmp_path / "partner-api"
    daemon = start(settings(entry(server.token_url, tmp_path, refresh={"onExpired": "delete"})))
    daemon.wait("token published")
    daemon.kill()
    server.go_away()
    time.sleep(3)
    daemon.start()
    until(lambda: not file.exists(), "its removal")
