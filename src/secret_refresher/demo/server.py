"""The demo's authorization server: tokens of a few seconds, asked for in the JSON dialect."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, final

from secret_refresher.ports import Clock
from secret_refresher.tokens.secret import Secret

PATH = "/oauth/token"
MOST_BODY = 64 * 1024
"""Bytes of a request body."""
_CLUE = 8
"""Characters at one end of a text that tell it for a piece of a token, not somebody's own."""


class Verdict(StrEnum):
    """What a consumer holds in its hands."""

    LIVE = "live"
    MISSING = "missing"
    EMPTY = "empty"
    TORN = "torn"
    """A piece of a token of ours."""
    EXPIRED = "expired"
    FOREIGN = "foreign"
    """No token of ours at all: somebody else wrote it."""


@final
@dataclass(frozen=True, slots=True)
class Client:
    """The one client that the server knows."""

    id: str
    secret: Secret[str]

    @classmethod
    def fresh(cls) -> Client:
        """A client with a secret that nobody has seen."""
        return cls("demo-client", Secret(secrets.token_urlsafe(24)))


@final
class Refused(Exception):  # noqa: N818 - an answer, not a mistake of ours
    """An answer that grants nothing (RFC 6749 section 5.2); `code` is its `error`."""

    def __init__(self, status: HTTPStatus, code: str, description: str, **headers: str) -> None:
        super().__init__(description)
        self.status = status
        self.code = code
        self.description = description
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@final
class AuthorizationServer:
    """Listens on a free loopback port between `with` and its end; `url` is the token endpoint.

    Tokens are opaque and live `lifetime` seconds of the given clock. Every token is remembered,
    dead ones too, so that a dead one can be told from one that never was.
    """

    def __init__(self, client: Client, clock: Clock, lifetime: float) -> None:
        self._client = client
        self._clock = clock
        self._lifetime = lifetime
        self._expiries: dict[str, float] = {}
        self._listener: _Listener | None = None
        self.url = ""

    def __enter__(self) -> AuthorizationServer:
        listener = _Listener(self)
        self._listener = listener
        self.url = f"http://127.0.0.1:{listener.server_address[1]}{PATH}"
        threading.Thread(
            target=listener.serve_forever, args=(0.1,), name="authorization server", daemon=True
        ).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()

    @property
    def granted(self) -> int:
        """How many tokens were handed out."""
        return len(self._expiries)

    def remaining(self, text: str) -> float:
        """Seconds of life that a token has left; negative once it is dead, 0 if it never was."""
        expires = self._expiries.get(text)
        return 0.0 if expires is None else expires - self._clock.now()

    def verdict(self, text: str, now: float) -> Verdict:
        """What a text is that was read after the instant `now`."""
        if not text:
            return Verdict.EMPTY
        expires = self._expiries.get(text)
        if expires is not None:
            return Verdict.LIVE if now < expires else Verdict.EXPIRED
        known = list(self._expiries)
        if any(token in text for token in known):
            return Verdict.FOREIGN  # all of it and more: somebody added to the file
        if any(_piece(text, token) for token in known):
            return Verdict.TORN
        return Verdict.FOREIGN

    def answer(self, path: str, content_type: str, body: bytes) -> dict[str, Any]:
        """A fresh token for a right request; raises `Refused` for any other."""
        if path != PATH:
            raise Refused(HTTPStatus.NOT_FOUND, "invalid_request", f"the token endpoint is {PATH}")
        if content_type.partition(";")[0].strip().lower() != "application/json":
            raise _bad("the body must be application/json")
        asked = _object(body)
        given = [asked.get(key) for key in ("client_id", "client_secret")]
        known = [self._client.id, self._client.secret.reveal()]
        if not all(map(_same, given, known)):
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "invalid_client",
                "no client has this id and secret",
                # RFC 9110 section 11.6.1 wants a challenge on every 401.
                WWW_Authenticate='Basic realm="demo"',
            )
        if asked.get("grant_type") != "client_credentials":
            code = "unsupported_grant_type" if "grant_type" in asked else "invalid_request"
            raise Refused(HTTPStatus.BAD_REQUEST, code, "grant_type must be client_credentials")
        token = secrets.token_urlsafe(32)
        self._expiries[token] = self._clock.now() + self._lifetime
        return {"access_token": token, "token_type": "Bearer", "expires_in": int(self._lifetime)}


def _piece(text: str, token: str) -> bool:
    """Whether a text, shorter than the token or mixed of two, begins or ends like it."""
    if len(text) < _CLUE:
        return token.startswith(text)
    return text[:_CLUE] == token[:_CLUE] or text[-_CLUE:] == token[-_CLUE:]


def _same(given: object, known: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), known.encode()
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise _bad("the body is not JSON") from None
    if not isinstance(asked, dict):
        raise _bad("the body is not a JSON object")
    return asked


def _bad(description: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, "invalid_request", description)


@final
class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, server: AuthorizationServer) -> None:
        self.answers = server
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


@final
class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    timeout = 5
    server_version = "secret-refresher-demo"
    sys_version = ""

    def do_POST(self) -> None:
        try:
            length = self.headers.get("Content-Length", "")
            if not length.isascii() or not length.isdigit():
                raise Refused(  # noqa: TRY301 - one way out for every refusal
                    HTTPStatus.LENGTH_REQUIRED, "invalid_request", "Content-Length is missing"
                )
            if int(length) > MOST_BODY:
                raise Refused(  # noqa: TRY301
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "invalid_request", "the body is too large"
                )
            body = self.rfile.read(int(length))
            content_type = self.headers.get("Content-Type", "")
            answer = self.server.answers.answer(self.path, content_type, body)
        except Refused as refused:
            told = {"error": refused.code, "error_description": refused.description}
            self._send(refused.status, told, refused.headers)
        else:
            self._send(HTTPStatus.OK, answer, {})

    def do_GET(self) -> None:
        told = {"error": "invalid_request", "error_description": "ask with POST"}
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, told, {"Allow": "POST"})

    def _send(self, status: HTTPStatus, told: dict[str, Any], headers: Mapping[str, str]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        # RFC 6749 section 5.1: nobody on the way may keep a token.
        self.send_header("Cache-Control", "no-store")
        self.send_header("Pragma", "no-cache")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        """The daemon's log tells of every request."""
