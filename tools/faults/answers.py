"""What the token endpoint answers: each row of the table of failures."""

from __future__ import annotations

import json
from email.utils import formatdate
from functools import partial

from support.authorization_answers import CUT, HANG, Answer, answer, redirect, refusal
from tools.faults.stage import Stage, ride

_HTML: dict[str, str | None] = {"Content-Type": "text/html"}
_TRANSIENT = "tried again within seconds; the old token stays"
_PERMANENT = "the slow lane, and once more in the last tenth of the life; the old token stays"


def _a_date_on(status: int, seconds: int) -> Answer:
    """Retry-After as an HTTP date, from the answer's own Date on."""
    sent = formatdate(0, usegmt=True), formatdate(seconds, usegmt=True)
    return Answer(status, dict(zip(("Date", "Retry-After"), sent, strict=True)))


ROWS: tuple[tuple[str, Answer, str], ...] = (
    ("HTTP 408", Answer(408), _TRANSIENT),
    ("HTTP 429, Retry-After: 1", Answer(429, {"Retry-After": "1"}), _TRANSIENT),
    ("HTTP 429, Retry-After: a date a second on", _a_date_on(429, 1), _TRANSIENT),
    ("HTTP 500", Answer(500), _TRANSIENT),
    ("HTTP 502, HTML", Answer(502, _HTML, b"<h1>Bad gateway</h1>"), _TRANSIENT),
    ("HTTP 503, Retry-After: 2", Answer(503, {"Retry-After": "2"}), _TRANSIENT),
    ("`server_error`", refusal("server_error"), _TRANSIENT),
    ("`temporarily_unavailable`", refusal("temporarily_unavailable"), _TRANSIENT),
    ("HTTP 403 without an OAuth error", Answer(403, _HTML, b"no"), _TRANSIENT),
    ("HTTP 404 without an OAuth error", Answer(404, _HTML, b"no"), _TRANSIENT),
    ("200, HTML", Answer(200, _HTML, b"<form>log in</form>"), _TRANSIENT),
    ("200, empty", Answer(200), _TRANSIENT),
    ("200, half of a JSON object", Answer(200, {}, b'{"access_token": "abc'), _TRANSIENT),
    ("200, over 1 MiB", Answer(200, {}, b"[" + b"1," * 600_000 + b"1]"), _TRANSIENT),
    ("200, `expires_in` 0", answer({"access_token": "a", "expires_in": 0}), _TRANSIENT),
    ("200, `expires_in` true", answer({"access_token": "a", "expires_in": True}), _TRANSIENT),
    (
        "200, a line end in the token",
        answer({"access_token": "a\nb", "expires_in": 60}),
        _TRANSIENT,
    ),
    ("200, no lifetime at all", answer({"access_token": "a"}), _PERMANENT),
    ("200, with an `error`", answer({"error": "oops", "access_token": "a"}), _TRANSIENT),
    ("HTTP 401 without an OAuth error", Answer(401), _PERMANENT),
    ("`invalid_client`", refusal("invalid_client", 401), _PERMANENT),
    ("`unauthorized_client`", refusal("unauthorized_client"), _PERMANENT),
    ("`invalid_scope`", refusal("invalid_scope"), _PERMANENT),
    ("`invalid_request`", refusal("invalid_request"), _PERMANENT),
    ("`invalid_grant`", refusal("invalid_grant"), _PERMANENT),
    ("`unsupported_grant_type`", refusal("unsupported_grant_type"), _PERMANENT),
    ("a redirect to another host", redirect("https://elsewhere.example/"), _TRANSIENT),
    ("a redirect to itself, for ever", redirect("/oauth/token"), _TRANSIENT),
    ("no answer", HANG, _TRANSIENT),
    ("the connection ends before the answer", CUT, _TRANSIENT),
    (
        "the connection ends in the answer",
        Answer(200, {}, json.dumps({}).encode(), cut=120),
        _TRANSIENT,
    ),
    ("a byte every 50 ms", Answer(200, {}, b"{}" * 99, drip=0.05), _TRANSIENT),
)


def answered(scripted: Answer, stage: Stage) -> str:
    """For two seconds from the next refresh on every request is answered so."""
    stage.keys["request"] = {"timeout": "1s"}

    def begin(_: object) -> None:
        stage.server.always = scripted

    def end(_: object) -> None:
        stage.server.always = None

    return ride(stage, begin, end)


ACTS = tuple((name, expected, partial(answered, scripted)) for name, scripted, expected in ROWS)
