"""Tokens that fail, each in its own way, where a secret or a token could show.

What is wrong with each stands in the name of the function; a secret that a function is given is put
wherever that leaves room for one.
"""

from __future__ import annotations

import gzip
import json
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from support.authorization_answers import CUT, HANG, Answer, answer, redirect, refusal
from support.authorization_server import AuthorizationServer
from support.daemon import Settings, entry

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
        "other": {"issuer": f"https://{secret} /", "token_endpoint": f"https://{secret}/"},
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


def untold(server: AuthorizationServer, folder: Path, secret: str, written: str) -> Settings:
    """A token that is published, and of which no consumer can be told.

    `written` stands in the configuration itself, where a careless author may put a secret.
    """
    answers = {
        "refusing": Answer(401, {"WWW-Authenticate": secret, "Server": secret}, secret.encode()),
        "busy": Answer(503, {"Retry-After": secret}, secret.encode()),
        "leading-on": redirect(f"http://elsewhere.example/{quote(secret)}"),
        "no-http": Answer(200, {"Content-Length": secret, "": secret}, secret.encode()),
    }
    hint, headers = f"hint={quote(written, safe='')}", {"X-Hint": written}
    server.at |= {f"/tell/{name}": scripted for name, scripted in answers.items()}
    urls = [f"{server.origin}/tell/{name}?{hint}" for name in answers]
    urls += [f"http://127.0.0.1:1/?{hint}", f"http://name.invalid/?{hint}"]
    told: list[Settings] = [{"http": {"url": url, "headers": headers}} for url in urls]
    secure = f"https://127.0.0.1:{server.port}"
    (folder / "authority").write_text(f"-----BEGIN CERTIFICATE-----\n{secret}\n")
    authority = {"caFile": str(folder / "authority")}
    told += [{"http": {"url": f"{secure}/?{hint}"}}]
    told += [{"http": {"url": f"{secure}/with-authority?{hint}", **authority}}]
    (folder / "pid").write_text(secret)
    told += [{"signal": {"process": "none-such", "pidFile": str(folder / "pid")}}]
    request = {"parameters": {"hint": written}, "headers": headers}
    url = f"{server.token_url}?{hint}"
    return entry(url, folder, "untold", notify=told, request=request)
