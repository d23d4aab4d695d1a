"""`secret-refresher run`, where it does not come to running."""

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.authorization_server import AuthorizationServer
from support.daemon import Daemon, entry, settings, until

Ran = subprocess.CompletedProcess[str]
Command = Callable[..., Ran]


def test_a_refused_configuration(command: Command, tmp_path: Path) -> None:
    """All problems on standard error, status 2, before anything was begun."""
    (tmp_path / "c.yaml").write_text("{tokens: [{name: A}], colour: blue}")
    ran = command("run", "--config", "c.yaml")
    assert (ran.returncode, ran.stdout) == (2, "")
    lines = ran.stderr.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith("secret-refresher: c.yaml: ") for line in lines)


def test_a_taken_port(command: Command, tmp_path: Path) -> None:
    """Status 1, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        token = entry("http://127.0.0.1:1/", tmp_path)
        (tmp_path / "c.yaml").write_text(str(settings(token, server={"address": address})))
        ran = command("run", "--config", "c.yaml")
    assert (ran.returncode, ran.stdout) == (1, "")
    host, _, port = address.partition(":")
    assert (
        f"secret-refresher: cannot listen on {host} port {port}: Address already in use; free"
        in (ran.stderr)
    )


def test_no_token_at_all(tmp_path: Path) -> None:
    """A daemon without a token is ready, started and fresh: there is nothing to wait for."""
    with Daemon(tmp_path, settings()) as daemon:
        for path in ("/livez", "/readyz", "/startupz", "/freshz"):
            assert daemon.get(path) == (200, "ok\n")
        assert daemon.stop() == 0


def test_probes_know_every_token_from_the_start(tmp_path: Path) -> None:
    """The startup probe opens no door before the first token is there."""
    with AuthorizationServer() as server:
        server.delay = 2
        with Daemon(tmp_path, settings(entry(server.token_url, tmp_path))) as daemon:
            assert daemon.get("/startupz") == (503, "partner-api: pending\n")
            assert daemon.get("/readyz")[0] == 200
            until(lambda: daemon.get("/startupz")[0] == 200, "the token")


def test_a_log_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    """Standard error is a closed pipe: tokens are refreshed all the same."""
    with AuthorizationServer(lifetime=4) as server:
        config = tmp_path / "c.yaml"
        config.write_text(str(settings(entry(server.token_url, tmp_path))))
        process = subprocess.Popen(
            [sys.executable, "-m", "secret_refresher", "run", "--config", str(config)],
            stderr=subprocess.PIPE,
        )
        try:
            assert process.stderr is not None
            process.stderr.close()
            until(lambda: len(server.tokens) >= 3, "three tokens")
            file = tmp_path / "partner-api"
            until(lambda: file.read_text() == server.tokens[-1], "the last of them")
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
