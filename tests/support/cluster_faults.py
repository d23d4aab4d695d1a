"""A faulty way to an API server: a TLS-terminating proxy on loopback that tests make misbehave.

It speaks HTTP/1.1, one request a connection: each answer is passed on byte by byte as the API
server framed it, to its end, and then the connection is closed. So watches stream through it,
and it never has to understand an answer.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass
from typing import final

from support.cluster import Cluster
from support.cluster_fault_kinds import (
    Answer,
    Cut,
    Delay,
    Drip,
    Fault,
    Late,
    Passed,
    Silence,
    gone,
    gone_in_watch,
    too_many,
    watches,
)
from support.cluster_fault_pipe import POLL, Pipe


@final
@dataclass(slots=True)
class _Rule:
    fault: Fault
    method: str | None
    part: str
    watch: bool | None
    times: int | None

    def fits(self, method: str, target: str) -> bool:
        return (
            self.times != 0
            and self.method in (None, method)
            and self.part in target
            and self.watch in (None, watches(target))
        )


@final
class FaultyWay:
    """A way to one cluster's API server, harmless until told otherwise.

    It shows the API server's own certificate, so clients need nothing but the other URL::

        with FaultyWay(cluster) as way:
            account.kubeconfig(path, server=way.url)
            way.put(too_many(retry_after=2), method="PATCH", times=3)
            ...
            way.hush()      # from now on watches hear nothing
            way.speak()
    """

    def __init__(self, cluster: Cluster) -> None:
        self.target = cluster.port
        self.inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.inside.load_cert_chain(cluster.keys.certificate, cluster.keys.key)
        self.outside = ssl.create_default_context(cafile=cluster.keys.ca)
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._passed: list[Passed] = []
        self.closing = threading.Event()
        self._hushed = ""

    def __enter__(self) -> FaultyWay:
        self._server = _Server(Pipe(self))
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL,), name="faulty-way"
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        # Waits for the connections' threads too.
        self._server.server_close()

    def put(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        part: str = "",
        watch: bool | None = None,
        times: int | None = None,
    ) -> None:
        """Lets a fault befall requests from now on; of several that fit, the first put.

        It befalls those of this HTTP method, with this text in path or query, that are a watch
        or are none; `times` of them, else all.
        """
        with self._lock:
            self._rules.append(_Rule(fault, method, part, watch, times))

    def clear(self) -> None:
        """No more faults; what has befallen a request already goes on."""
        with self._lock:
            self._rules.clear()

    def hush(self, *, everything: bool = False) -> None:
        """Holds back what the API server says on watches (or at all); connections stay open."""
        self._hushed = "everything" if everything else "watches"

    def speak(self) -> None:
        """Lets out what was held back, and all that follows."""
        self._hushed = ""

    @property
    def passed(self) -> tuple[Passed, ...]:
        """The requests so far, in the order in which they came."""
        with self._lock:
            return tuple(self._passed)

    # For the connections

    def befalls(self, method: str, target: str) -> Fault | None:
        """Notes a request; the fault that it is to suffer."""
        with self._lock:
            rule = next((one for one in self._rules if one.fits(method, target)), None)
            if rule is not None and rule.times is not None:
                rule.times -= 1
            fault = None if rule is None else rule.fault
            self._passed.append(Passed(method, target, time.monotonic(), fault))
            return fault

    def hushed(self, target: str) -> bool:
        """Whether this request is to hear nothing now."""
        return self._hushed == "everything" or (self._hushed == "watches" and watches(target))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._pipe.serve(request)


__all__ = [
    "Answer",
    "Cut",
    "Delay",
    "Drip",
    "Fault",
    "FaultyWay",
    "Late",
    "Passed",
    "Silence",
    "gone",
    "gone_in_watch",
    "too_many",
]
