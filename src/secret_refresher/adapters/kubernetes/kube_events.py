"""Kubernetes Events on the Secrets of a token: the first failure, recovery, expiry.

And on the workloads that are restarted for it.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import final

from secret_refresher.adapters.kubernetes.api import METADATA, Api
from secret_refresher.config.consumers import RolloutConsumer
from secret_refresher.election.move import Move
from secret_refresher.errors import Trouble
from secret_refresher.lifecycle import events
from secret_refresher.ports import Broadcast, Clock, Exchange, ShardMoved, Subject
from secret_refresher.tokens.moments import rfc3339

WAITING = 256
"""Events that wait to be sent; more are dropped, for logs and metrics have them too."""
AGAIN = 600.0
"""Seconds within which the same is not said again of the same Secret."""
PACE = 0.5
"""Seconds between two Events: two a second at most."""
_LISTEN = 5.0
"""Seconds after which a sender without Events looks whether it is to stop."""
_REMEMBERED = 4096
_LONGEST_NOTE = 1000
_COMPONENT = "secret-refresher"
_VERSIONS = {"Secret": "v1", "Lease": "coordination.k8s.io/v1"}
"""Of what Events are about; anything else is a workload."""


@final
@dataclass(frozen=True, slots=True)
class _Note:
    kind: str
    target: str
    reason: str
    warning: bool
    text: str


@final
class KubernetesEvents:
    """Implements `ports.Observer`; sends on a thread of its own, and only where it is allowed.

    What is said is what the logs say: a summary and a remedy, never content.
    """

    def __init__(self, api: Api, clock: Clock, stop: threading.Event) -> None:
        self._api = api
        self._clock = clock
        self._stop = stop
        self._queue: Queue[_Note] = Queue(WAITING)
        self._said: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._sender: threading.Thread | None = None

    def notice(self, about: Subject | None, fact: events.Notice | Exchange | Broadcast) -> None:
        """Queues what is worth an Event."""
        if about is None:
            self._broadcast(fact)
            return
        match fact:
            case events.SinkTrouble(failures=1):
                warning = f"Cannot {fact.work} token {about.name}: {fact.fault}"
                self._say(about, fact.sink, "PublishFailed", warning)
            case events.FetchFailed(failures=1):
                warning = f"Cannot fetch token {about.name}: {fact.fault}"
                self._say(about, None, "FetchFailed", warning)
            case events.Lapsed():
                warning = f"Token {about.name} has expired here; see the daemon's log"
                self._say(about, fact.sink, "Expired", warning)
            case events.NotifyFailed(failures=1) | events.NotifyFailed(given_up=True):
                over = "Gave up telling" if fact.given_up else "Cannot tell"
                warning = f"{over} {fact.consumer.target} of token {about.name}: {fact.fault}"
                self._say(about, None, "NotifyFailed", warning)
            case events.Notified(consumer=RolloutConsumer() as workload, knew=False):
                where = workload.namespace
                target = workload.name if where is None else f"{where}/{workload.name}"
                text = f"Restarted for a new token, {about.name}"
                self._note(_Note(str(workload.kind), target, "Restarted", False, text))
            case events.CertificateEnds():
                ends = f"{'expired' if fact.left <= 0 else 'expires'} at {rfc3339(fact.ends)}"
                warning = f"The client certificate of token {about.name}, {fact.file}, {ends}"
                self._say(about, None, "CertificateEnds", warning)
            case events.Published(after=after) if after:
                self._recovered(about, fact.sink, fact.life.expires_at)
            case events.Fetched(after=after) if after:
                self._recovered(about, None, fact.life.expires_at)

    def _broadcast(self, fact: object) -> None:
        """What happens to shards, on their Leases."""
        match fact:
            case ShardMoved(move=Move.LOST):
                text = f"Shard {fact.shard} was lost: {fact.because}"
                self._note(_Note("Lease", fact.lease, "ShardLost", True, text))
            case ShardMoved(move=Move.TAKEN | Move.RELEASED):
                text = f"Shard {fact.shard} was {fact.move.value}"
                reason = f"Shard{fact.move.value.capitalize()}"
                self._note(_Note("Lease", fact.lease, reason, False, text))

    def _recovered(self, about: Subject, sink: int | None, expires_at: float) -> None:
        text = f"Token {about.name} is fresh again, until {rfc3339(expires_at)}"
        self._say(about, sink, "Recovered", text, warning=False)

    def _say(
        self, about: Subject, sink: int | None, reason: str, text: str, *, warning: bool = True
    ) -> None:
        chosen = about.sinks if sink is None else about.sinks[sink : sink + 1]
        for kind, target in chosen:
            if kind == "secret" and self._is_new(target, reason):
                self._note(_Note("Secret", target, reason, warning, text[:_LONGEST_NOTE]))

    def _note(self, note: _Note) -> None:
        with contextlib.suppress(Full):
            self._queue.put_nowait(note)
        if self._sender is None:
            self._sender = threading.Thread(target=self._send_all, name="events", daemon=True)
            self._sender.start()

    def _is_new(self, target: str, reason: str) -> bool:
        now = self._clock.now()
        last = self._said.pop((target, reason), None)
        if last is not None and now - last < AGAIN:
            self._said[target, reason] = last
            return False
        self._said[target, reason] = now
        while len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        return True

    def _send_all(self) -> None:
        while not self._stop.wait(PACE):
            with contextlib.suppress(Trouble, Empty):
                self._send(self._queue.get(timeout=_LISTEN))

    def _send(self, note: _Note) -> None:
        namespace, _, name = note.target.rpartition("/")
        namespace = namespace or self._api.namespace()
        now = rfc3339(self._clock.wall() + self._api.skew())[:-5] + "Z"
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{name[:200]}.", "namespace": namespace},
            "involvedObject": {
                "apiVersion": _VERSIONS.get(note.kind, "apps/v1"),
                "kind": note.kind,
                "namespace": namespace,
                "name": name,
                **self._uid(note.kind, namespace, name),
            },
            "reason": note.reason,
            "message": note.text,
            "type": "Warning" if note.warning else "Normal",
            "source": {"component": _COMPONENT},
            "reportingComponent": _COMPONENT,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        self._api.request("POST", f"/api/v1/namespaces/{namespace}/events", body=body)

    def _uid(self, kind: str, namespace: str, name: str) -> Mapping[str, str]:
        """By it some tools find the Events of an object; a Secret that is not there has none."""
        version = _VERSIONS.get(kind, "apps/v1")
        resource = f"{kind.lower()}s"
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        path = f"{root}/namespaces/{namespace}/{resource}/{name}"
        metadata = self._api.request("GET", path, accept=METADATA).content.get("metadata", {})
        return {"uid": metadata["uid"]} if "uid" in metadata else {}
