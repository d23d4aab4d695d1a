"""What is asked of the API server about Leases: JSON patches (RFC 6902) that test what they change.

A patch whose tests fail changes nothing (HTTP 422), and the API server applies one at a time to a
Lease. So each is a compare-and-set of the very fields that it is about, and replicas that write
their word on the first Lease do not disturb its holder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, final

from secret_refresher.election.record import MEMBER, OWNER, SHARDS, LeaseRecord, Member

Patch = tuple[Mapping[str, Any], ...]


@final
class Why(Enum):
    """What an ask is for."""

    READ = "read"
    CREATE = "create"
    BEAT = "beat"
    """A replica's word on the first Lease; its answer says how many shards there are."""
    RENEW = "renew"
    TAKE = "take"
    RELEASE = "release"
    CLEAN = "clean"
    """The words of replicas that have been silent for long go."""
    LEAVE = "leave"
    """A replica's own word goes."""


@final
@dataclass(frozen=True, slots=True)
class Ask:
    """One request about the Lease of `shard`; `patch` is empty for reading and creating.

    A creation makes an empty Lease with `owner` on it and nothing else: it can change nothing of
    one that is there.
    """

    why: Why
    shard: int
    patch: Patch = ()
    owner: str = ""


@final
@dataclass(frozen=True, slots=True)
class Seated:
    """By which a holder is known: nobody else has taken the Lease since."""

    holder: str
    tenure: int


def beat(owner: str, who: str, word: Member, seated: Seated | None, stamp: str) -> Ask:
    """A replica's word; who holds the first Lease renews it in the same step."""
    renewal = () if seated is None else (*_tests(seated), _set("/spec/renewTime", stamp))
    word_patch = _add(_annotation(MEMBER + who), word.word())
    return Ask(Why.BEAT, 0, (_test(_annotation(OWNER), owner), *renewal, word_patch))


def renew(shard: int, owner: str, seated: Seated, stamp: str) -> Ask:
    """Goes on holding a Lease."""
    tests = (_test(_annotation(OWNER), owner), *_tests(seated))
    return Ask(Why.RENEW, shard, (*tests, _set("/spec/renewTime", stamp)))


def take(
    shard: int, found: LeaseRecord, holder: str, *, patience: int, shards: int, stamp: str
) -> Ask:
    """Takes a Lease that is as it was found.

    One that somebody had before is the same as long as nobody takes, renews or releases it. One
    that nobody has had, and a first Lease whose count changes, must be the very version.
    """
    first = shard == 0
    if found.transitions == 0 or (first and found.shards != shards):
        tests: Patch = (_test("/metadata/resourceVersion", found.version),)
    else:
        tests = (
            _test(_annotation(OWNER), found.owner),
            _test("/spec/holderIdentity", found.holder or None),
            _test("/spec/leaseTransitions", found.transitions),
            _test("/spec/renewTime", found.renewed or None),
            *((_test(_annotation(SHARDS), str(shards)),) if first else ()),
        )
    spec = {
        "holderIdentity": holder,
        "leaseDurationSeconds": patience,
        "leaseTransitions": found.transitions + 1,
        "acquireTime": stamp,
        "renewTime": stamp,
    }
    count = (_add(_annotation(SHARDS), str(shards)),) if first else ()
    return Ask(Why.TAKE, shard, (*tests, _add("/spec", spec), *count))


def release(shard: int, seated: Seated, stamp: str) -> Ask:
    """Gives a Lease up; whoever sees it may take it at once."""
    gone = {"op": "remove", "path": "/spec/holderIdentity"}
    return Ask(Why.RELEASE, shard, (*_tests(seated), gone, _set("/spec/renewTime", stamp)))


def clean(silent: Mapping[str, str]) -> Ask:
    """Removes words that are still the same; by id."""
    return Ask(Why.CLEAN, 0, tuple(_removals(silent.items())))


def leave(who: str, word: Member) -> Ask:
    """Removes a replica's own last word."""
    return Ask(Why.LEAVE, 0, tuple(_removals([(who, word.word())])))


def _removals(words: Iterable[tuple[str, str]]) -> Iterable[Mapping[str, Any]]:
    for who, word in words:
        yield _test(_annotation(MEMBER + who), word)
        yield {"op": "remove", "path": _annotation(MEMBER + who)}


def _tests(seated: Seated) -> Patch:
    return (
        _test("/spec/holderIdentity", seated.holder),
        _test("/spec/leaseTransitions", seated.tenure),
    )


def _annotation(key: str) -> str:
    return "/metadata/annotations/" + key.replace("~", "~0").replace("/", "~1")


def _test(path: str, value: object) -> Mapping[str, Any]:
    return {"op": "test", "path": path, "value": value}


def _add(path: str, value: object) -> Mapping[str, Any]:
    return {"op": "add", "path": path, "value": value}


def _set(path: str, value: object) -> Mapping[str, Any]:
    return {"op": "replace", "path": path, "value": value}
