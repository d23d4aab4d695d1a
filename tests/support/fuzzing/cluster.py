"""What an API server says: Secrets, Leases, lists, watches, and refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, cast

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.kubernetes import faults
from secret_refresher.adapters.kubernetes.api import Answer, Api
from secret_refresher.adapters.kubernetes.reflector import Listing, Reflector
from secret_refresher.adapters.kubernetes.secret_form import Installation, standing
from secret_refresher.config.model import SecretSink
from secret_refresher.config.read import Document, read
from secret_refresher.election.record import MEMBER, SHARDS, Member, member, record as lease_record
from secret_refresher.errors import Trouble
from secret_refresher.ports import WatchFailed
from support.fuzzing.mutate import CANARY, bend
from support.fuzzing.sound import orderly, told

_US = Installation("secret-refresher", "a/b")
_SECRET = {
    "metadata": {
        "uid": "u-1",
        "resourceVersion": "7",
        "labels": {"secret-refresher.io/managed": "true"},
        "annotations": {
            "secret-refresher.io/owner": "a/b",
            "secret-refresher.io/token-name": "t",
            "secret-refresher.io/issued-at": "2026-11-24T10:00:00.000Z",
            "secret-refresher.io/refresh-at": "2026-11-24T10:45:00.000Z",
            "secret-refresher.io/expires-at": "2026-11-24T11:00:00.000Z",
            "secret-refresher.io/rendering": "sha256:" + "ab" * 32,
            "secret-refresher.io/fingerprint": "0123+4567",
        },
        "managedFields": [
            {
                "manager": "secret-refresher",
                "operation": "Apply",
                "fieldsV1": {"f:data": {".": {}, "f:token": {}}},
            }
        ],
        "ownerReferences": [{"controller": False}],
    },
    "type": "Opaque",
    "immutable": False,
    "data": {"token": "aHVzaA=="},
}


def _secret_sink() -> SecretSink:
    url = "https://id.example.com/oauth/token"
    tokens = [{"name": "t", "tokenUrl": url, "sinks": [{"secret": {"name": "t"}}]}]
    (sink,) = read([Document("a", {"tokens": tokens})]).tokens[0].sinks
    assert isinstance(sink, SecretSink)
    return sink


_SECRET_SINK = _secret_sink()


def secret_object(random: Random) -> str:
    """A Secret that is found is understood, and what is not ours has no record of ours."""
    bent = bend(_SECRET, random)
    found = standing(bent if isinstance(bent, dict) else {}, _SECRET_SINK, _US, "t")
    if found.record is None:
        return "no record"
    orderly(found.record)
    return "ours" if found.owner == _US.owner else "of another owner"


_LEASE = {
    "metadata": {
        "uid": "u",
        "resourceVersion": "9",
        "annotations": {
            "secret-refresher.io/owner": "a/b",
            SHARDS: "3",
            f"{MEMBER}{'ab' * 5}": Member(3, 10, 5, "pod-1").word(),
        },
    },
    "spec": {
        "holderIdentity": "pod-1",
        "leaseTransitions": 4,
        "leaseDurationSeconds": 10,
        "renewTime": "2026-11-24T10:00:00.000000Z",
    },
}


def lease(random: Random) -> str:
    """A Lease is read as far as it can be."""
    bent = bend(_LEASE, random)
    found = lease_record(bent if isinstance(bent, dict) else {})
    assert found.shards is None or 0 < found.shards < 10**6
    words = [member(word) for word in found.members.values()]
    return f"held {bool(found.holder)}, shards {found.shards is not None}, {len(words)} members"


_STATUS = {
    "kind": "Status",
    "message": CANARY,
    "reason": "Conflict",
    "details": {
        "name": CANARY,
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "helm" using v1',
                "field": ".data.token",
            },
            {"reason": "NamespaceTerminating", "message": CANARY},
        ],
    },
}


def refusal(random: Random) -> str:
    """What an API server says of a refusal leaves nothing but names of fields and managers."""
    bent = bend(_STATUS, random)
    content = bent if isinstance(bent, dict) else {}
    status = random.choice((400, 401, 403, 403, 404, 409, 410, 418, 422, 429, 500, 504))
    reason = told(Trouble(faults.refused(status, content, None, "write Secret a/b")))
    conflicts = faults.conflicts(content)
    assert all(who.isprintable() and CANARY not in who for who in conflicts.values())
    return f"{reason}, {len(conflicts)} in conflict"


_METADATA = {"name": "a", "namespace": "b", "uid": "u", "resourceVersion": "7", "labels": {}}
_LIST = {
    "kind": "PartialObjectMetadataList",
    "metadata": {"resourceVersion": "9"},
    "items": [{"metadata": _METADATA}, {"metadata": {**_METADATA, "name": "c"}}],
}
_ENDLESS = {**_LIST, "metadata": {"resourceVersion": "9", "continue": "for ever"}}
_EVENTS = (
    {"type": "ADDED", "object": {"metadata": _METADATA}},
    {"type": "DELETED", "object": {"metadata": _METADATA}},
    {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "12"}}},
    {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": CANARY}},
    {"type": "ERROR", "object": {"kind": "Status", "code": 500, "message": CANARY}},
)


class _Says:
    """An API server that has said one thing, in place of `Api`."""

    def __init__(self, answer: Any, events: list[Any]) -> None:
        self._answer = answer if isinstance(answer, dict) else {}
        self._events = [event for event in events if isinstance(event, dict)]

    def request(self, *_: object, **__: object) -> Answer:
        """The list, to every request."""
        return Answer(200, self._answer)

    def watch(self, *_: object) -> Iterator[Mapping[str, Any]]:
        """The events."""
        yield from self._events


class _Heard:
    """An audience that takes what it is told for what it should be."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def listed(self, metadata: Listing) -> None:
        """All that there is."""
        self.names = [str(one.get("name")) for one in metadata]

    def changed(self, metadata: Mapping[str, Any]) -> None:
        """One of them."""
        self.names.append(str(metadata.get("name")))

    def gone(self, metadata: Mapping[str, Any]) -> None:
        """Not any more."""
        self.names.append(str(metadata.get("name")))

    def refused(self, failed: WatchFailed) -> None:
        """Whoever lists is told by `Trouble`."""


def _perhaps(value: Any, random: Random) -> Any:
    return bend(value, random) if random.random() < 0.3 else value


def reflection(random: Random) -> str:
    """Lists and watches are followed, or refused by a fault; never without an end."""
    heard = _Heard()
    listed = _ENDLESS if random.random() < 0.01 else _LIST
    events = random.choices(_EVENTS, (9, 9, 9, 1, 1), k=3)
    says = _Says(_perhaps(listed, random), [_perhaps(event, random) for event in events])
    reflector = Reflector(cast(Api, says), SystemClock(), "/api/v1/secrets", (), heard)
    try:
        reflector.list_now()
        known = len(heard.names)
        reflector.watch_now()
    except Trouble as trouble:
        return told(trouble)
    return f"{known} listed, {len(heard.names) - known} followed"
