"""`secret-refresher doctor`: a set-up that works, and ones that do not."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.authorization_server import AuthorizationServer
from support.certificates import Authority
from support.daemon import Daemon, Settings, entry, settings

Ran = subprocess.CompletedProcess[str]
Command = Callable[..., Ran]
Checks = list[dict[str, Any]]


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """Grants tokens of an hour."""
    with AuthorizationServer() as running:
        yield running


def examine(
    command: Command, folder: Path, token: Settings, *arguments: str, status: int
) -> Checks:
    """What a doctor says as JSON, with that exit status."""
    (folder / "c.yaml").write_text(json.dumps(settings(token)))
    ran = command("doctor", "--config", "c.yaml", "--output", "json", *arguments)
    assert ran.returncode == status, ran.stdout + ran.stderr
    assert "sesame" not in ran.stdout
    checks: Checks = json.loads(ran.stdout)["checks"]
    return checks


def failures(checks: Checks) -> Checks:
    """Those that failed; each has a remedy."""
    found = [check for check in checks if check["verdict"] == "failed"]
    assert all(check["remedy"] for check in found)
    return found


def test_a_set_up_that_works(command: Command, server: AuthorizationServer, tmp_path: Path) -> None:
    """Nothing failed, one real fetch included, and nothing was written."""
    checks = examine(command, tmp_path, entry(server.token_url, tmp_path), "--fetch", status=0)
    assert failures(checks) == []
    assert {check["part"] for check in checks} == {"configuration", "partner-api"}
    assert len(server.tokens) == 1
    assert server.tokens[0] not in json.dumps(checks)
    assert not (tmp_path / "partner-api").exists()


def test_nothing_is_fetched_unasked(
    command: Command, server: AuthorizationServer, tmp_path: Path
) -> None:
    """The one request that is made shows no credentials."""
    examine(command, tmp_path, entry(server.token_url, tmp_path), status=0)
    [request] = server.requests
    assert request.method == "GET"
    assert b"sesame" not in request.body
    assert "authorization" not in {name.lower() for name, _ in request.headers}


def test_a_daemon_at_work_is_not_disturbed(
    command: Command, server: AuthorizationServer, tmp_path: Path
) -> None:
    """Its file is told with its expiry, and stays the very file."""
    token = entry(server.token_url, tmp_path)
    with Daemon(tmp_path, settings(token)) as daemon:
        daemon.wait("token published")
        before = (tmp_path / "partner-api").stat()
        checks = examine(command, tmp_path, token, status=0)
        assert any("live token until" in check["result"] for check in checks)
        after = (tmp_path / "partner-api").stat()
    assert (before.st_ino, before.st_ctime_ns) == (after.st_ino, after.st_ctime_ns)


def test_a_missing_credential(
    command: Command, server: AuthorizationServer, tmp_path: Path
) -> None:
    """The file is named; the server is looked at all the same, and nothing is fetched."""
    token = entry(server.token_url, tmp_path)
    (tmp_path / "client_secret").unlink()
    [failed] = failures(examine(command, tmp_path, token, "--fetch", status=1))
    assert str(tmp_path / "client_secret") in failed["result"]
    assert server.tokens == []


def test_refused_credentials(command: Command, server: AuthorizationServer, tmp_path: Path) -> None:
    """Only a fetch can tell, and it does."""
    server.client_secret = "another"
    token = entry(server.token_url, tmp_path)
    assert failures(examine(command, tmp_path, token, status=0)) == []
    [failed] = failures(examine(command, tmp_path, token, "--fetch", status=1))
    assert "invalid_client" in failed["result"]


def test_a_server_that_is_away(command: Command, tmp_path: Path) -> None:
    """Where nobody answers, by name and port."""
    [failed] = failures(
        examine(command, tmp_path, entry("http://127.0.0.1:1/token", tmp_path), status=1)
    )
    assert "127.0.0.1" in failed["result"]


def test_an_unknown_authority(command: Command, tmp_path: Path) -> None:
    """A certificate that nobody here trusts, before a credential goes that way."""
    (tmp_path / "ca").mkdir()
    tls = Authority(str(tmp_path / "ca")).issue().server()
    with AuthorizationServer(tls=tls) as server:
        checks = examine(command, tmp_path, entry(server.token_url, tmp_path), status=1)
        assert server.requests == []
    [failed] = failures(checks)
    assert "certificate" in failed["result"]
    assert "caFile" in failed["remedy"]


def test_a_place_that_is_not_there(
    command: Command, server: AuthorizationServer, tmp_path: Path
) -> None:
    """The folder is named, with what to mount."""
    sinks = [{"file": {"path": str(tmp_path / "gone" / "token")}}]
    token = entry(server.token_url, tmp_path, sinks=sinks)
    [failed] = failures(examine(command, tmp_path, token, status=1))
    assert str(tmp_path / "gone") in failed["tried"]


def test_a_refused_configuration(command: Command, tmp_path: Path) -> None:
    """Status 2, each problem a check with its place; nothing else is looked at."""
    (tmp_path / "c.yaml").write_text("{tokens: [{name: A}], colour: blue}")
    ran = command("doctor", "--config", "c.yaml")
    assert ran.returncode == 2
    assert "FAILED   read c.yaml: tokens[0].sinks: is missing" in ran.stdout
    assert "-> name a file" in ran.stdout
    assert set(re.findall(r"^\w+$", ran.stdout, re.MULTILINE)) == {"configuration"}
