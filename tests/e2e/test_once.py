"""`run --once`: an init container."""

from pathlib import Path

from support.authorization_answers import refusal
from support.authorization_server import AuthorizationServer
from support.daemon import Start, entry, settings

ONCE = ("--once",)


def test_everything_once(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """Every token is fetched and published; status 0, and nothing listens."""
    names = ("first", "second")
    daemon = start(
        settings(*(entry(server.token_url, tmp_path, name) for name in names)), arguments=ONCE
    )
    assert daemon.ended() == 0
    assert {(tmp_path / name).read_text() for name in names} == set(server.tokens)
    assert not daemon.logs("listening")
    daemon.start()
    assert daemon.ended() == 0
    assert len(server.requests) == 2


def test_one_failure_is_a_failure(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """One attempt each; status 1 where a token is not live in every sink, the others are."""
    sinks = [{"file": {"path": str(tmp_path / "missing" / "token")}}]
    good, bad = (entry(server.token_url, tmp_path, name) for name in ("good", "bad"))
    daemon = start(settings(good, {**bad, "sinks": sinks}), arguments=ONCE)
    assert daemon.ended() == 1
    assert (tmp_path / "good").read_text() == server.tokens[0]
    assert daemon.logs("sink inspect failed", token="bad")


def test_a_refusal_is_a_failure(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """One request, and status 1."""
    server.always = refusal("invalid_client", 401)
    daemon = start(settings(entry(server.token_url, tmp_path)), arguments=ONCE)
    assert daemon.ended() == 1
    assert len(server.requests) == 1


def test_a_live_token_is_enough(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """Where the sink holds a live token, a server that is away does not matter."""
    daemon = start(settings(entry(server.token_url, tmp_path)), arguments=ONCE)
    assert daemon.ended() == 0
    server.go_away()
    daemon.start()
    assert daemon.ended() == 0
    assert daemon.logs("live token adopted")


def test_absent_tokens_are_removed(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """`state: absent` is done once too."""
    token = entry(server.token_url, tmp_path)
    daemon = start(settings(token), arguments=ONCE)
    assert daemon.ended() == 0
    daemon.configure(settings({**token, "state": "absent"}))
    daemon.start()
    assert daemon.ended() == 0
    assert not (tmp_path / "partner-api").exists()
