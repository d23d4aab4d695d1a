"""The routes of the page. Nothing that makes it is loaded before somebody looks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, final

from secret_refresher import __version__
from secret_refresher.config.model import Page
from secret_refresher.page.door import refusal
from secret_refresher.ports import Clock, View
from secret_refresher.server import PLAIN, Answer, Asked, Route
from secret_refresher.status.journal import Journal
from secret_refresher.status.pace import Pace

if TYPE_CHECKING:
    from secret_refresher.status.document import Document
    from secret_refresher.status.query import Query

Encode = Callable[["Document", "Query"], bytes]

ROWS = 100
"""Tokens on one page for people, unless they ask for another number."""
ENTRIES = 1000
"""Tokens in one document for machines."""
AT_ONCE = 4
"""Lookers-on that are answered at once: probes and metrics must find places left."""
KEPT = 4
"""Answers that are given again to who asks the same within `AGAIN` seconds."""
AGAIN = 1.0
HTML = "text/html; charset=utf-8"
JSON = "application/json"
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
        " img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)
_FILES = {
    "/page.css": "text/css; charset=utf-8",
    "/page.js": "text/javascript; charset=utf-8",
    "/icon.svg": "image/svg+xml",
}
_FOLDER = os.path.dirname(os.path.abspath(__file__))


def pages(view: View, clock: Clock, journal: Journal, access: Page) -> Mapping[str, Route]:
    """The routes `/`, `/status.json` and what the former is made with."""
    if access is Page.OFF:
        return {"/": _off, "/status.json": _off}
    desk = _Desk(view, clock, journal)
    routes: dict[str, Route] = {
        "/": partial(desk.answer, HTML, ROWS, _as_html),
        "/status.json": partial(desk.answer, JSON, ENTRIES, _as_json),
        **{path: partial(_file, path, kind) for path, kind in _FILES.items()},
    }
    return {path: partial(_guarded, access, route) for path, route in routes.items()}


def _guarded(access: Page, route: Route, asked: Asked) -> Answer:
    refused = refusal(asked, access)
    return route(asked) if refused is None else _told(HTTPStatus.FORBIDDEN, refused)


def _off(_asked: Asked) -> Answer:
    return _told(HTTPStatus.NOT_FOUND, "the status page is off; set server.page to have it")


def _told(status: HTTPStatus, sentence: str, **headers: str) -> Answer:
    return Answer(status, PLAIN, f"{sentence}\n".encode(), {**HEADERS, **headers})


def _file(path: str, kind: str, _asked: Asked) -> Answer:
    with open(os.path.join(_FOLDER, path[1:]), "rb") as file:
        return Answer(HTTPStatus.OK, kind, file.read(), HEADERS)


def _as_json(shown: Document, _query: Query) -> bytes:
    from secret_refresher.status.form import dump

    return dump(shown)


def _as_html(shown: Document, query: Query) -> bytes:
    from secret_refresher.page.html import html

    return html(shown, query).encode()


@final
class _Desk:
    """Answers lookers-on one after the other, with bounded work, away from the engine's thread."""

    def __init__(self, view: View, clock: Clock, journal: Journal) -> None:
        self._view = view
        self._clock = clock
        self._journal = journal
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._pace = Pace()
        self._kept: dict[tuple[str, Query], tuple[float, bytes]] = {}

    def answer(self, kind: str, per: int, encode: Encode, asked: Asked) -> Answer:
        """The tokens that are asked for; whoever asks too much is told when to come again."""
        from secret_refresher.status.query import BadQueryError, parse

        try:
            query = parse(asked.query, per)
        except BadQueryError as wrong:
            return _told(HTTPStatus.BAD_REQUEST, str(wrong))
        if not self._places.acquire(blocking=False):
            return _busy(1)
        try:
            with self._lock:
                return self._answer(kind, query, encode)
        finally:
            self._places.release()

    def _answer(self, kind: str, query: Query, encode: Encode) -> Answer:
        now = time.monotonic()
        self._kept = {key: kept for key, kept in self._kept.items() if now < kept[0] + AGAIN}
        at, body = self._kept.get((kind, query), (now, b""))
        if not body:
            wait = self._pace.wait(now)
            if wait > 0:
                return _busy(wait)
            began = time.thread_time()
            body = encode(self._document(query), query)
            self._pace.spend(time.thread_time() - began, now)
            if len(self._kept) < KEPT:
                self._kept[kind, query] = at, body
        return Answer(HTTPStatus.OK, kind, body, HEADERS)

    def _document(self, query: Query) -> Document:
        from secret_refresher.status.lines import about_daemon
        from secret_refresher.status.survey import survey

        now, wall = self._clock.now(), self._clock.wall()
        daemon = about_daemon(self._view, self._journal, now, __version__)
        return survey(self._view, self._journal, now, wall, query=query, daemon=daemon)


def _busy(seconds: float) -> Answer:
    told = "too much is asked of the status page at once; it is made again in a moment"
    later = {"Retry-After": str(max(1, round(seconds + 0.5)))}
    return _told(HTTPStatus.SERVICE_UNAVAILABLE, told, **later)
