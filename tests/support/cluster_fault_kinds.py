"""What can go wrong on the way to an API server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """Answers in the API server's place; the request goes no further.

    Without a body it has a Kubernetes Status for `status` and `reason`.
    """

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def to_bytes(self) -> bytes:
        """As it goes over the wire."""
        body = self.body
        if body is None:
            body = json.dumps(_status(self.status, self.reason)).encode()
        headers = {
            "Content-Type": "application/json",
            **self.headers,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        lines = [f"HTTP/1.1 {self.status} Fault", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def too_many(retry_after: int) -> Answer:
    """429 with Retry-After in seconds, as the API server's own flow control sends it."""
    return Answer(429, "TooManyRequests", {"Retry-After": str(retry_after)})


def gone() -> Answer:
    """410 for a list or watch whose resource version is too old."""
    return Answer(410, "Expired")


def gone_in_watch() -> Answer:
    """The same as it comes once a watch was let in: 200, and an event of type ERROR."""
    event = {"type": "ERROR", "object": _status(410, "Expired")}
    return Answer(200, body=json.dumps(event).encode() + b"\n")


@final
@dataclass(frozen=True, slots=True)
class Delay:
    """Forwards the request only after some seconds."""

    seconds: float


@final
@dataclass(frozen=True, slots=True)
class Late:
    """Forwards the request only after some seconds, whether anybody waits for it or not."""

    seconds: float


@final
@dataclass(frozen=True, slots=True)
class Cut:
    """Breaks the connection with a reset.

    Before the request is forwarded; or, `after` it was carried out, once that many bytes of
    the answer (its head included) are through: with 0 the client never learns what happened.
    """

    after: int | None = None


@final
@dataclass(frozen=True, slots=True)
class Drip:
    """Passes the answer on at so many bytes a second."""

    bytes_per_second: float


@final
@dataclass(frozen=True, slots=True)
class Silence:
    """Takes the request, forwards nothing, never answers; the connection stays open."""


Fault = Answer | Delay | Late | Cut | Drip | Silence


@final
@dataclass(frozen=True, slots=True)
class Passed:
    """One request that came by; `at` is monotonic seconds."""

    method: str
    target: str
    at: float
    fault: Fault | None

    @property
    def watches(self) -> bool:
        """Whether it asks for a watch."""
        return watches(self.target)


def watches(target: str) -> bool:
    """Whether a path with its query asks for a watch."""
    return "watch=1" in target or "watch=true" in target.lower()


def _status(code: int, reason: str) -> dict[str, object]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "a fault of the test",
        "reason": reason,
        "code": code,
    }
