"""`secret-refresher status` against running daemons, good ones and odd ones."""

from __future__ import annotations

import http.server
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from secret_refresher.status.document import Daemon as About, Document, TokenLine
from secret_refresher.status.form import UnreadableError, dump, load
from support.authorization_server import AuthorizationServer
from support.daemon import Daemon, entry, settings, until
from support.plain_http import get
from support.scenes import Night, quiet, troubled

Ran = subprocess.CompletedProcess[str]
Command = Callable[..., Ran]


@pytest.fixture(scope="module")
def night() -> Night:
    """A night on which much is wrong; to be looked at only."""
    return troubled()


def of(port: int) -> str:
    """Where a server of a test is."""
    return f"http://127.0.0.1:{port}"


def test_what_is_wrong_stands_first_with_its_remedy(command: Command, night: Night) -> None:
    """Status 1; the verdict, troubles with remedies, then every token, worst first; no colours."""
    ran = command("status", "--url", of(night.port))
    assert (ran.returncode, ran.stderr) == (1, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == "3 of 9 tokens are not live in every sink."
    first = lines.index("! cannot connect to id.example.org port 443: Connection refused.")
    assert lines[first + 2].startswith("  Do: nothing listens there")
    assert lines[first + 3].startswith("  crm-sync orders warehouse (fetch: connect, since ")
    head = next(number for number, line in enumerate(lines) if line.startswith("STATE "))
    assert lines[head].split() == ["STATE", "TOKEN", "LIFE", "EXPIRES", "NEXT", "SINKS"]
    names = [line.split()[1] for line in lines[head + 1 :]]
    assert (len(names), names[0], names[-1]) == (10, "crm-sync", "old-api")
    assert "\x1b" not in ran.stdout


def test_all_is_well_is_status_0(command: Command) -> None:
    """And one line says so."""
    ran = command("status", "--url", of(quiet().port))
    assert ran.returncode == 0
    assert ran.stdout.startswith("All 10 tokens are live in every sink.\n")


def test_machines_get_the_whole_document(command: Command, night: Night) -> None:
    """One JSON object of the documented version, with every token."""
    ran = command("status", "--output", "json", "--url", of(night.port))
    found = json.loads(ran.stdout)
    assert ran.returncode == 1
    assert found["version"] == 1
    assert (found["total"], found["healthy"], len(found["tokens"])) == (9, 6, 10)


def test_a_real_daemon_is_asked(command: Command, tmp_path: Path) -> None:
    """The process itself, over its own port: a token that was just published is live."""
    with AuthorizationServer(lifetime=600) as server:
        daemon = Daemon(tmp_path, settings(entry(server.token_url, tmp_path)))
        with daemon:
            daemon.wait("token published")
            address = daemon.wait("listening")["address"]
            ran = command("status", "--url", f"http://{address}")
            page = daemon.get("/")
            daemon.stop()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("The token is live in every sink.\n")
    assert "The token is live in every sink." in page[1]
    for secret in (*server.tokens, "sesame"):
        assert secret not in ran.stdout + page[1]


def on_terminal(*arguments: str, columns: int = 80, **environment: str) -> str:
    """What the command prints on a terminal of that width."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "secret_refresher", "status", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={
            "PATH": os.environ["PATH"],
            "COLUMNS": str(columns),
            "LINES": "30",
            **environment,
        },
    ) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # EIO: the other side is closed
                break
            if not part:
                break
            said += part
        process.wait(30)
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


def test_a_terminal_has_colours_unless_it_is_told_not_to(night: Night) -> None:
    """By NO_COLOR; the words are the same."""
    coloured = on_terminal("--url", of(night.port))
    plain = on_terminal("--url", of(night.port), NO_COLOR="1")
    assert "\x1b[31mexpired\x1b[0m" in coloured
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split()[:9] == plain.split()[:9]


@pytest.mark.parametrize(
    ("columns", "head"),
    [
        (120, ["STATE", "TOKEN", "LIFE", "EXPIRES", "NEXT", "SINKS"]),
        (80, ["STATE", "TOKEN", "EXPIRES", "NEXT", "SINKS"]),
        (60, ["STATE", "TOKEN", "EXPIRES", "SINKS"]),
        (40, ["STATE", "TOKEN", "EXPIRES"]),
    ],
)
def test_a_narrow_terminal_has_fewer_columns(night: Night, columns: int, head: list[str]) -> None:
    """No row of the table is broken; what matters most stays."""
    said = on_terminal("--url", of(night.port), columns=columns, NO_COLOR="1").splitlines()
    begin = next(number for number, line in enumerate(said) if line.startswith("STATE"))
    assert said[begin].split() == head
    assert len(said[begin:]) == 11
    assert all(len(line) <= columns for line in said[begin:])


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://x",
        "http://",
        "http://me:hunter2@x",
        "http://x:99999",
        "http://x:y",
        "http://x/?q",
    ],
)
def test_a_wrong_url_is_usage(command: Command, url: str) -> None:
    """Status 2, what one looks like, and nothing of it repeated."""
    ran = command("status", "--url", url)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--url must be as http://127.0.0.1:9797" in ran.stderr
    assert "hunter2" not in ran.stderr


def test_nobody_there_is_told_with_a_remedy(command: Command) -> None:
    """Status 1."""
    ran = command("status", "--url", "http://127.0.0.1:1")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "cannot reach http://127.0.0.1:1: Connection refused; is the daemon" in ran.stderr
    assert "port-forward" in ran.stderr


@pytest.fixture
def odd() -> Iterator[Callable[[int, bytes], str]]:
    """Servers that answer everything with one status and body."""
    running = []

    def serve(status: int, body: bytes) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return of(server.server_address[1])

    yield serve
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"<html>", "its status cannot be read: it is no JSON"),
        (200, b"[]", "it has no version"),
        (200, b'{"version": 2}', "it is of another version than 1"),
        (200, b'{"version": 1}', "something is missing"),
        (200, b'{"version": 1, "now": 7}', ".now: must be an instant"),
        (200, b"[" * 100_000, "it is no JSON"),
        (403, b"not \x1b[2Jyou", "HTTP 403; not ?[2Jyou"),
        (404, b"<html>", "HTTP 404; is that a secret-refresher"),
        (302, b"", "HTTP 302; is that a secret-refresher"),
    ],
)
def test_others_that_answer_are_told_apart(
    command: Command, odd: Callable[[int, bytes], str], status: int, body: bytes, told: str
) -> None:
    """Whatever listens there, the answer is one sentence that a terminal can be trusted with."""
    ran = command("status", "--url", odd(status, body))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "\x1b" not in ran.stderr


def test_names_cannot_steer_a_terminal(command: Command, odd: Callable[[int, bytes], str]) -> None:
    """A daemon that lies about names, states and itself prints them as text."""
    shown = Document(
        now=1.7e9,
        total=1,
        matching=1,
        per=1,
        counts={"expired": 1},
        tokens=(
            TokenLine("\x1b[2J\x07a\n", "\x1b[A", "expired", healthy=False, places={"\x1b[B": 1}),
        ),
        daemon=About("\x1b[C", 1.7e9),
    )
    ran = command("status", "--url", odd(200, dump(shown)))
    assert "?[A    ?[2J?a?" in ran.stdout
    assert "1 ?[B" in ran.stdout
    assert "secret-refresher ?[C," in ran.stdout
    assert "\x1b" not in ran.stdout


def test_watching_goes_on_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """Again and again, through a time without the daemon; a Ctrl-C ends it with status 0."""
    night = quiet()
    out, err = tmp_path / "out", tmp_path / "err"
    arguments = ["status", "--watch", "--output", "json", "--url", of(night.port)]
    with (
        out.open("wb") as said,
        err.open("wb") as complained,
        subprocess.Popen(
            [sys.executable, "-m", "secret_refresher", *arguments], stdout=said, stderr=complained
        ) as process,
    ):
        until(lambda: len(out.read_text().splitlines()) >= 2, "a second look")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert all(json.loads(line)["total"] == 10 for line in out.read_text().splitlines())
    assert err.read_text() == ""


def test_watching_outlives_the_daemon(tmp_path: Path) -> None:
    """While nobody answers it says so, and looks again."""
    err = tmp_path / "err"
    command = [sys.executable, "-m", "secret_refresher", "status", "--watch"]
    with (
        err.open("wb") as complained,
        subprocess.Popen(
            [*command, "--url", "http://127.0.0.1:1"],
            stdout=subprocess.DEVNULL,
            stderr=complained,
        ) as process,
    ):
        until(lambda: err.read_text().count("cannot reach") >= 2, "a second complaint")
        process.terminate()
        assert process.wait(20) == 0


def test_what_is_written_is_what_is_read(night: Night) -> None:
    """The form loses nothing, and what a later version adds is passed over."""
    body = get(night.port, "/status.json")[2]
    once = load(body.encode())
    assert load(dump(once)) == once
    raw = json.loads(body)
    raw["more"] = raw["tokens"][0]["more"] = {"x": 1}
    assert load(json.dumps(raw).encode()) == once


@pytest.mark.parametrize("key", ["total", "now", "tokens", "attention", "daemon", "counts"])
@pytest.mark.parametrize("value", ["x", 7, True, [7], {"x": "y"}, [{"name": 1}], 1.5, [[]]])
def test_no_wrong_document_is_half_read(key: str, value: object) -> None:
    """A value of another type is refused with its place, whatever it is."""
    if (key, value) == ("total", 7):
        return  # the one that is right
    raw = json.loads(dump(replace(Document(now=1.7e9), total=3)))
    raw[key] = value
    with pytest.raises(UnreadableError, match=rf"^\.{key}"):
        load(json.dumps(raw).encode())
