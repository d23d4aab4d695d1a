"""Time that stands still, and time that jumps."""

import glob
import signal
import time
from datetime import datetime
from pathlib import Path

import pytest

from support.authorization_server import AuthorizationServer
from support.consumer import Consumer
from support.daemon import Start, entry, settings, until
from support.elsewhere import unavailable

LIBRARIES = "/usr/lib/*/faketime/libfaketime.so.1"


def test_a_stopped_process_catches_up(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Frozen for longer than a token lives, as by a suspend: it refreshes at once afterwards."""
    server.lifetime = 3
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    daemon.send(signal.SIGSTOP)
    time.sleep(4)
    count, resumed = len(server.tokens), time.monotonic()
    daemon.send(signal.SIGCONT)
    until(lambda: len(server.tokens) > count, "the next token")
    assert time.monotonic() - resumed < 5
    until(lambda: (tmp_path / "partner-api").read_text() == server.tokens[-1], "its publish")
    assert daemon.get("/livez")[0] == 200


@pytest.fixture
def stamp(tmp_path: Path) -> Path:
    """A file that says by how much the daemon's wall clock is wrong, as `+1h`."""
    file = tmp_path / "faketime"
    file.write_text("+0")
    return file


def faked(stamp: Path) -> dict[str, str]:
    """The environment of a daemon whose wall clock is wrong by that."""
    found = glob.glob(LIBRARIES)
    if not found:
        unavailable("libfaketime is not installed (Debian: libfaketime)")
    return {
        "LD_PRELOAD": found[0],
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def test_a_jump_of_the_wall_clock_changes_nothing(
    server: AuthorizationServer, start: Start, tmp_path: Path, stamp: Path
) -> None:
    """An hour forward, then two back: neither a request nor a write, only what is shown."""
    daemon = start(settings(entry(server.token_url, tmp_path)), environment=faked(stamp))
    daemon.wait("token published")
    before = (tmp_path / "partner-api").stat()
    due = daemon.metric("next_refresh_timestamp_seconds", token="partner-api")
    for shift in ("+1h", "-1h"):
        stamp.write_text(shift)
        time.sleep(3)
        daemon.configure(daemon.config_file.read_text() + f"\n# {shift}\n")
        taken = daemon.wait("configuration taken", times=2 if shift == "+1h" else 3)
        told = datetime.fromisoformat(taken["timestamp"]).timestamp()
        assert abs(abs(told - time.time()) - 3600) < 60
        assert daemon.get("/freshz")[0] == 200
        assert daemon.metric("next_refresh_timestamp_seconds", token="partner-api") == due
    assert len(server.requests) == 1
    assert (tmp_path / "partner-api").stat() == before


def test_refreshes_go_on_through_jumps(
    server: AuthorizationServer, start: Start, tmp_path: Path, stamp: Path
) -> None:
    """Short tokens, a clock that goes back and forth by hours: nobody reads a dead one."""
    server.lifetime = 4
    file = tmp_path / "partner-api"
    start(settings(entry(server.token_url, tmp_path)), environment=faked(stamp))
    until(file.exists, "the token")
    with Consumer(file) as consumer:
        for shift in ("-2h", "+2h", "-1d", "+0"):
            stamp.write_text(shift)
            seen = len(consumer.tokens)
            until(lambda seen=seen: len(consumer.tokens) >= seen + 2, "the next tokens")  # type: ignore[misc]
            # Somebody touches the file in the middle of it.
            file.unlink()
            until(file.exists, "the file")
    faults = {**consumer.faults, "missing": 0}
    assert not any(faults.values())
    assert len(server.requests) < 20
