"""The Leases of an API server, as far as anybody here asks: a model of Kubernetes' own rules.

Held to a real one by tests/cluster/test_simulated_leases.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from support.json_patch import TestFailedError, patched

Place = tuple[str, str]
Said = tuple[int, dict[str, Any]]
"""HTTP status and JSON object."""


@final
@dataclass(slots=True)
class Held:
    """One Lease. `appliers`: who manages which annotations by server-side apply."""

    content: dict[str, Any]
    appliers: dict[str, set[str]] = field(default_factory=dict)


@final
class LeaseStore:
    """Leases by namespace and name: one change at a time, each a new version."""

    def __init__(self) -> None:
        self.leases: dict[Place, Held] = {}
        self._version = 10
        self._uids = 0

    def get(self, place: Place) -> Said:
        """As it is."""
        held = self.leases.get(place)
        return _status(404, "NotFound") if held is None else (200, held.content)

    def holder(self, place: Place) -> str:
        """Who has it; empty for nobody."""
        held = self.leases.get(place)
        return "" if held is None else held.content["spec"].get("holderIdentity", "")

    def apply(self, place: Place, body: Mapping[str, Any], manager: str) -> Said:
        """Server-side apply, without force, of annotations and nothing else.

        Who applies what stands there already becomes a manager of it, which is a new version.
        """
        wanted = body["metadata"]["annotations"]
        held = self.leases.get(place)
        if held is None:
            self._uids += 1
            content = {
                "kind": "Lease",
                "metadata": {"uid": f"uid-{self._uids}", "annotations": dict(wanted)},
                "spec": {},
            }
            held = self.leases[place] = Held(content, {manager: set(wanted)})
            self._store(held, content)
            return 201, held.content
        there = held.content["metadata"].get("annotations", {})
        others = set[str]().union(*(keys for who, keys in held.appliers.items() if who != manager))
        if any(there.get(key, value) != value and key in others for key, value in wanted.items()):
            return _status(409, "Conflict")
        if held.appliers.get(manager) != set(wanted) or there != {**there, **wanted}:
            held.appliers[manager] = set(wanted)
            annotations = {**there, **wanted}
            metadata = {**held.content["metadata"], "annotations": annotations}
            self._store(held, {**held.content, "metadata": metadata})
        return 200, held.content

    def patch(self, place: Place, operations: Iterable[Mapping[str, Any]]) -> Said:
        """A JSON patch: all of it or nothing; one that changes nothing is no new version."""
        held = self.leases.get(place)
        if held is None:
            return _status(404, "NotFound")
        try:
            changed = patched(held.content, operations)
        except TestFailedError:
            return _status(422, "Invalid")
        if changed != held.content:
            self._store(held, changed)
        return 200, held.content

    def _store(self, held: Held, content: dict[str, Any]) -> None:
        self._version += 1
        metadata = {**content["metadata"], "resourceVersion": str(self._version)}
        held.content = {**content, "metadata": metadata}


def _status(code: int, reason: str) -> Said:
    return code, {"kind": "Status", "code": code, "reason": reason, "status": "Failure"}
