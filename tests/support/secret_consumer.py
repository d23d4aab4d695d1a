"""An application that reads its token from a Secret all the time, and judges every read."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import requests

from support.authorization_answers import expiry_of
from support.cluster_client import ApiError, Client, Object


class SecretConsumer:
    """Polls one key of a Secret through the API on a thread; counts what must never be seen.

    `known` says whether a token was ever granted; `expiry` when it dies, in seconds since the
    epoch, raising ValueError for a torn one. A read is judged at the instant at which its answer
    is here. Reads that the API server does not answer are counted apart: they show no token.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        *,
        key: str = "token",
        known: Callable[[str], bool] = lambda _token: True,
        period: float = 0.05,
        expiry: Callable[[str], float] = expiry_of,
    ) -> None:
        self.reads = self.empty = self.torn = self.expired = self.unknown = self.missing = 0
        self.unanswered = 0
        """Reads that the API server refused, cut or did not take."""
        self.longest_gap = 0.0
        """Seconds between two answered reads, at most."""
        self.least_left = float("inf")
        """Seconds of life that the oldest token that was read still had."""
        self.tokens: list[str] = []
        """Different tokens, in the order in which they were seen."""
        self.defect: Exception | None = None
        """What ended the thread before its time."""
        self._client = client
        self._place = (namespace, name, key)
        self._known = known
        self._period = period
        self._expiry = expiry
        self._answered: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    @property
    def faults(self) -> dict[str, int]:
        """Whatever was wrong, by kind; empty where nothing was."""
        if self.defect is not None:
            raise self.defect
        counts = {
            "empty": self.empty,
            "torn": self.torn,
            "expired": self.expired,
            "unknown": self.unknown,
            "missing": self.missing,
        }
        return {kind: count for kind, count in counts.items() if count}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _poll(self) -> None:
        namespace, name, _ = self._place
        while not self._over.wait(self._period):
            try:
                secret = self._client.get("secrets", name, namespace)
            except (requests.RequestException, ApiError) as error:
                if isinstance(error, ApiError) and error.status == requests.codes.not_found:
                    self.missing += bool(self.reads)
                else:
                    self.unanswered += 1
                continue
            except Exception as defect:  # noqa: BLE001 - a thread that dies unseen proves nothing
                self.defect = defect
                return
            self._judge(secret, time.time())

    def _judge(self, secret: Object, now: float) -> None:
        moment = time.monotonic()
        if self._answered is not None:
            self.longest_gap = max(self.longest_gap, moment - self._answered)
        self._answered = moment
        self.reads += 1
        text = self._text(secret)
        if not text:
            self.empty += 1
            return
        try:
            left = self._expiry(text) - now
        except ValueError:
            self.torn += 1
            return
        self.unknown += not self._known(text)
        self.least_left = min(self.least_left, left)
        self.expired += left <= 0
        if text not in self.tokens[-1:]:
            self.tokens.append(text)

    def _text(self, secret: Object) -> str:
        """The key's content; empty where there is none, torn where it cannot be read."""
        try:
            return base64.b64decode(secret.get("data", {}).get(self._place[2], "")).decode()
        except (binascii.Error, UnicodeDecodeError):
            return "not a token"
