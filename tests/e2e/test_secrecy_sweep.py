"""Every failure at once, at level debug; then everything that was shown is searched."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from support.authorization_server import AuthorizationServer
from support.daemon import Daemon, Start, credentials, entry, settings, until
from support.leaks import Hunt, random_part, random_secret
from support.misfortunes import (
    asked_wrong,
    discovered_wrong,
    held_wrong,
    keyed_wrong,
    put_wrong,
    untold,
)
from support.plain_http import get
from support.witness import program

PAGES = (
    "/metrics",
    "/livez",
    "/readyz",
    "/startupz",
    "/freshz",
    "/",
    "/?per=1000",
    "/status.json?per=1000",
    "/nothing?a=b",
)


@pytest.fixture
def other() -> Iterator[AuthorizationServer]:
    """A second server, of another origin."""
    with AuthorizationServer() as running:
        yield running


def wrong_configurations(secret: str, url: str) -> list[str]:
    """Configurations with a secret where none belongs."""
    token = f"tokens: [{{name: a, tokenUrl: '{url}', sinks: [{{file: {{path: /tmp/x}}}}]"
    return [
        f"{token}, auth: {{clientSecret: '{secret}'}}}}]",
        f"{token}, auth: {{clientSecretFile: '{secret}'}}}}]",
        f"{token}, '{secret}': 1}}]",
        f"{token}, '{secret}': 1, '{secret}': 2}}]",
        f"{token}, auth: {{clientSecret:{secret}}}}}]",
        f"{token}, request: {{timeout: '{secret}', method: '{secret}'}}}}]",
        f"{token}, request: {{parameters: {{client_secret: '{secret}'}}}}}}]",
        f"{token}, request: {{headers: {{Authorization: 'Bearer {secret}'}}}}}}]",
        f"tokens: [{{name: '{secret}', tokenUrl: 'https://me:{quote(secret)}@example.com/'}}]",
        f"tokens: [{{name: a, tokenUrl: 'https://example.com/?client_secret={quote(secret)}'}}]",
        f"tokens: {secret}",
        f"tokens: [&{secret} {secret}: : {secret}",
        f"tokens:\n  - name: a\n    {secret}\n  bad\n\t{secret}",
        f"!!python/object/apply:os.system ['{secret}']",
        f"{secret}: {{{{ {secret} }}",
    ]


def said(daemon: Daemon, event: str, key: str = "token") -> set[str]:
    """What stands under a key in the lines of an event, in JSON or for the console."""
    field = re.compile(rf'\b{key}(?:": "|=)([^\s",]+)')
    lines = [line for line in daemon.text().splitlines() if event in line]
    return {found[1] for line in lines if (found := field.search(line))}


def printed(*arguments: str) -> str:
    """Everything that a command prints; it must not fall."""
    command = [sys.executable, "-m", "secret_refresher", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    shown = done.stdout + done.stderr
    assert done.returncode in {0, 1}, shown
    assert "Traceback" not in shown
    return shown


def commands(port: int, configurations: Path, output: str) -> dict[str, str]:
    """What the commands say of a daemon in trouble, and of its configuration."""
    url, config = f"http://127.0.0.1:{port}", ("--config", str(configurations))
    account = ("--service-account", "refresher", "--namespace", "default")
    return {
        "status": printed("status", "--url", url, "--output", output),
        "doctor": printed("doctor", "--fetch", "--output", output, *config),
        "check": printed("check", *config),
        "rbac": printed("rbac", *account, *config),
    }


def process(pid: int) -> dict[str, str]:
    """What the kernel tells of a process; environment and maps are closed to all but root."""
    names = ["cmdline", "comm", "status", *(["environ", "maps"] if os.geteuid() == 0 else [])]
    return {f"/proc/PID/{name}": Path(f"/proc/{pid}/{name}").read_text() for name in names}


def crashed(daemon: Daemon, file: Path) -> int:
    """How it ends by a crash right after a token was written, so that no write is cut."""
    before = file.read_text()
    until(lambda: file.read_text() != before, "a token", 60)
    daemon.send(signal.SIGABRT)
    return daemon.ended()


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_failure_shows_a_secret(
    form: str, server: AuthorizationServer, other: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Not in log, pages, commands, /proc or temporary files; not whole nor eight characters of it.

    Every failure of fetching, reading credentials, publishing and telling consumers, then
    configurations with secrets in wrong places, and a crash with Python's own dump of all threads
    at the end. For the console all objects and exceptions of ours are looked at besides.
    """
    secret, wrong, canary, written = (random_secret() for _ in range(4))
    temporary, held, configurations = (tmp_path / name for name in ("temporary", "held", "configs"))
    for folder in (temporary, held, configurations):
        folder.mkdir()
    untouched = temporary.stat().st_mtime_ns
    server.client_secret = other.client_secret = secret
    failing = asked_wrong(server, other, held, secret, canary) + held_wrong(server, held, wrong)
    failing += keyed_wrong(held, server.token_url, wrong) + discovered_wrong(server, held, canary)
    unwritable, told = put_wrong(server, held), untold(server, held, canary, written)
    short = entry(server.token_url, held, "short", refresh={"minLead": "1s"})
    server.lifetime = 4
    credentials(held, secret)
    log = {"level": "debug", "format": form}
    text = json.dumps(settings(*failing, *unwritable, told, short, log=log))
    (configurations / "a.yaml").write_text(text)
    sights = tmp_path / "sights"
    watched = form == "console"
    daemon = start(
        {},
        config=configurations,
        environment={"TMPDIR": str(temporary), "PYTHONFAULTHANDLER": "1", "PYTHONDEVMODE": "1"},
        python=program(sights, tmp_path / "python") if watched else sys.executable,
    )
    names = {one["name"] for one in failing}
    until(lambda: names <= said(daemon, "fetch failed"), "failures", 60)
    names = {one["name"] for one in unwritable}
    until(
        lambda: names <= said(daemon, "sink publish failed") | said(daemon, "sink inspect failed")
    )
    until(lambda: len(said(daemon, "consumer ", "target")) == len(told["notify"]), "consumers", 60)
    until(lambda: len(server.tokens) > len(unwritable) + 6, "refreshes", 60)
    port = int(said(daemon, "listening", "address").pop().rpartition(":")[2])
    places = {page: get(port, page)[2] for page in PAGES}
    assert all(one["name"] in places["/status.json?per=1000"] for one in [*failing, told])
    places |= commands(port, configurations, "text" if watched else "json")
    for number, text in enumerate(wrong_configurations(canary, server.token_url)):
        (configurations / f"wrong-{number}.yaml").write_text(text)
    until(lambda: "configuration refused, the old one stays" in daemon.text(), "the refusal")
    places |= process(daemon.pid)
    for meta in held.glob(".*.meta.json"):
        places[meta.name] = meta.read_text()
    # Python's dump reads threads that begin and end meanwhile, and falls itself now and then.
    assert crashed(daemon, held / "short") in {-signal.SIGABRT, -signal.SIGSEGV}
    places["log"] = daemon.text()
    assert "Fatal Python error: Aborted" in places["log"]
    assert "a defect of ours" not in places["log"]
    assert not said(daemon, "defect", "where")
    tokens = list(map(random_part, server.tokens + other.tokens))
    assert Hunt(secret, wrong, canary, written, *tokens).found(**places) == []
    if watched:
        seen = sights.read_text()
        kinds = {line.partition(" ")[0] for line in seen.splitlines()}
        assert kinds >= {"Secret", "Token", "Grant", "Client", "TokenConfig", "Trouble", "Fault"}
        assert Hunt(secret, wrong, canary, *tokens).found(sights=seen) == []
    # Files came and went in their own folder only, and what is left there are tokens.
    assert temporary.stat().st_mtime_ns == untouched
    hunt = Hunt(*map(random_part, server.tokens))
    assert hunt.found(token=(held / "short").read_text()) == ["token: plain"]
    assert not [left for left in held.iterdir() if left.suffix == ".tmp"]


def test_no_command_shows_a_secret(tmp_path: Path) -> None:
    """Nor does a command whose arguments or configuration are refused."""
    secret = random_secret()
    commands: list[list[str]] = [
        ["run", "--client-secret", secret],
        ["run", f"--client-secret={secret}"],
        [secret],
        ["demo", "--seconds", secret],
    ]
    for number, text in enumerate(wrong_configurations(secret, "https://example.com/t")):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        commands.append(["check" if number % 2 else "run", "--config", str(file)])
    shown = ""
    for arguments in commands:
        command = [sys.executable, "-m", "secret_refresher", *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 2, ended
        shown += ended.stdout + ended.stderr
    assert Hunt(secret).found(shown=shown) == []
    assert "Traceback" not in shown


def test_a_proxys_password_is_not_shown(start: Start, tmp_path: Path) -> None:
    """The environment may hold one: it is told which proxy refuses, never what was sent to it."""
    secret = random_secret()
    token = entry("https://example.invalid/t", tmp_path)
    plain = entry("http://example.invalid/t", tmp_path, "plain", allowInsecure=True)
    proxy = f"http://me:{quote(secret, safe='')}@127.0.0.1:1"
    daemon = start(settings(token, plain), environment={"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy})
    daemon.wait("fetch failed", 2)
    assert Hunt(secret).found(log=daemon.text(), metrics=daemon.get("/metrics")[1]) == []


@pytest.mark.parametrize("skipped", range(4))
def test_the_hunt_finds_what_it_is_for(skipped: int) -> None:
    """Eight characters of a secret are found in every form; other secrets are not."""
    secret = random_secret()
    hunt, part = Hunt(secret), secret[20:28]
    before = "x" * skipped
    forms = {
        "plain": f"{before}{part}",
        "json": json.dumps({"a": [before, part]}),
        "url": f"{before}{quote(secret[10:30], safe='')}",
        "base64": base64.b64encode((before + secret[10:30]).encode()).decode(),
        "urlsafe": base64.urlsafe_b64encode((before + secret[10:30]).encode()).decode(),
        "hex": f"{before}{part.encode().hex()}",
    }
    assert {told.partition(":")[0] for told in hunt.found(**forms)} == set(forms)
    assert hunt.found(other=random_secret() * 50, short=secret[:7]) == []
