"""The simulated Leases answer as those of a real API server do."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from secret_refresher.election import asks
from secret_refresher.election.asks import Patch, Seated
from secret_refresher.election.record import MEMBER, OWNER, LeaseRecord, Member, record
from support.cluster import Cluster
from support.simulation.lease_store import LeaseStore

OWNERS = ("default/ours", "default/ours", "default/ours", "other/theirs")
CREATORS = ("secret-refresher-aa", "secret-refresher-bb")
WHO = ("aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc")
Said = tuple[int, Mapping[str, Any]]


class Pair:
    """The same requests to a real server and to the simulated one."""

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._real = cluster.admin
        self._place = (namespace, name)
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
        self._store = LeaseStore()

    def create(self, owner: str, manager: str) -> tuple[Said, Said]:
        """An empty Lease of an owner, unless there is one."""
        namespace, name = self._place
        metadata = {"name": name, "namespace": namespace, "annotations": {OWNER: owner}}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
        query = {"fieldManager": manager, "force": "false"}
        kind = "application/apply-patch+yaml"
        answer = self._real.request("PATCH", self._path, params=query, body=body, content_type=kind)
        mine = self._store.apply(self._place, body, manager)
        return (answer.status_code, answer.json()), mine

    def patch(self, real: Patch, simulated: Patch) -> tuple[Said, Said]:
        """A JSON patch; each may name what its own server has said."""
        kind = "application/json-patch+json"
        query = {"fieldManager": "secret-refresher"}
        answer = self._real.request(
            "PATCH", self._path, params=query, body=list(real), content_type=kind
        )
        return (answer.status_code, answer.json()), self._store.patch(self._place, simulated)

    def look(self) -> tuple[Said, Said]:
        """What both have now."""
        answer = self._real.request("GET", self._path)
        return (answer.status_code, answer.json()), self._store.get(self._place)


def shape(said: Said) -> object:
    """What of an answer an election goes by; versions and uids are each server's own."""
    status, content = said
    found = replace(record(content), uid="", version="")
    return (status, found if content.get("kind") == "Lease" else None)


def patch(dice: random.Random, found: LeaseRecord, what: str) -> Patch:
    """One of those that replicas make of a Lease as they have seen it, or a little otherwise."""
    who = dice.choice(WHO)
    if dice.random() < 0.3:  # it has changed since
        found = replace(
            found,
            version=dice.choice([found.version, "1"]),
            transitions=dice.choice([found.transitions, found.transitions + 1]),
            holder=dice.choice([found.holder, "", f"pod_{who}"]),
            renewed=dice.choice([found.renewed, ""]),
        )
    stamp = f"2026-11-24T20:17:{dice.randrange(60):02}.{dice.randrange(3):06}Z"
    word = Member(dice.choice([1, 2]), dice.randrange(3), 10, "pod")
    seated = Seated(found.holder or f"pod_{who}", found.transitions)
    words = dict(found.members) or {who: word.word()}
    owner = found.owner or OWNERS[0]
    match what:
        case "beat":
            return asks.beat(owner, who, word, dice.choice([None, seated]), stamp).patch
        case "renew":
            return asks.renew(1, owner, seated, stamp).patch
        case "take":
            shards, shard = dice.choice([1, 2]), dice.choice([0, 1])
            holder = f"pod_{who}"
            took = asks.take(shard, found, holder, patience=10, shards=shards, stamp=stamp)
            return took.patch
        case "release":
            return asks.release(0, seated, stamp).patch
        case "clean":
            return asks.clean(words).patch
        case _:
            return asks.leave(who, word).patch


@pytest.mark.parametrize("seed", range(8))
def test_both_answer_alike(cluster: Cluster, namespace: str, seed: int) -> None:
    """Whatever replicas ask of a Lease: that is there or not, as they knew it or changed since."""
    pair, operations = Pair(cluster, namespace, f"pair-{seed}"), random.Random(seed)  # noqa: S311
    before: list[str | None] = [None, None]
    for step in range(40):
        what = operations.choice(["create", "beat", "renew", "take", "take", "release", "clean"])
        seen = [record(said[1]) for said in pair.look()]
        draw = operations.random()
        if what == "create":
            owner, creator = operations.choice(OWNERS), operations.choice(CREATORS)
            said = pair.create(owner, creator)
        else:
            made = [patch(random.Random(draw), found, what) for found in seen]  # noqa: S311
            said = pair.patch(*made)
        where = f"step {step}: {what}"
        assert shape(said[1]) == shape(said[0]), where
        looks = pair.look()
        assert shape(looks[1]) == shape(looks[0]), where
        versions = [look[1].get("metadata", {}).get("resourceVersion") for look in looks]
        assert (versions[0] == before[0]) == (versions[1] == before[1]), where
        before = versions


def test_a_stranger_of_ours_is_found_out(cluster: Cluster, namespace: str) -> None:
    """Two creators of one mind make one Lease of two managers; of two minds, one is refused."""
    pair = Pair(cluster, namespace, "two")
    for owner, creator, wanted in (
        ("default/ours", CREATORS[0], 201),
        ("default/ours", CREATORS[1], 200),
        ("other/theirs", CREATORS[1], 409),
    ):
        for status, content in pair.create(owner, creator):
            assert status == wanted
            assert MEMBER not in str(content)
