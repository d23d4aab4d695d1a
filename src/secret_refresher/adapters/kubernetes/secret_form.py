"""A Secret of ours, as it is written and as it is found. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from secret_refresher.config.model import SecretSink
from secret_refresher.config.names import MANAGED_BY, PREFIX
from secret_refresher.tokens.moments import parse_rfc3339, rfc3339
from secret_refresher.tokens.record import LONGEST, Record, rendering_hash

MANAGED = PREFIX + "managed"
OWNER = PREFIX + "owner"
TOKEN_NAME = PREFIX + "token-name"
_ISSUED = PREFIX + "issued-at"
_EXPIRES = PREFIX + "expires-at"
_REFRESH = PREFIX + "refresh-at"
_RENDERING = PREFIX + "rendering"
_FINGERPRINT = PREFIX + "fingerprint"
ANNOTATIONS = (OWNER, TOKEN_NAME, _ISSUED, _EXPIRES, _REFRESH, _RENDERING, _FINGERPRINT)
LABELS = (MANAGED, MANAGED_BY)
NOT_THERE = "1"
"""A resourceVersion that no object has (etcd's first write makes 2): applied with it and without a
uid, an object is created, and one that is there is refused with 409. Tried on 1.36."""
CREATOR = "secret-refresher"
"""The value of `app.kubernetes.io/managed-by` on Secrets that we create."""


@final
@dataclass(frozen=True, slots=True)
class Installation:
    """Who we are in the cluster: of `kubernetes` in the configuration."""

    field_manager: str
    owner: str


@final
@dataclass(frozen=True, slots=True)
class Standing:
    """A Secret as it was found; of its content only a hash.

    `rendering`: hash over the keys that a sink writes, None where one is missing. `managers`: who
    manages each of these that has a value, by `metadata.managedFields`. `ours`: the keys that only
    we manage, those of an earlier configuration among them. `dressed`: it has every label and
    annotation that a sink wants. `alone`: it has nothing that did not come from us.
    `controlled`: it belongs to a controller.
    """

    uid: str
    version: str
    type: str
    immutable: bool
    leaving: bool
    owner: str | None
    token_name: str | None
    record: Record | None
    rendering: str | None
    managers: Mapping[str, tuple[str, ...]]
    ours: frozenset[str]
    created: bool
    dressed: bool
    alone: bool
    controlled: bool


def rendering_of(content: Mapping[str, bytes]) -> str:
    """The hash over several keys, whatever their order."""
    parts = (f"{key}\0{len(content[key])}\0".encode() + content[key] for key in sorted(content))
    return rendering_hash(b"".join(parts))


def document(
    sink: SecretSink,
    us: Installation,
    *,
    namespace: str,
    token_name: str,
    content: Mapping[str, bytes],
    record: Record,
    before: Standing | None,
) -> dict[str, Any]:
    """What is applied: all of our fields, and the object that they are meant for.

    With uid and version a delayed write cannot undo a newer one, nor bring back what was deleted;
    one that is meant to create cannot change what somebody else was faster to create.
    """
    metadata: dict[str, Any] = {"name": sink.name, "namespace": namespace}
    created = before is None or before.created
    if before is None:
        metadata["resourceVersion"] = NOT_THERE
    else:
        metadata |= {"uid": before.uid, "resourceVersion": before.version}
    labels = {**_labels(sink), **({MANAGED_BY: CREATOR} if created else {})}
    annotations = {
        **_annotations(sink, us, token_name),
        _ISSUED: rfc3339(record.issued_at),
        _EXPIRES: rfc3339(record.expires_at),
        _REFRESH: rfc3339(record.refresh_at),
        _RENDERING: record.rendering,
        _FINGERPRINT: record.fingerprint,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {**metadata, "labels": labels, "annotations": annotations},
        "type": sink.type,
        "data": {key: base64.b64encode(value).decode() for key, value in content.items()},
    }


def _labels(sink: SecretSink) -> dict[str, str]:
    return {**sink.labels, MANAGED: "true"}


def _annotations(sink: SecretSink, us: Installation, token_name: str) -> dict[str, str]:
    """Those that do not depend on the token."""
    return {**sink.annotations, OWNER: us.owner, TOKEN_NAME: token_name}


def removal(sink: SecretSink, standing: Standing, *, for_good: bool) -> dict[str, Any]:
    """A merge patch that takes out what is ours (RFC 7396), and nothing else.

    Not `for_good`: only the keys. The annotations then say on whose they were, and when they died.
    """
    data = dict.fromkeys(sorted(standing.ours))
    metadata: dict[str, Any] = {"uid": standing.uid, "resourceVersion": standing.version}
    if not for_good:
        return {"metadata": metadata, "data": data}
    labels = [MANAGED, *sink.labels, *([MANAGED_BY] if standing.created else [])]
    metadata["labels"] = dict.fromkeys(labels)
    metadata["annotations"] = dict.fromkeys([*ANNOTATIONS, *sink.annotations])
    return {"metadata": metadata, "data": data}


def content_of(raw: Mapping[str, Any], sink: SecretSink) -> dict[str, bytes]:
    """Those of a sink's keys that an API server's Secret has."""
    data = _mapping(raw.get("data"))
    content = {key: _decoded(data.get(key)) for key in sink.data}
    return {key: value for key, value in content.items() if value is not None}


def standing(
    raw: Mapping[str, Any], sink: SecretSink, us: Installation, token_name: str
) -> Standing:
    """What an API server's Secret says; whatever is odd in it counts as not there."""
    metadata = _mapping(raw.get("metadata"))
    annotations, labels = _mapping(metadata.get("annotations")), _mapping(metadata.get("labels"))
    data = _mapping(raw.get("data"))
    managers = _managers(metadata.get("managedFields"))
    found = content_of(raw, sink)
    rendering = rendering_of(found) if len(found) == len(sink.data) else None
    record = record_of(annotations)
    mine = (us.field_manager,)
    named = {key: managers.get(key, ()) for key in found if found[key]}
    whole = record is not None and record.rendering == rendering
    # Somebody may have cleared managedFields; then the content itself must prove it.
    ours = {key for key in data if managers.get(key) == mine} | {
        key for key, who in named.items() if whole and not who
    }
    created = labels.get(MANAGED_BY) == CREATOR
    foreign = (
        set(data) - ours - set(found)
        | (set(labels) - {*LABELS, *sink.labels})
        | (set(annotations) - {*ANNOTATIONS, *sink.annotations})
    )
    tied = metadata.get("ownerReferences") or metadata.get("finalizers")
    return Standing(
        uid=str(metadata.get("uid", "")),
        version=str(metadata.get("resourceVersion", "")),
        type=str(raw.get("type", "Opaque")),
        immutable=raw.get("immutable") is True,
        leaving="deletionTimestamp" in metadata,
        owner=_text(annotations.get(OWNER)),
        token_name=_text(annotations.get(TOKEN_NAME)),
        record=record,
        rendering=rendering,
        managers=named,
        ours=frozenset(ours),
        created=created,
        dressed=_labels(sink).items() <= labels.items()
        and _annotations(sink, us, token_name).items() <= annotations.items(),
        alone=created and not foreign and not tied,
        controlled=_controlled(metadata.get("ownerReferences")),
    )


def claims(metadata: Mapping[str, Any], us: Installation, token_name: str) -> bool:
    """Whether an object's metadata says that it holds a token of ours."""
    annotations, labels = _mapping(metadata.get("annotations")), _mapping(metadata.get("labels"))
    signed = annotations.get(OWNER), annotations.get(TOKEN_NAME)
    return labels.get(MANAGED) == "true" and signed == (us.owner, token_name)


def record_of(annotations: Mapping[str, Any]) -> Record | None:
    """The record that annotations tell, None where they are not whole or contradict themselves."""
    issued, refresh, expires = (
        parse_rfc3339(annotations.get(key)) for key in (_ISSUED, _REFRESH, _EXPIRES)
    )
    rendering, fingerprint = annotations.get(_RENDERING), annotations.get(_FINGERPRINT)
    if issued is None or refresh is None or expires is None:
        return None
    if not isinstance(rendering, str) or not isinstance(fingerprint, str):
        return None
    return (
        Record(rendering, issued, refresh, expires, fingerprint)
        if issued <= refresh <= expires <= issued + LONGEST
        else None
    )


def _managers(raw: Any) -> dict[str, tuple[str, ...]]:
    """Who manages which key of `data` (Kubernetes "Server-Side Apply", field management)."""
    found: dict[str, list[str]] = {}
    for entry in raw if isinstance(raw, list) else []:
        fields = _mapping(_mapping(_mapping(entry).get("fieldsV1")).get("f:data"))
        manager = str(_mapping(entry).get("manager", ""))
        for field in fields:
            name = str(field).removeprefix("f:")
            if field != "." and manager not in found.setdefault(name, []):
                found[name].append(manager)
    return {key: tuple(who) for key, who in found.items()}


def _controlled(raw: Any) -> bool:
    references = raw if isinstance(raw, list) else []
    return any(_mapping(reference).get("controller") is True for reference in references)


def _decoded(value: Any) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
