"""The simulated Secrets answer as those of a real API server do."""

from __future__ import annotations

import base64
import random
from collections.abc import Mapping
from typing import Any

import pytest

from support.cluster import Cluster
from support.simulation.secret_store import SecretStore

MANAGERS = ("secret-refresher", "kubectl-edit", "other")
KEYS = ("token", "raw", "more")
OPERATIONS = ("apply", "apply", "apply", "force", "merge", "merge", "merge", "delete", "create")
Said = tuple[int, Mapping[str, Any]]


class Pair:
    """The same requests to a real server and to the simulated one."""

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._real = cluster.admin
        self._place = (namespace, name)
        self._path = f"/api/v1/namespaces/{namespace}/secrets"
        self._store = SecretStore(lambda *_: None)
        self.seen: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {})

    def do(self, what: str, body: dict[str, Any], manager: str, version: str) -> tuple[Said, Said]:
        """One operation on both; `version` says which resourceVersion and uid it names."""
        real, simulated = ({**body, "metadata": self._named(body, version, n)} for n in (0, 1))
        store, place, one = self._store, self._place, f"{self._path}/{self._place[1]}"
        query = {"fieldManager": manager}
        match what:
            case "create":
                answer = self._real.request("POST", self._path, params=query, body=real)
                return (answer.status_code, answer.json()), store.create(place, simulated, manager)
            case "delete":
                wanted = ({}, {}) if version == "none" else self._conditions(version)
                options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": wanted[0]}
                answer = self._real.request("DELETE", one, body=options)
                mine = store.delete(place, {"preconditions": wanted[1]}, manager)
                return (answer.status_code, answer.json()), mine
            case "merge":
                kind = "application/merge-patch+json"
                mine = store.merge(place, simulated, manager)
            case _:
                kind = "application/apply-patch+yaml"
                query["force"] = str(what == "force").lower()
                mine = store.apply(place, simulated, manager, force=what == "force")
        answer = self._real.request("PATCH", one, params=query, body=real, content_type=kind)
        return (answer.status_code, answer.json()), mine

    def look(self) -> tuple[Said, Said]:
        """What both have now."""
        answer = self._real.request("GET", f"{self._path}/{self._place[1]}")
        found = (answer.status_code, answer.json()), self._store.get(self._place)
        self.seen = tuple(said[1] if said[0] == 200 else {} for said in found)  # type: ignore[assignment]
        return found

    def _conditions(self, version: str) -> tuple[dict[str, str], dict[str, str]]:
        found = []
        for seen in self.seen:
            metadata = seen.get("metadata", {})
            uid, known = metadata.get("uid", "gone"), metadata.get("resourceVersion", "1")
            stale = {"uid": uid, "resourceVersion": "2"}
            fresh = {"uid": uid, "resourceVersion": known}
            found.append({"fresh": fresh, "stale": stale, "new": {"resourceVersion": "1"}}[version])
        return found[0], found[1]

    def _named(self, body: dict[str, Any], version: str, number: int) -> dict[str, Any]:
        namespace, name = self._place
        metadata = {**body.get("metadata", {}), "name": name, "namespace": namespace}
        return metadata if version == "none" else metadata | self._conditions(version)[number]


def shape(said: Said) -> object:
    """What of an answer the sink goes by."""
    status, content = said
    if content.get("kind") != "Secret":
        causes = content.get("details", {}).get("causes") or []
        fields = {str(cause["field"]) for cause in causes if "field" in cause}
        return status, sorted(fields) if status == 409 else []
    metadata = content["metadata"]
    managers = sorted(
        (entry["manager"], entry["operation"], key)
        for entry in metadata.get("managedFields", [])
        for key in entry["fieldsV1"].get("f:data", {})
        if key != "."
    )
    return (
        status,
        content.get("data") or {},
        metadata.get("labels") or {},
        metadata.get("annotations") or {},
        content["type"],
        managers,
    )


def body(dice: random.Random, *, nulls: bool) -> dict[str, Any]:
    """Some keys, labels and annotations."""
    values = [base64.b64encode(text).decode() for text in (b"one", b"two")]
    choices = [*values, None] if nulls else values
    data = {key: dice.choice(choices) for key in KEYS if dice.random() < 0.5}
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data}
    texts = ["a", "b", None] if nulls else ["a", "b"]
    made["metadata"] = {
        name: {key: dice.choice(texts) for key in ("x", "y") if dice.random() < 0.5}
        for name in ("labels", "annotations")
    }
    made["metadata"] = {name: texts for name, texts in made["metadata"].items() if texts}
    return {name: value for name, value in made.items() if value}  # an empty map is a field too


@pytest.mark.parametrize("seed", range(8))
def test_both_answer_alike(cluster: Cluster, namespace: str, seed: int) -> None:
    """Whatever is applied, edited, deleted and created, by whom, with which preconditions."""
    dice = random.Random(seed)  # noqa: S311 - operations, not secrets
    pair = Pair(cluster, namespace, f"pair-{seed}")
    before: list[str | None] = [None, None]
    for step in range(30):
        what = dice.choice(OPERATIONS)
        version = dice.choice(["none", "none", "fresh", "stale", "new"])
        if what in {"create", "merge"} or (what == "delete" and version == "new"):
            version = "none"
        told = what, version, body(dice, nulls=what == "merge"), dice.choice(MANAGERS)
        real, mine = pair.do(what, told[2], told[3], version)
        where = f"step {step}: {told}"
        assert shape(mine) == shape(real), where
        real, mine = pair.look()
        assert shape(mine) == shape(real), where
        versions = [seen.get("metadata", {}).get("resourceVersion") for seen in pair.seen]
        assert (versions[0] == before[0]) == (versions[1] == before[1]), where
        before = versions
