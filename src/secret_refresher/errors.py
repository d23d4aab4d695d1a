"""Typed failures: a reason from a closed list, a lane, a sentence and a remedy.

A `Fault` is a value: it can be kept, compared, counted and shown. `Trouble` carries one up a
call stack. Neither ever holds a credential, a token, a body or the text of a library's
exception, because those may quote all three.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import final


class Reason(StrEnum):
    """Why an attempt failed; the closed list behind the label `reason`."""

    # The way to the token endpoint.
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    PROXY = "proxy"
    TIMEOUT = "timeout"
    NETWORK = "network"
    # What it answered.
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    HTTP_STATUS = "http_status"
    REDIRECT = "redirect"
    BAD_ANSWER = "bad_answer"
    DISCOVERY = "discovery"
    NO_LIFETIME = "no_lifetime"
    # What it refused (RFC 6749 section 5.2; `unauthorized` is a 401 without one of these).
    INVALID_CLIENT = "invalid_client"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    INVALID_SCOPE = "invalid_scope"
    INVALID_REQUEST = "invalid_request"
    INVALID_GRANT = "invalid_grant"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNAUTHORIZED = "unauthorized"
    OAUTH_ERROR = "oauth_error"
    # What we hold.
    CREDENTIALS = "credentials"
    RENDERING = "rendering"
    # Where a token goes.
    NOT_FOUND = "not_found"
    PERMISSION = "permission"
    READ_ONLY = "read_only"
    NO_SPACE = "no_space"
    NOT_A_FILE = "not_a_file"
    LOCKED = "locked"
    IO = "io"
    CONFLICT = "conflict"
    IMMUTABLE = "immutable"
    INVALID = "invalid"
    TERMINATING = "terminating"
    KUBERNETES = "kubernetes"
    NOT_HELD = "not_held"
    # Who is to be told of it.
    NO_PROCESS = "no_process"
    WRONG_PROCESS = "wrong_process"
    UNHANDLED_SIGNAL = "unhandled_signal"
    SHORT_LIVED = "short_lived"
    # A defect of ours.
    INTERNAL = "internal"


class Lane(StrEnum):
    """How soon a failed attempt is made again."""

    TRANSIENT = "transient"
    """Likely to pass by itself: seconds, then up to a minute."""
    PERMANENT = "permanent"
    """Needs somebody to change something: minutes, and at once after a change."""


@final
@dataclass(frozen=True, slots=True)
class Fault:
    """One failure, fit to be shown to anybody.

    `summary` says what happened and `advice` what to do, both as one sentence without a
    secret. `retry_after` is the server's lower bound in seconds, if it named one. `code` is an
    OAuth error code that was checked to be one, or an errno name; `status` an HTTP status.
    """

    reason: Reason
    summary: str
    advice: str
    lane: Lane = Lane.TRANSIENT
    retry_after: float | None = None
    status: int | None = None
    code: str | None = None

    def naming(self, key: str) -> Fault:
        """The same where `key` leads to the server, and not tokenUrl."""
        return replace(self, advice=self.advice.replace("tokenUrl", key))

    def __str__(self) -> str:
        """The sentence and its remedy, on one line."""
        return f"{self.summary}; {self.advice}"


class Trouble(Exception):  # noqa: N818 - it is the vehicle; `Fault` is the error
    """A `Fault` on its way up to whoever decides what follows from it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def not_held(token: str) -> Fault:
    """Why nothing is sent for a token that may be another replica's by now."""
    return Fault(
        Reason.NOT_HELD,
        f"token {token} may be another replica's by now, so nothing was sent",
        "see why its Lease was not renewed in time; whoever holds it goes on",
    )


def internal(defect: Exception) -> Fault:
    """A defect of ours as a fault: where it was, never its text, which may quote a secret."""
    return Fault(
        Reason.INTERNAL,
        f"a defect of ours: {whereabouts(defect)}",
        "please report it with this line; the attempt is made again",
    )


def whereabouts(defect: BaseException) -> str:
    """The exception's name and the innermost file and line that it passed."""
    trace = defect.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(defect).__name__
    file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
    return f"{type(defect).__name__} at {file}:{trace.tb_lineno}"
