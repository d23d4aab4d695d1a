"""Time that stands still, and time that jumps."""

import glob
import os
import signal
import time
from datetime import datetime
from pathlib import Path

from support.authorization_server import AuthorizationServer
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


def test_a_jump_of_the_wall_clock_changes_nothing(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """An hour forward, then two back: neither a request nor a write, only what is shown."""
    found = glob.glob(LIBRARIES)
    if not found:
        unavailable("libfaketime is not installed (Debian: libfaketime)")
    stamp = tmp_path / "faketime"
    stamp.write_text("+0")
    # Times of files are real ones, as those of a real clock that jumps would be old ones.
    fake = {
        "LD_PRELOAD": found[0],
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    daemon = start(settings(entry(server.token_url, tmp_path)), environment=fake)
    daemon.wait("token published")
    before = (tmp_path / "partner-api").stat()
    due = daemon.metric("next_refresh_timestamp_seconds", token="partner-api")
    for shift in ("+1h", "-1h"):
        stamp.write_text(shift)
        time.sleep(3)
        os.utime(daemon.config_file)
        daemon.configure(daemon.config_file.read_text() + f"\n# {shift}\n")
        taken = daemon.wait("configuration taken", times=2 if shift == "+1h" else 3)
        told = datetime.fromisoformat(taken["timestamp"]).timestamp()
        assert abs(abs(told - time.time()) - 3600) < 60
        assert daemon.get("/freshz")[0] == 200
        assert daemon.metric("next_refresh_timestamp_seconds", token="partner-api") == due
    assert len(server.requests) == 1
    assert (tmp_path / "partner-api").stat() == before
