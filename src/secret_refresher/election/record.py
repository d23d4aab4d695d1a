"""What stands on a Lease (coordination.k8s.io/v1), read and never trusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

OWNER = "secret-refresher.io/owner"
"""Annotation: the installation, `kubernetes.owner`. A Lease without ours is a stranger's."""
SHARDS = "secret-refresher.io/shards"
"""Annotation of the first Lease: how many shards there are."""
MEMBER = "members.secret-refresher.io/"
"""Annotations of the first Lease below it: one a replica, its last word; see `Member`."""
_NO_TEXTS: Mapping[str, str] = MappingProxyType({})
_WORD = re.compile(r"([1-9][0-9]{0,5}) ([0-9]{1,12}) ([1-9][0-9]{0,5}) ([-A-Za-z0-9.]{1,253})")
_ID = re.compile(r"[0-9a-f]{10}")


@final
@dataclass(frozen=True, slots=True)
class Member:
    """What a replica says of itself: no two of its words are the same.

    `shards`: the count that it is configured for. `beat`: a number that grows. `patience`: its
    leaseDuration in whole seconds. `host`: where it runs, for people.
    """

    shards: int
    beat: int
    patience: int
    host: str

    def word(self) -> str:
        """As it is written."""
        return f"{self.shards} {self.beat} {self.patience} {self.host}"


@final
@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """One Lease as it was read.

    `holder` is empty while nobody has it. `transitions` counts how often it was taken; 0 is a
    Lease that nobody has had since it was created. `duration`: seconds for which the holder
    wants to be waited for. `members`: the last word of each replica by its id, as written.
    """

    uid: str
    version: str
    holder: str
    transitions: int
    renewed: str
    duration: float
    owner: str | None
    shards: int | None
    members: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)

    @property
    def pulse(self) -> tuple[str, str, int, str]:
        """Changes whenever somebody takes, renews or releases it."""
        return self.uid, self.holder, self.transitions, self.renewed


def record(raw: Mapping[str, Any]) -> LeaseRecord:
    """The record of a Lease; what cannot be read counts as not there."""
    metadata, spec = _map(raw.get("metadata")), _map(raw.get("spec"))
    annotations = _map(metadata.get("annotations"))
    count = str(annotations.get(SHARDS, ""))
    return LeaseRecord(
        uid=str(metadata.get("uid", "")),
        version=str(metadata.get("resourceVersion", "")),
        holder=str(spec.get("holderIdentity") or ""),
        transitions=_number(spec.get("leaseTransitions")),
        renewed=str(spec.get("renewTime") or ""),
        duration=float(_number(spec.get("leaseDurationSeconds"))),
        owner=annotations.get(OWNER),
        shards=int(count) if re.fullmatch("[1-9][0-9]{0,5}", count) else None,
        members=MappingProxyType(
            {
                key.removeprefix(MEMBER): str(value)
                for key, value in annotations.items()
                if key.startswith(MEMBER) and _ID.fullmatch(key.removeprefix(MEMBER))
            }
        ),
    )


def member(word: str) -> Member | None:
    """A replica's word; None for one that no version of ours wrote."""
    match = _WORD.fullmatch(word)
    if match is None:
        return None
    return Member(int(match[1]), int(match[2]), int(match[3]), match[4])


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
