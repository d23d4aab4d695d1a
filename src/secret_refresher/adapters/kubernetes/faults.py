"""What goes wrong with the Kubernetes API, as faults of ours."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import urllib3

from secret_refresher.errors import Fault, Lane, Reason, Trouble

_MANAGER = re.compile(r'conflict with "([A-Za-z0-9][A-Za-z0-9 ._:/-]{0,100})"')
_LOOK = "look at the API server; the attempt is made again"

_FORBIDDEN = 403
_SERVER_ERRORS = 500
_Meaning = tuple[str, str, Reason, Lane]
_FAILED: _Meaning = ("the API server failed", _LOOK, Reason.SERVER_ERROR, Lane.TRANSIENT)
_SLOW: _Meaning = ("the API server took too long", _LOOK, Reason.TIMEOUT, Lane.TRANSIENT)
_STRANGE: _Meaning = (
    "this is no answer of a Kubernetes API server",
    "check the server's address, and proxies on the way to it",
    Reason.KUBERNETES,
    Lane.PERMANENT,
)
_WRONG: _Meaning = (
    "the API server finds it invalid",
    "check the sink's type, keys, labels and annotations, and whether the Secret grows past 1 MiB;"
    " try it with `kubectl apply`",
    Reason.INVALID,
    Lane.PERMANENT,
)
_MEANINGS: Mapping[int, _Meaning] = {
    400: _WRONG,
    401: (
        "the API server does not accept our credentials",
        "check that the ServiceAccount exists and its token is mounted",
        Reason.UNAUTHORIZED,
        Lane.TRANSIENT,
    ),
    403: (
        "the right is missing",
        "grant what `secret-refresher rbac` prints; a quota or an admission policy may refuse as"
        " well",
        Reason.PERMISSION,
        Lane.PERMANENT,
    ),
    404: (
        "the namespace does not exist",
        "create it, or correct the sink's namespace",
        Reason.NOT_FOUND,
        Lane.PERMANENT,
    ),
    408: _SLOW,
    409: ("it was changed meanwhile", _LOOK, Reason.CONFLICT, Lane.TRANSIENT),
    410: ("what it was to go on from is too old", _LOOK, Reason.KUBERNETES, Lane.TRANSIENT),
    413: _WRONG,
    422: _WRONG,
    429: (
        "the API server asks for fewer requests",
        "look at its load, and at API Priority and Fairness",
        Reason.RATE_LIMITED,
        Lane.TRANSIENT,
    ),
    504: _SLOW,
}


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns what the libraries raise into a fault; their texts can hold URLs and headers."""
    try:
        yield
    except Trouble:
        raise
    except (urllib3.exceptions.HTTPError, OSError, ssl.SSLError) as error:
        raise Trouble(_transport(error)) from None
    except Exception as error:
        # The client reads credentials. A ValueError is a token that is no header: http.client says
        # so, and quotes it.
        ours = type(error).__module__.partition(".")[0] != "kubernetes"
        if ours and not isinstance(error, ValueError):
            raise
        raise Trouble(
            Fault(
                Reason.KUBERNETES,
                "the credentials for the API server cannot be read",
                "look at the ServiceAccount's mount, or at the kubeconfig",
                Lane.PERMANENT,
            )
        ) from None


def _transport(error: Exception) -> Fault:
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError | urllib3.exceptions.SSLError) for cause in causes):
        return Fault(
            Reason.TLS,
            "the API server's certificate is not trusted, or its TLS fails",
            "check the ServiceAccount's ca.crt, or the kubeconfig's certificate-authority",
        )
    unknown = socket.gaierror | urllib3.exceptions.NameResolutionError
    if any(isinstance(cause, unknown) for cause in causes):
        return Fault(Reason.DNS, "the API server's name does not resolve", "look at the DNS")
    # A refused connection is a timeout to urllib3's class tree, so it is asked first.
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        return Fault(Reason.CONNECT, "the API server cannot be reached", _LOOK)
    if any(isinstance(cause, urllib3.exceptions.TimeoutError | TimeoutError) for cause in causes):
        return Fault(Reason.TIMEOUT, "the API server does not answer in time", _LOOK)
    return Fault(Reason.NETWORK, "the connection to the API server broke", _LOOK)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        reason = getattr(error, "reason", None)
        error = (
            reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
        )


def refused(
    status: int, content: Mapping[str, Any], retry_after: float | None, doing: str
) -> Fault:
    """What an answer that is no success means; `doing` as `write Secret a/b`.

    Of its text nothing is taken: a Status may quote what was sent (Kubernetes "API Concepts").
    """
    summary, advice, reason, lane = _meaning(status, content)
    return Fault(
        reason, f"cannot {doing}: {summary} (HTTP {status})", advice, lane, retry_after, status
    )


def _meaning(status: int, content: Mapping[str, Any]) -> _Meaning:
    if status == _FORBIDDEN and has_cause(content, "NamespaceTerminating"):
        return (
            "the namespace is being deleted",
            "remove it from the configuration, or wait until it is created anew",
            Reason.TERMINATING,
            Lane.PERMANENT,
        )
    if status in _MEANINGS:
        return _MEANINGS[status]
    return _STRANGE if status < _SERVER_ERRORS else _FAILED


def strange(status: int, doing: str) -> Fault:
    """An answer that says yes but is not what was asked for; `doing` as for `refused`."""
    summary, advice, reason, lane = _STRANGE
    return Fault(reason, f"cannot {doing}: {summary} (HTTP {status})", advice, lane, status=status)


def too_long(what: str, most: int) -> Fault:
    """An answer, or a list of many, of more bytes than there is ever need for."""
    return Fault(
        Reason.KUBERNETES,
        f"{what} is longer than {most >> 20} MiB",
        "look at the API server and at proxies on the way to it; what makes its objects so large?",
    )


def has_cause(content: Mapping[str, Any], reason: str) -> bool:
    """Whether a Status names a cause of that reason."""
    return any(cause.get("reason") == reason for cause in _status_causes(content))


def conflicts(content: Mapping[str, Any]) -> Mapping[str, str]:
    """The fields of a refused apply with who manages each; none where that was not why."""
    found: dict[str, str] = {}
    for cause in _status_causes(content):
        if cause.get("reason") == "FieldManagerConflict":
            named = _MANAGER.search(str(cause.get("message", "")))
            found[str(cause.get("field", ""))] = named[1] if named else "another manager"
    return found


def _status_causes(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = content.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    listed = causes if isinstance(causes, list) else []
    return [cause for cause in listed if isinstance(cause, dict)]
