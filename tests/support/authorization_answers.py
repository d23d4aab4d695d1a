"""What the tests' authorization server is asked, and what it answers."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote_plus, urlsplit


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it came over the wire; `arrived` by `time.monotonic`.

    `raw` is all of it, head and body, byte for byte. `connection` numbers the connections.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes
    arrived: float
    connection: int

    def header(self, name: str) -> str | None:
        """A header's value, its name in any case; None without it."""
        for known, value in self.headers:
            if known.lower() == name.lower():
                return value
        return None

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Parameters of the query and of a form body, in order."""
        pairs = parse_qsl(urlsplit(self.target).query, keep_blank_values=True)
        if "urlencoded" in (self.header("content-type") or ""):
            pairs += parse_qsl(self.body.decode(), keep_blank_values=True)
        return pairs

    def parameters(self) -> dict[str, object]:
        """The parameters by name, from a JSON body too; the last of a name counts."""
        found: dict[str, object] = dict(self.pairs)
        if "json" in (self.header("content-type") or ""):
            body = json.loads(self.body)
            found.update(body if isinstance(body, dict) else {})
        return found

    def client(self) -> tuple[object, object]:
        """Client id and secret as the request shows them (RFC 6749 section 2.3.1)."""
        scheme, _, encoded = (self.header("authorization") or "").partition(" ")
        if scheme.lower() == "basic":
            name, _, password = base64.b64decode(encoded).decode().partition(":")
            return unquote_plus(name), unquote_plus(password)
        parameters = self.parameters()
        return parameters.get("client_id"), parameters.get("client_secret")


@dataclass(frozen=True, slots=True)
class Answer:
    """One scripted answer.

    `headers` stand beside Date, Content-Type and Content-Length, or replace them; a value of
    None leaves one out. `delay`: seconds of silence first; `held`: silence until this is set.
    `drip`: seconds between two bytes of head and body. `cut`: the connection ends after so many
    of them. `hang`: nothing is ever answered, and the connection stays open.
    """

    status: int = 200
    headers: dict[str, str | None] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    held: threading.Event | None = None
    drip: float = 0.0
    cut: int | None = None
    hang: bool = False

    def wire(self) -> bytes:
        """Head and body."""
        own: dict[str, str | None] = {
            "Date": formatdate(usegmt=True),
            "Content-Type": "application/json",
            "Content-Length": str(len(self.body)),
        }
        given = {name.title(): value for name, value in self.headers.items()}
        lines = [f"HTTP/1.1 {self.status} Scripted"]
        lines += [f"{name}: {value}" for name, value in {**own, **given}.items() if value]
        return "\r\n".join((*lines, "", "")).encode("latin-1") + self.body


def answer(members: object, status: int = 200, **headers: str | None) -> Answer:
    """A JSON answer; `_` in header names stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, json.dumps(members).encode())


def refusal(code: str, status: int = 400, **headers: str | None) -> Answer:
    """An OAuth error (RFC 6749 section 5.2)."""
    return answer({"error": code, "error_description": "scripted"}, status, **headers)


def redirect(to: str, status: int = 307) -> Answer:
    """A redirect to a URL or a path."""
    return Answer(status, {"Location": to, "Content-Type": "text/html"}, b"<p>elsewhere</p>")


HANG = Answer(hang=True)
CUT = Answer(cut=0)


def mint(number: int, expires: float) -> str:
    """A token that says itself when it dies: `expiry_of` reads it."""
    return f"t{number}-{int(expires * 1000)}-{secrets.token_urlsafe(24)}"


def expiry_of(token: str) -> float:
    """When a token of this server dies, in seconds since the epoch; ValueError if torn."""
    _, expires, rest = token.split("-", 2)
    if len(rest) != 32:
        raise ValueError("a torn token")
    return int(expires) / 1000
