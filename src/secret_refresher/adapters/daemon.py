"""A running daemon's HTTP server, asked as a client."""

from __future__ import annotations

import http.client
import os
import re
import threading
import time
from typing import Final, final
from urllib.parse import urlsplit

from secret_refresher.errors import Fault, Lane, Reason, Trouble

TIMEOUT: Final = 10.0
"""Seconds for one request."""
PATIENCE: Final = 60.0
"""Seconds for which a busy daemon is asked again."""
MOST_ANSWER: Final = 64 * 1024 * 1024
"""Bytes of a whole status: three times what 10,000 tokens take that all fail."""
_SAID = 300
_OURS = "is that a secret-refresher, and of this version?"
_FORWARD = (
    "is the daemon running here? In a cluster: `kubectl port-forward` to its pod, or run this in it"
    " with `kubectl exec`; another place is named by --url"
)


class WrongUrlError(ValueError):
    """A URL that names no daemon; its text says what one looks like."""


@final
class Daemon:
    """One daemon, by its base URL. Raises `WrongUrlError`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            right = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError:
            right = False
        if not right or "@" in parts.netloc or parts.query or parts.fragment:
            raise WrongUrlError("must be as http://127.0.0.1:9797, without user, query or fragment")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._parts = parts
        self._stopped = threading.Event()

    def get(self, path: str, most: int = MOST_ANSWER) -> bytes:
        """The body of an answer that is one; asks again where the daemon says that it is busy.

        Neither proxies nor redirects are followed. Raises `Trouble`, also for more than `most`
        bytes.
        """
        until = time.monotonic() + PATIENCE
        while True:
            try:
                status, later, body = self._ask(path, most)
            except (OSError, http.client.HTTPException) as error:
                raise self._unreachable(error) from None
            if status == http.HTTPStatus.OK:
                return body
            wait = int(later) if re.fullmatch("[0-9]{1,9}", later) else 1
            busy = status == http.HTTPStatus.SERVICE_UNAVAILABLE
            if not busy or time.monotonic() + wait > until or self._stopped.wait(wait):
                raise self._refused(status, body)

    def stop(self) -> None:
        """Waits for nothing any more; safe in a signal handler."""
        self._stopped.set()

    def _ask(self, path: str, most: int) -> tuple[int, str, bytes]:
        secure = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=TIMEOUT)
        try:
            connection.request("GET", f"{self._parts.path.rstrip('/')}{path}")
            with connection.getresponse() as answer:
                body = answer.read(most + 1)
            if len(body) > most:
                raise self.strange("it is too long")
            return answer.status, answer.getheader("Retry-After", ""), body
        finally:
            connection.close()

    def strange(self, why: str) -> Trouble:
        """What it answers is nothing that a daemon of ours says."""
        summary = f"{self.url} answers, but its status cannot be read: {why}"
        return Trouble(Fault(Reason.BAD_ANSWER, summary, _OURS, Lane.PERMANENT))

    def _unreachable(self, error: Exception) -> Trouble:
        number = error.errno if isinstance(error, OSError) else None
        if isinstance(error, TimeoutError):
            why = "it does not answer in time"
        elif number is not None and number > 0:
            why = os.strerror(number)
        else:
            why = "it does not answer as a daemon of ours does"
        return Trouble(
            Fault(Reason.CONNECT, f"cannot reach {self.url}: {why}", _FORWARD, Lane.PERMANENT)
        )

    def _refused(self, status: int, body: bytes) -> Trouble:
        said = body[:_SAID].decode("utf-8", "replace").strip().replace("\n", " ")
        text = "".join(each if each.isprintable() else "?" for each in said)
        if not text or text.startswith("<"):
            text = _OURS
        summary = f"{self.url} answers with HTTP {status}"
        return Trouble(Fault(Reason.HTTP_STATUS, summary, text, Lane.PERMANENT, status=status))
