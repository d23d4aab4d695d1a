"""What a token server and an API server that mean harm can do: waste an attempt, no more."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.daemon import Daemon
from secret_refresher.adapters.kubernetes.access import Access
from secret_refresher.adapters.kubernetes.api import Answer, Api, Stream
from secret_refresher.adapters.kubernetes.reflector import Listed, Reflector
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.cli.status import of_daemon
from secret_refresher.errors import Fault, Reason, Trouble
from secret_refresher.status.document import Document
from secret_refresher.status.form import dump
from support.endless import Endless, Says, forget_peak, peak, resident
from support.endpoint_tokens import TokenMaker

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BLOCK = b"x" * 65536
MIB = 1 << 20


def forever(before: bytes, piece: bytes) -> Says:
    """`before`, then `piece` again and again."""
    return lambda: itertools.chain([before], itertools.repeat(piece))


def once(*pieces: bytes) -> Says:
    """An answer that ends."""
    return lambda: pieces


DEEP = b"[" * 500_000
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOUNDLESS: dict[str, Says] = {
    "status line": forever(b"HTTP/1.1 200 ", BLOCK),
    "header line": forever(OK + b"X: ", BLOCK),
    "headers": forever(OK, b"X: y\r\n" * 1000),
    "long headers": forever(OK, b"X: " + b"y" * 60_000 + b"\r\n"),
    "continues": forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
    "early hints": forever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 500),
    "body": forever(OK + b"\r\n", BLOCK),
    "chunks": forever(CHUNKED, b"10000\r\n" + BLOCK + b"\r\n"),
    "small chunks": forever(CHUNKED, b"1\r\nx\r\n" * 5000),
    "chunk size": forever(CHUNKED, b"0" * 65536),
    "chunk extension": forever(CHUNKED + b"1;", BLOCK),
    "trailers": forever(CHUNKED + b"0\r\n", b"X: y\r\n" * 1000),
    "trailer line": forever(CHUNKED + b"0\r\nX: ", BLOCK),
    "promised": once(OK + b"Content-Length: 99999999999999999999999\r\n\r\n{}"),
    "negative": once(OK + b"Content-Length: -1\r\n\r\n{}"),
    "deep": once(OK + b"\r\n", DEEP),
    "deep in an object": once(OK + b"\r\n", b'{"access_token":' + DEEP),
    "many members": once(OK + b"\r\n", b"{" + b'"a":1,' * 150_000 + b'"b":1}'),
    "long number": once(OK + b"\r\n", b'{"expires_in":' + b"9" * 900_000 + b"}"),
    "tiny number": once(OK + b"\r\n", b'{"access_token":"a","expires_in":1e-999999999}'),
    "odd bytes": once(OK + b"\r\n", bytes(range(256)) * 100),
    "no HTTP": forever(b"", os.urandom(65536)),
    "nothing": once(b""),
}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback needs no proxy."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def fetch(url: str, folder: Path, seconds: float = 1.0) -> Fault:
    """The fault of one attempt."""
    endpoint = TokenEndpoint(SystemClock(), MountReader(), "secret-refresher/test")
    outcome = endpoint.fetch(TokenMaker(url, folder)(), seconds)
    assert isinstance(outcome.result, Fault)
    return outcome.result


def bounded(act: Callable[[], object], most: int, seconds: float) -> None:
    """Does it within so much memory and, with room for a slow machine, time; threads end."""
    before, begun, threads = resident(), time.monotonic(), threading.active_count()
    forget_peak()
    act()
    assert time.monotonic() - begun < seconds + 10
    assert peak() - before < most
    assert threading.active_count() <= threads + 2


@pytest.mark.parametrize("kind", BOUNDLESS)
def test_a_token_server_without_bounds(kind: str, tmp_path: Path) -> None:
    """Whatever never ends, ends at the deadline or at 1 MiB, and is a failed attempt."""
    faults: list[Fault] = []
    with Endless(BOUNDLESS[kind]) as server:
        fetch("http://127.0.0.1:1/", tmp_path)  # what has to be imported is
        bounded(lambda: faults.append(fetch(server.origin, tmp_path)), 48 * MIB, 1)
        assert server.connections == 1
    (fault,) = faults
    expected = {Reason.BAD_ANSWER, Reason.TIMEOUT, Reason.NETWORK, Reason.NO_LIFETIME}
    # http.client knows of 100 as the one answer that comes before another.
    early = kind == "early hints" and fault.reason is Reason.HTTP_STATUS
    assert early or fault.reason in expected, fault
    assert "x" * 20 not in str(fault)


def test_ten_thousand_redirects(tmp_path: Path) -> None:
    """After ten it is enough."""
    numbers = itertools.count()

    def further() -> Iterable[bytes]:
        target = f"/{next(numbers)}".encode()
        yield b"HTTP/1.1 307 On\r\nContent-Length: 0\r\nConnection: close\r\nLocation: " + target
        yield b"\r\n\r\n"

    with Endless(further) as server:
        fault = fetch(server.origin, tmp_path, 20)
        assert server.connections == 11
    assert fault.reason is Reason.REDIRECT


@pytest.mark.parametrize("noise", ["\x1b[2J\x1b[31m", "\r\n", "\x00", "\u202e", '"}\n{"level":"x'])
@pytest.mark.parametrize("member", ["error", "error_description", "token_type", "scope"])
def test_texts_of_an_answer_are_not_repeated(noise: str, member: str, tmp_path: Path) -> None:
    """Control characters, line ends and forged lines do not reach whoever reads the fault."""
    text = f"forged{noise}forged"
    body = json.dumps({"error": "x", member: text}).encode()
    head = f"HTTP/1.1 400 {text!r}\r\nX-Error: {text!r}\r\nContent-Length: {len(body)}\r\n\r\n"
    with Endless(once(head.encode(), body)) as server:
        fault = fetch(server.origin, tmp_path)
    assert fault.status == 400
    assert "forged" not in str(fault)


@pytest.mark.parametrize(
    "place",
    [
        "http://evil\x1b[31m.example/",
        "http://evil\u202e.example/",
        "http://[::1%25\x1b]/",
        "http://" + "a" * 7000 + ".example/",
        "http://evil.example\r\nX: y/",
        "javascript:alert(1)",
        "//evil.example:99999/",
        "http://evil.example:x/",
        "\\\\evil\\share",
        "http://xn--\u00e9/",
    ],
)
def test_a_redirect_cannot_forge_a_line(place: str, tmp_path: Path) -> None:
    """The one thing of a redirect that is told is a host name; what is none is not told."""
    head = f"HTTP/1.1 302 On\r\nContent-Length: 0\r\nLocation: {place}\r\n\r\n"
    with Endless(once(head.encode())) as server:
        fault = fetch(server.origin, tmp_path)
    assert fault.reason in {Reason.REDIRECT, Reason.BAD_ANSWER, Reason.NETWORK}
    assert str(fault).isascii()
    assert str(fault).isprintable()
    assert len(str(fault)) < 500


def test_a_daemon_that_is_none() -> None:
    """Whatever a status command is told of when to come again, it has a sentence for it."""
    head = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: " + b"9" * 5000 + b"\r\n\r\n"
    with Endless(once(head)) as server:
        daemon = Daemon(server.origin)
        daemon.stop()
        with pytest.raises(Trouble, match="answers with HTTP 503"):
            daemon.get("/status.json")


ENDLESS_PAGES = {
    "more": (replace(Document(now=1.7e9), pages=10**9), "it has more than 100 pages"),
    "long": (
        replace(Document(now=1.7e9), pages=100, counts={"x" * 9 * MIB: 1}),
        "it is too long",
    ),
}


@pytest.mark.parametrize("kind", ENDLESS_PAGES)
def test_a_daemon_whose_pages_have_no_end(kind: str) -> None:
    """A status of too many pages, or too long in all, is given up with a sentence that says so."""
    shown, told = ENDLESS_PAGES[kind]
    with Endless(once(OK + b"\r\n", dump(shown))) as server:
        faults: list[Fault] = []

        def look() -> None:
            with pytest.raises(Trouble) as trouble:
                of_daemon(server.origin)()
            faults.append(trouble.value.fault)

        bounded(look, 100 * MIB, 10)
        assert server.connections == (1 if kind == "more" else 8)
        assert server.sent < 80 * MIB
    (fault,) = faults
    assert (fault.reason, told in fault.summary) == (Reason.BAD_ANSWER, True)


# --- the API server ----------------------------------------------------------------------------


def api(origin: str, folder: Path) -> Api:
    """A client of an API server there."""
    named = folder / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": origin}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    user = {"name": "u", "user": {"token": "sesame"}}
    config = {"current-context": "x", "contexts": [context], "clusters": [cluster], "users": [user]}
    named.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **config}))
    return Api(Access({"KUBECONFIG": str(named)}), SystemClock())


LONG = {"status line", "header line", "headers", "long headers", "chunk size", "chunk extension"}
"""What ends by itself, for it is longer than HTTP lets it be."""


@pytest.mark.parametrize(
    "kind", [*sorted(LONG), "body", "chunks", "deep", "many members", "nothing"]
)
def test_an_api_server_without_bounds(kind: str, tmp_path: Path) -> None:
    """No answer is larger than 16 MiB, and none that is no object says anything."""
    with Endless(BOUNDLESS[kind]) as server:
        client = api(server.origin, tmp_path)
        client.namespace()  # what has to be imported is
        told: list[Answer | Fault] = []

        def ask() -> None:
            try:
                told.append(client.request("GET", "/api/v1/namespaces/a/secrets/b"))
            except Trouble as trouble:
                told.append(trouble.fault)

        bounded(ask, 100 * MIB, 10)
    (answer,) = told
    if isinstance(answer, Answer):
        assert answer.content.get("kind") is None
    else:
        assert answer.reason in {Reason.TIMEOUT, Reason.NETWORK, Reason.KUBERNETES}


def test_pages_of_a_list_that_are_too_long(tmp_path: Path) -> None:
    """Each of them is an answer like any other; together they are held to 64 MiB."""
    page = {
        "kind": "PartialObjectMetadataList",
        "metadata": {"continue": "for ever"},
        "items": [{"metadata": {"name": "a", "annotations": {"b": "x" * 9 * MIB}}}],
    }
    listed = Listed()
    with Endless(once(OK + b"\r\n", json.dumps(page).encode())) as server:
        client = api(server.origin, tmp_path)
        client.namespace()
        reflector = Reflector(client, SystemClock(), "/api/v1/secrets", (), listed)

        def look() -> None:
            with pytest.raises(Trouble, match="the list /api/v1/secrets is longer than 64 MiB"):
                reflector.list_now()

        bounded(look, 160 * MIB, 10)
        assert server.connections == 8
    assert listed.metadata == []


def test_a_small_answer_that_unpacks_to_a_large_one(tmp_path: Path) -> None:
    """What is compressed counts by what it comes to."""
    packed = gzip.compress(b"x" * 160 * MIB, 1)
    head = OK + b"Content-Encoding: gzip\r\n\r\n"
    with Endless(once(head, packed)) as server:
        client = api(server.origin, tmp_path)
        client.namespace()

        def ask() -> None:
            with pytest.raises(Trouble, match="is longer than 16 MiB"):
                client.request("GET", "/api/v1/namespaces/a/secrets/b")

        bounded(ask, 100 * MIB, 10)


def test_a_watch_without_line_ends(tmp_path: Path) -> None:
    """One event cannot be longer than 16 MiB."""
    with Endless(forever(OK + b"\r\n", BLOCK)) as server:
        client = api(server.origin, tmp_path)
        client.namespace()

        def watch() -> None:
            with pytest.raises(Trouble):
                list(client.watch("/api/v1/secrets", (), 5, Stream()))

        bounded(watch, 120 * MIB, 10)
        assert server.sent < 40 * MIB


def test_an_api_server_cannot_send_us_elsewhere(tmp_path: Path) -> None:
    """A redirect is an answer as any other: neither credentials nor a Secret go to its target."""
    with Endless(once(OK + b"Content-Length: 2\r\n\r\n{}")) as elsewhere:
        head = f"HTTP/1.1 307 On\r\nContent-Length: 0\r\nLocation: {elsewhere.origin}/\r\n\r\n"
        with Endless(once(head.encode())) as server:
            answer = api(server.origin, tmp_path).request("PATCH", "/api/v1/x", body={"a": "b"})
        assert elsewhere.connections == 0
    assert answer.status == 307
    assert not answer.ok
