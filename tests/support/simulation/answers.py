"""What an authorization server may answer: every row of the response table, and stranger things.

A body may echo what was sent, as real ones do: nothing of it may come out anywhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import final

from secret_refresher.adapters.token_endpoint.transport import HttpAnswer


@final
@dataclass(frozen=True, slots=True)
class Granted:
    """A token that a server hands out, with the life that it has left, in seconds."""

    text: str
    left: float


@final
@dataclass(frozen=True, slots=True)
class Row:
    """One way to refuse: a status, a body, perhaps a Retry-After.

    `permanent`: the slow lane follows from it.
    """

    status: int
    body: bytes
    permanent: bool = False
    headers: Mapping[str, str] = ()  # type: ignore[assignment]


def _oauth(code: str, status: int = 400) -> tuple[int, bytes]:
    return status, json.dumps({"error": code, "error_description": "ECHO"}).encode()


def _rows() -> dict[str, Row]:
    rows = {f"status-{status}": Row(status, b"ECHO") for status in (403, 404, 408, 500, 502, 503)}
    rows["status-429"] = Row(429, b'{"error": "slow_down"}')
    rows["status-401"] = Row(401, b"ECHO", permanent=True)
    for code in (
        "unauthorized_client",
        "invalid_scope",
        "invalid_request",
        "unsupported_grant_type",
        "invalid_grant",
        "made_up",
    ):
        rows[code] = Row(*_oauth(code), permanent=True)
    rows["invalid_client"] = Row(*_oauth("invalid_client", 401), permanent=True)
    for code in ("server_error", "temporarily_unavailable"):
        rows[code] = Row(*_oauth(code))
    rows["error-with-200"] = Row(*_oauth("server_error", 200))
    ok: dict[str, dict[str, object]] = {
        "no-token": {"expires_in": 60},
        "blank-token": {"access_token": "a b", "expires_in": 60},
        "token-number": {"access_token": 7, "expires_in": 60},
        "expires-zero": {"access_token": "never-granted", "expires_in": 0},
        "expires-negative": {"access_token": "never-granted", "expires_in": -1},
        "expires-true": {"access_token": "never-granted", "expires_in": True},
        "expires-absurd": {"access_token": "never-granted", "expires_in": 1e12},
        "expires-date": {"access_token": "never-granted", "expires_in": "tomorrow"},
    }
    rows |= {name: Row(200, json.dumps(body).encode()) for name, body in ok.items()}
    rows["no-lifetime"] = Row(200, b'{"access_token": "never-granted"}', permanent=True)
    rows["page"] = Row(200, b"<html>ECHO</html>", headers={"content-type": "text/html"})
    rows["nothing"] = Row(200, b"")
    rows["cut"] = Row(200, b'{"access_token": "ECHO', headers={"content-type": "application/json"})
    rows["a-list"] = Row(200, b'["ECHO"]')
    rows["redirect-away"] = Row(307, b"", headers={"location": "https://elsewhere.example/t"})
    rows["redirect-round"] = Row(308, b"", headers={"location": "/round"})
    rows["redirect-page"] = Row(303, b"", headers={"location": "/page"})
    return rows


ROWS = _rows()
RETRY_ROWS = ("status-429", "status-503", "temporarily_unavailable")
"""Those that may say when to come again."""


def refusal(row: Row, sent: str, wall: float, retry_after: float, *, as_date: bool) -> HttpAnswer:
    """The answer of a row; `sent` is what it echoes, `retry_after` 0 for none."""
    headers = {"date": formatdate(wall, usegmt=True), **dict(row.headers)}
    if retry_after:
        whole = int(retry_after)
        headers["retry-after"] = (
            formatdate(int(wall) + whole, usegmt=True) if as_date else str(whole)
        )
    return HttpAnswer(row.status, headers, row.body.replace(b"ECHO", sent.encode()))


def retry_after_of(got: HttpAnswer) -> float | None:
    """Seconds that an answer of `refusal` asks for."""
    said = got.headers.get("retry-after")
    if said is None:
        return None
    if said.isdigit():
        return float(said)
    sent = parsedate_to_datetime(got.headers["date"])
    return (parsedate_to_datetime(said) - sent).total_seconds()


def _jwt(text: str, wall: float, left: float, *, iat: bool) -> str:
    claims = {"exp": int(wall) + left, "jti": text} | ({"iat": int(wall)} if iat else {})
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.{text}"


GRANTS: dict[str, Callable[[Granted, float], dict[str, object]]] = {
    "plain": lambda granted, _: {"access_token": granted.text, "expires_in": granted.left},
    "text": lambda granted, _: {"access_token": granted.text, "expires_in": str(int(granted.left))},
    "jwt": lambda granted, wall: {"access_token": _jwt(granted.text, wall, granted.left, iat=True)},
    "jwt-no-iat": lambda granted, wall: {
        "access_token": _jwt(granted.text, wall, granted.left, iat=False)
    },
    "jwt-shorter": lambda granted, wall: {
        "access_token": _jwt(granted.text, wall, granted.left, iat=True),
        "expires_in": 2 * granted.left,
    },
}
"""How a server says which token, and how long it lives."""


def grant(form: str, granted: Granted, wall: float) -> tuple[str, HttpAnswer]:
    """A token in one of the forms of `GRANTS`, and the answer with it."""
    body = {"token_type": "Bearer", **GRANTS[form](granted, wall)}
    headers = {"date": formatdate(wall, usegmt=True), "content-type": "application/json"}
    status = 201 if form == "text" else 200
    return str(body["access_token"]), HttpAnswer(status, headers, json.dumps(body).encode())
