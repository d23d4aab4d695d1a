"""Somebody touches the file of a running daemon."""

from pathlib import Path

import pytest

from support.authorization_server import AuthorizationServer
from support.daemon import Start, entry, settings, until


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The token's file."""
    return tmp_path / "partner-api"


def test_a_deleted_file_comes_back(
    server: AuthorizationServer, start: Start, tmp_path: Path, file: Path
) -> None:
    """Within seconds, from memory, with the same token."""
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    file.unlink()
    until(file.exists, "the file")
    assert file.read_text() == server.tokens[0]
    assert daemon.wait("sink put right")["level"] == "warning"
    assert daemon.metric("drift_corrections_total", token="partner-api") == 1
    assert len(server.requests) == 1


def test_an_edited_file_is_put_right(
    server: AuthorizationServer, start: Start, tmp_path: Path, file: Path
) -> None:
    """An editor that writes into the file, or replaces it, or removes our records: all mended."""
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    file.chmod(0o640)
    file.write_text("oops")
    daemon.wait("sink put right", times=1)
    (tmp_path / "new").write_text("oops")
    (tmp_path / "new").rename(file)
    daemon.wait("sink put right", times=2)
    (tmp_path / ".partner-api.meta.json").unlink()
    daemon.wait("sink put right", times=3)
    assert file.read_text() == server.tokens[0]
    assert file.stat().st_mode & 0o777 == 0o440
    assert len(server.requests) == 1


def test_an_adopted_token_that_is_lost_is_fetched_anew(
    server: AuthorizationServer, start: Start, tmp_path: Path, file: Path
) -> None:
    """Memory does not hold an adopted token, so its loss costs one request."""
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    daemon.kill()
    daemon.start()
    daemon.wait("live token adopted")
    until(lambda: daemon.get("/freshz")[0] == 200, "fresh")
    file.unlink()
    until(file.exists, "the file")
    assert file.read_text() == server.tokens[1]
    assert len(server.requests) == 2


def test_a_folder_that_comes_late(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """A missing folder costs no request; once it is there, it is filled."""
    folder = tmp_path / "late"
    sinks = [{"file": {"path": str(folder / "token")}}]
    daemon = start(settings(entry(server.token_url, tmp_path, sinks=sinks)))
    trouble = daemon.wait("sink inspect failed")
    assert trouble["reason"] == "not_found"
    assert "mount a volume there" in trouble["advice"]
    assert daemon.get("/startupz") == (503, "partner-api: blocked\n")
    assert server.requests == []
    folder.mkdir()
    until((folder / "token").exists, "the token")
    until(lambda: daemon.get("/startupz")[0] == 200, "the probe")
    assert len(server.requests) == 1


def test_one_blocked_sink_holds_up_no_other(
    server: AuthorizationServer, start: Start, tmp_path: Path, file: Path
) -> None:
    """The other files of the same token get it, refresh after refresh."""
    server.lifetime = 4
    (tmp_path / "folder").mkdir()
    sinks = [{"file": {"path": str(tmp_path / name)}} for name in ("folder", "partner-api")]
    daemon = start(settings(entry(server.token_url, tmp_path, sinks=sinks)))
    daemon.wait("token published", times=3, target=str(file))
    assert daemon.logs("sink inspect failed", reason="not_a_file")
    assert daemon.metric("token_healthy", token="partner-api") == 0
