"""The Kubernetes API, as far as it is needed: JSON requests, watches, the server's clock."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import urllib3

from secret_refresher.adapters.kubernetes import faults
from secret_refresher.adapters.kubernetes.access import Access, Connection
from secret_refresher.errors import Trouble
from secret_refresher.ports import Clock
from secret_refresher.tokens.answer import http_date, retry_after

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
"""What to accept where content does not matter: the data of a Secret is then not sent at all."""
CONNECT_TIMEOUT = 5.0
TIMEOUT = 10.0
"""Seconds for a whole request."""
MOST_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer; a Secret is at most 1 MiB, a page of a list a few hundred objects."""
_AGREE = 1.0
"""Seconds within which two clocks are the same: a Date header has whole seconds."""
_STEP = 2.0
"""Seconds by which a difference must change before it counts as another one."""
_UNAUTHORIZED = 401

Query = Sequence[tuple[str, str]]
Body = Mapping[str, Any] | list[Mapping[str, Any]] | None


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `content` is its JSON object, empty where it is none; `size` in bytes."""

    status: int
    content: Mapping[str, Any] = field(repr=False)
    retry_after: float | None = None
    size: int = 0

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own class


@final
@dataclass(frozen=True, slots=True)
class _Ask:
    """What is asked of the server."""

    method: str
    path: str
    query: Query
    body: Body
    head: dict[str, str]
    may: Callable[[], object] | None = None


@final
class Api:
    """One API server; from any thread. Raises `Trouble` where no answer comes.

    Any answer that comes is returned, whatever its status: what it means depends on the question.
    `timeout`: seconds for an answer; connecting may take half of it besides.
    """

    def __init__(self, access: Access, clock: Clock, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._access = access
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._skew: float | None = None
        self._apart = 0.0

    def namespace(self) -> str:
        """The pod's own namespace, or that of the kubeconfig's context."""
        return self._connect().namespace

    def reached(self) -> bool:
        """Whether it has ever answered."""
        return self._skew is not None

    def skew(self) -> float:
        """The API server's clock less ours, in seconds; 0 as long as they agree.

        It stays the same until one of the clocks is set, so that an instant written by it and
        read back is the same. That ours was set is known at once, by the process's clock.
        """
        if self._skew is None:
            return 0.0
        moved = self._clock.wall() - self._clock.now() - self._apart
        return self._skew - moved if abs(moved) > _STEP else self._skew

    def request(
        self,
        method: str,
        path: str,
        query: Query = (),
        body: Body = None,
        *,
        content_type: str = JSON,
        accept: str = JSON,
        may: Callable[[], object] | None = None,
    ) -> Answer:
        """One request. Refused credentials are read again, and the request made once more.

        `may` is called right before it is sent, either time; what it raises keeps it from that.
        """
        head = {"Accept": accept, "Content-Type": content_type}
        ask = _Ask(method, path, query, body, head, may)
        connection = self._connect()
        answer = self._ask(connection, ask)
        if answer.status == _UNAUTHORIZED:
            self._disconnect(connection)
            answer = self._ask(self._connect(), ask)
        return answer

    def watch(
        self, path: str, query: Query, silence: float, stream: Stream
    ) -> Iterator[Mapping[str, Any]]:
        """The events of a watch until the server ends it, or says nothing for `silence` seconds.

        Raises `Trouble` where it is refused or breaks, or where `stream` was cut.
        """
        connection = self._connect()
        ask = _Ask("GET", path, query, None, {"Accept": METADATA})
        response = self._send(connection, ask, silence)
        try:
            if response.status == _UNAUTHORIZED:
                self._disconnect(connection)
            if response.status >= 300:  # noqa: PLR2004 - anything but a stream
                content, later = _object(self._body(response)), retry_after(_headers(response))
                raise Trouble(faults.refused(response.status, content, later, f"watch {path}"))
            with faults.translated(), stream.over(response):
                for line in _lines(response):
                    yield _object(line)
        finally:
            response.close()

    # --- the connection ------------------------------------------------------------------------

    def _connect(self) -> Connection:
        with self._lock:
            if self._connection is None:
                self._connection = self._access.connect()
            return self._connection

    def _disconnect(self, refused: Connection) -> None:
        """Has credentials read again, unless another thread was faster."""
        with self._lock:
            if self._connection is refused:
                self._connection = None

    def _ask(self, connection: Connection, ask: _Ask) -> Answer:
        if ask.may is not None:
            ask.may()
        sent = self._clock.now()
        response = self._send(connection, ask, self._timeout)
        headers = _headers(response)
        self._compare_clocks(headers, self._clock.now() - sent)
        try:
            body = self._body(response)
        finally:
            response.release_conn()
        return Answer(response.status, _object(body), retry_after(headers), len(body))

    def _send(self, connection: Connection, ask: _Ask, silence: float) -> urllib3.BaseHTTPResponse:
        seconds = min(CONNECT_TIMEOUT, self._timeout / 2), silence
        with faults.translated():
            return connection.call(
                ask.method, ask.path, ask.query, ask.head, body=ask.body, seconds=seconds
            )

    def _body(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """All of an answer, read within the time of a request."""
        until = self._clock.now() + self._timeout
        parts: list[bytes] = []
        size = 0
        with faults.translated():
            # What has come, not a full buffer: a server that drips must not hold a worker.
            while part := response.read1(64 * 1024):
                parts.append(part)
                size += len(part)
                if size > MOST_ANSWER:
                    response.close()
                    raise Trouble(faults.too_long("the API server's answer", MOST_ANSWER))
                if self._clock.now() > until:
                    response.close()
                    raise TimeoutError
        return b"".join(parts)

    def _compare_clocks(self, headers: Mapping[str, str], seconds: float) -> None:
        """`seconds` ago the request was sent; the server wrote its Date at any time since."""
        date = http_date(headers)
        there = self._clock.wall() - seconds / 2 + self.skew() if date is None else date + 0.5
        measured, doubt = there - (self._clock.wall() - seconds / 2), seconds / 2
        with self._lock:
            if self._skew is None or abs(measured - self._skew) > _STEP + doubt:
                self._skew = 0.0 if abs(measured) <= _AGREE + doubt else measured
                self._apart = self._clock.wall() - self._clock.now()


@final
class Stream:
    """A hold on a watch that another thread is listening to, to cut it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._response: urllib3.BaseHTTPResponse | None = None
        self.was_cut = False

    def cut(self) -> None:
        """Ends the watch that there is, and any later one."""
        with self._lock:
            self.was_cut = True
            self._shut()

    @contextlib.contextmanager
    def over(self, response: urllib3.BaseHTTPResponse) -> Iterator[None]:
        """Within it `cut` ends this answer."""
        with self._lock:
            self._response = response
            if self.was_cut:
                self._shut()
        try:
            yield
        finally:
            with self._lock:
                self._response = None

    def _shut(self) -> None:
        if self._response is not None:
            # It may have ended by itself this very moment.
            with contextlib.suppress(RuntimeError, ValueError, OSError):
                self._response.shutdown()


def _headers(response: urllib3.BaseHTTPResponse) -> Mapping[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Lines of a stream; one that does not end with a line is none of a watch."""
    rest = bytearray()  # only ever added to: a line without an end costs no more than its length
    while len(rest) <= MOST_ANSWER and (part := response.read1(64 * 1024)):
        *whole, last = part.split(b"\n")
        if whole:
            whole[0] = bytes(rest) + whole[0]
            rest.clear()
            yield from (line for line in whole if line.strip())
        rest += last
    if rest.strip():
        raise Trouble(faults.strange(response.status, "watch"))


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
