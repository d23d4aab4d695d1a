"""Every failure at once, at level debug; then everything that was shown is searched."""

from __future__ import annotations

import base64
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from support.authorization_answers import CUT, HANG, Answer, answer, redirect, refusal
from support.authorization_server import AuthorizationServer
from support.daemon import Settings, Start, credentials, entry, settings, until
from support.leaks import Hunt, random_part, random_secret

PAGES = (
    "/metrics",
    "/livez",
    "/readyz",
    "/startupz",
    "/freshz",
    "/",
    "/status.json",
    "/nothing",
)
WAYS: dict[str, Settings] = {
    "basic": {},
    "json": {"request": {"format": "json", "timeout": "1s"}},
    "query": {"request": {"method": "GET", "timeout": "1s"}},
}


def hostile(secret: str, token: str) -> dict[str, Answer]:
    """Answers that show the secret or a token in every place that an answer has."""
    both = f"{secret} {token}"
    told = {"error_description": f"{both}\x1b[2J\r\n{both}", "error_uri": f"http://{quote(both)}/"}
    granted = {"access_token": token, "expires_in": 3600}
    codes = ("invalid_client", "invalid_scope", "invalid_request", "server_error", "unheard_of")
    refusals = {
        code: answer({"error": code, **told}, 400, WWW_Authenticate=f'Basic realm="{secret}"')
        for code in codes
    }
    return {
        **refusals,
        "code": answer({"error": both, **told}, 400),
        "no-code": answer({"error": {both: both}, **told}),
        "unauthorized": answer(both, 401, WWW_Authenticate=both),
        "forbidden": Answer(403, {"Server": both}, both.encode()),
        "proxy": Answer(407, {"Proxy-Authenticate": both}, both.encode()),
        "teapot": Answer(418, {"Content-Type": both}, both.encode()),
        "throttled": answer(told, 429, Retry_After=both),
        "gateway": Answer(502, {"Via": both, "Content-Type": "text/html"}, both.encode()),
        "html": Answer(200, {"Content-Type": "text/html"}, f"<p>{both}</p>".encode()),
        "half": Answer(200, {}, json.dumps(granted)[:-4].encode()),
        "bytes": Answer(200, {}, b"\xff\xfe" + both.encode("utf-16-le")),
        "pieces": Answer(200, {"Content-Encoding": "gzip"}, gzip.compress(both.encode())[:-9]),
        "coding": Answer(200, {"Content-Encoding": secret}, both.encode()),
        "date": answer({"error": both}, 400, Date=both),
        "line": answer({**granted, "access_token": f"{token}\n{secret}"}),
        "list": answer({**granted, "access_token": [token, secret]}),
        "life": answer({**granted, "expires_in": both}),
        "no-life": answer({"access_token": token}),
        "length": Answer(200, {"Content-Length": str(1 << 40)}, json.dumps(granted).encode()),
        "elsewhere": redirect(f"http://elsewhere.example/{quote(both)}?client_secret={secret}"),
        "user": redirect(f"http://{quote(both)}@elsewhere.example/"),
        "no-url": redirect(f"http://[{both}"),
        "reading": redirect(f"/?client_secret={quote(secret)}", 303),
        "around": redirect(f"/around?client_secret={quote(secret)}"),
    }


def no_http(secret: str) -> dict[str, Answer]:
    """What ends before it is an answer, or never was one."""
    return {
        "cut": CUT,
        "hang": HANG,
        "headers": Answer(200, {f"X-{n}": secret for n in range(200)}, secret.encode()),
        "chunks": Answer(
            200, {"Transfer-Encoding": "chunked", "Content-Length": None}, secret.encode()
        ),
        "broken-off": Answer(200, {"Content-Length": "9000"}, secret.encode(), cut=300),
        "late": replace(refusal(secret), drip=0.05),
    }


@pytest.fixture
def other() -> Iterator[AuthorizationServer]:
    """A second server, of another origin."""
    with AuthorizationServer() as running:
        yield running


def asked_wrong(
    server: AuthorizationServer, other: AuthorizationServer, folder: Path, secret: str, token: str
) -> list[Settings]:
    """Tokens whose fetches fail, each in its own way."""
    made = []
    for name, scripted in hostile(secret, token).items():
        server.at[f"/{name}"] = scripted
        for way, keys in WAYS.items():
            one = entry(
                f"{server.origin}/{name}", folder, f"{name.replace('_', '-')}-{way}", **keys
            )
            if way == "query":
                one["auth"]["method"] = "client_secret_post"
            made.append(one)
    for name, scripted in no_http(secret).items():
        other.at[f"/{name}"] = scripted
        made.append(entry(f"{other.origin}/{name}", folder, name, request={"timeout": "500ms"}))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    (folder / "authorities").write_text(f"-----BEGIN CERTIFICATE-----\n{secret}\n")
    urls = {
        "refused": f"http://127.0.0.1:{port}/",
        "nowhere": "https://name.invalid/oauth/token",
        "no-tls": f"https://127.0.0.1:{server.port}/",
        "no-authority": f"https://127.0.0.1:{server.port}/other",
    }
    made += [entry(url, folder, name) for name, url in urls.items()]
    made[-1]["tls"] = {"caFile": str(folder / "authorities")}
    return made


def held_wrong(server: AuthorizationServer, folder: Path, secret: str) -> list[Settings]:
    """Tokens whose credential files are no credentials."""
    spoilt = {
        "lines": f"{secret}\n{secret}\n".encode(),
        "control": f"{secret}\x1b[31m".encode(),
        "utf-16": secret.encode("utf-16"),
        "latin": secret.encode() + b"\xe4",
        "large": secret.encode() * 4000,
        "empty": b"\n",
    }
    made = []
    for name, content in spoilt.items():
        one = entry(server.token_url, folder, name)
        (folder / f"{name}.secret").write_bytes(content)
        one["auth"]["clientSecretFile"] = str(folder / f"{name}.secret")
        made.append(one)
    return made


def keyed_wrong(folder: Path, url: str, secret: str) -> list[Settings]:
    """Tokens whose keys, assertions and certificates are none."""
    pem = f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n"
    keys = {
        "pem": pem,
        "jwk": json.dumps({"kty": "oct", "k": secret, "d": secret, "kid": f"{secret}\n"}),
        "half": pem[:60],
    }
    made = []
    for name, content in keys.items():
        (folder / f"{name}.key").write_text(content)
        auth = {"method": "private_key_jwt", "privateKeyFile": str(folder / f"{name}.key")}
        made.append({**entry(url, folder, f"key-{name}"), "auth": {"clientId": "me", **auth}})
    (folder / "given").write_text(f"{secret}\x1b\n{secret}")
    given = {"method": "client_assertion", "assertionFile": str(folder / "given")}
    made.append({**entry(url, folder, "assertion"), "auth": given})
    (folder / "pair").write_text(f"-----BEGIN CERTIFICATE-----\n{secret}\n{pem}")
    pair = {"certFile": str(folder / "pair"), "keyFile": str(folder / "pair")}
    secure = url.replace("http:", "https:")
    made.append({**entry(secure, folder, "certificate"), "tls": pair})
    return made


def discovered_wrong(server: AuthorizationServer, folder: Path, secret: str) -> list[Settings]:
    """Tokens whose server says something odd of itself."""
    answers = {
        "other": {"issuer": f"https://{secret}/", "token_endpoint": f"https://{secret}/"},
        "endpoint": {"token_endpoint": f"http://{secret}@127.0.0.1/?client_secret={secret}"},
        "nothing": {secret: secret},
    }
    made = []
    for name, told in answers.items():
        issuer = f"{server.origin}/{name}"
        server.at[f"/.well-known/oauth-authorization-server/{name}"] = answer(
            {"issuer": issuer, **told}
        )
        one = {**entry("", folder, f"discovery-{name}"), "issuer": issuer}
        made.append({key: value for key, value in one.items() if key != "tokenUrl"})
    return made


def put_wrong(server: AuthorizationServer, folder: Path) -> list[Settings]:
    """Tokens that are fetched, and then cannot be written."""
    templates = {
        "sum": "{{ accessToken + 1 }}",
        "number": "{{ accessToken | int('x') / accessToken }}",
        "key": "{{ {}[accessToken] }}",
        "format": "{{ '%d' % accessToken }}",
        "item": "{{ [accessToken][accessToken] }}",
        "blank": "{{ accessToken[:0] }}",
    }
    made = [entry(server.token_url, folder, f"template-{name}") for name in templates]
    for one, text in zip(made, templates.values(), strict=True):
        one["sinks"][0]["file"]["render"] = {"template": text}
    (folder / "is-a-folder").mkdir()
    paths = {"no-folder": folder / "missing" / "t", "folder": folder / "is-a-folder"}
    for name, path in paths.items():
        made.append(
            {**entry(server.token_url, folder, name), "sinks": [{"file": {"path": str(path)}}]}
        )
    return made


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


def test_no_failure_shows_a_secret(
    server: AuthorizationServer, other: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Not in log, pages, /proc or temporary files; not whole nor eight characters of it.

    Every failure of fetching, reading credentials and publishing, then configurations with
    secrets in wrong places, and a crash with Python's own dump of all threads at the end.
    """
    secret, wrong, canary = random_secret(), random_secret(), random_secret()
    temporary, held, configurations = (tmp_path / name for name in ("temporary", "held", "configs"))
    for folder in (temporary, held, configurations):
        folder.mkdir()
    untouched = temporary.stat().st_mtime_ns
    server.client_secret = other.client_secret = secret
    failing = asked_wrong(server, other, held, secret, canary) + held_wrong(server, held, wrong)
    failing += keyed_wrong(held, server.token_url, wrong) + discovered_wrong(server, held, canary)
    unwritable = put_wrong(server, held)
    short = entry(server.token_url, held, "short", refresh={"minLead": "1s"})
    server.lifetime = 4
    credentials(held, secret)
    (configurations / "a.yaml").write_text(json.dumps(settings(*failing, *unwritable, short)))
    daemon = start(
        {},
        config=configurations,
        environment={"TMPDIR": str(temporary), "PYTHONFAULTHANDLER": "1", "PYTHONDEVMODE": "1"},
    )
    missing = {one["name"] for one in failing}
    until(
        lambda: missing <= {line["token"] for line in daemon.logs("fetch failed")}, "failures", 60
    )
    missing = {one["name"] for one in unwritable}
    told = ("sink publish failed", "sink inspect failed")
    until(lambda: missing <= {line["token"] for what in told for line in daemon.logs(what)})
    until(lambda: len(daemon.logs("token fetched", token="short")) > 2, "refreshes")
    places = {page: daemon.get(page + "?" + "q=1")[1] for page in PAGES}
    for number, text in enumerate(wrong_configurations(canary, server.token_url)):
        (configurations / f"wrong-{number}.yaml").write_text(text)
    refused = daemon.wait("configuration refused, the old one stays")
    assert len(refused["problems"]) > 15
    process = Path(f"/proc/{daemon.pid}")
    names = ["cmdline", "comm", "status"]
    names += ["environ", "maps"] if os.geteuid() == 0 else []  # closed to all others
    places |= {f"/proc/PID/{name}": (process / name).read_bytes().decode() for name in names}
    for meta in held.glob(".*.meta.json"):
        places[meta.name] = meta.read_text()
    daemon.send(signal.SIGABRT)
    assert daemon.ended() == -signal.SIGABRT
    places["log"] = daemon.text()
    assert "Fatal Python error: Aborted" in places["log"]
    assert not daemon.logs("defect")
    assert "a defect of ours" not in places["log"]
    hunt = Hunt(secret, wrong, canary, *map(random_part, server.tokens + other.tokens))
    assert hunt.found(**places) == []
    # Files came and went in their own folder only, and what is left there are tokens.
    assert temporary.stat().st_mtime_ns == untouched
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
