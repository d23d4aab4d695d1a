"""The Secrets of an API server, as far as anybody here asks: a model of Kubernetes' own rules.

Held to a real one by tests/cluster/test_simulated_secrets.py. See Kubernetes "Server-Side Apply"
and "API Concepts".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

Place = tuple[str, str]
Path = tuple[str, ...]
Said = tuple[int, dict[str, Any]]
"""HTTP status and JSON object."""
_MAPS = ("labels", "annotations")


@final
@dataclass(slots=True)
class Held:
    """One object: its leaves by path, and who manages which of them, how.

    `owners`: (manager, operation) to paths; operation `Apply` or `Update`.
    """

    uid: str
    version: int
    leaves: dict[Path, Any]
    owners: dict[tuple[str, str], set[Path]] = field(default_factory=dict)

    def copy(self) -> tuple[dict[Path, Any], dict[tuple[str, str], set[Path]]]:
        """Leaves, which have nothing in them that changes, and owners as they are now."""
        return dict(self.leaves), {who: set(paths) for who, paths in self.owners.items()}


@final
class SecretStore:
    """Objects by place.

    `changed` is told of every place whose object has another version, of that, and who wrote it.
    """

    def __init__(self, changed: Callable[[Place, str, str], None]) -> None:
        self.objects: dict[Place, Held] = {}
        self._changed = changed
        self._version = 10
        self._uid = 0

    def get(self, place: Place) -> Said:
        """As it is."""
        held = self.objects.get(place)
        return _missing(place) if held is None else (200, _shown(place, held))

    def version(self, place: Place) -> str:
        """Its resourceVersion; empty where there is none."""
        held = self.objects.get(place)
        return "" if held is None else str(held.version)

    def create(self, place: Place, body: Mapping[str, Any], manager: str) -> Said:
        """A plain create."""
        if place in self.objects:
            return _conflict("AlreadyExists", "exists")
        held = self._new(place, {("type",): "Opaque", **_leaves(body)}, manager)
        held.owners[manager, "Update"] = set(held.leaves)
        return 201, _shown(place, held)

    def apply(self, place: Place, body: Mapping[str, Any], manager: str, *, force: bool) -> Said:
        """Server-side apply.

        A field that somebody else manages with another value is a conflict, unless forced; what
        we applied before and do not any more goes, unless somebody else manages it too.
        """
        metadata = body["metadata"]
        held = self.objects.get(place)
        wanted = _leaves(body)
        conflicts = {} if held is None else self._conflicts(held, wanted, manager)
        if conflicts and not force:
            return _field_conflicts(conflicts)  # said first, even of another version
        refused = self._precondition(held, metadata, creates=True)
        if refused is not None:
            return refused
        if held is None:
            held = self._new(place, {("type",): "Opaque", **wanted}, manager)
            held.owners[manager, "Apply"] = set(wanted)
            return 201, _shown(place, held)
        immutable = held.leaves.get(("immutable",)) is True
        before = held.copy()
        for who, paths in held.owners.items():
            if who != (manager, "Apply"):
                paths.difference_update(conflicts)
        dropped = held.owners.get((manager, "Apply"), set()) - wanted.keys()
        held.owners[manager, "Apply"] = set(wanted)
        managed = set().union(*held.owners.values())
        for path in dropped - managed:
            held.leaves.pop(path, None)
        held.leaves |= wanted
        return self._written(place, held, before, manager, immutable=immutable)

    def merge(self, place: Place, body: Mapping[str, Any], manager: str) -> Said:
        """A merge patch (RFC 7396), by whoever edits."""
        held = self.objects.get(place)
        if held is None:
            return _missing(place)
        refused = self._precondition(held, body.get("metadata", {}), creates=False)
        if refused is not None:
            return refused
        immutable = held.leaves.get(("immutable",)) is True
        before = held.copy()
        for path, value in _leaves(body, nulls=True).items():
            if value is None:
                held.leaves.pop(path, None)
                for paths in held.owners.values():
                    paths.discard(path)
            elif held.leaves.get(path) != value:
                held.leaves[path] = value
                for paths in held.owners.values():
                    paths.discard(path)
                held.owners.setdefault((manager, "Update"), set()).add(path)
        return self._written(place, held, before, manager, immutable=immutable)

    def delete(self, place: Place, body: Mapping[str, Any] | None, manager: str) -> Said:
        """Deletes; the preconditions of DeleteOptions hold."""
        held = self.objects.get(place)
        if held is None:
            return _missing(place)
        wanted = (body or {}).get("preconditions", {})
        refused = self._precondition(held, wanted, creates=False)
        if refused is not None:
            return refused
        del self.objects[place]
        self._version += 1
        self._changed(place, "", manager)
        return 200, {"kind": "Status", "status": "Success"}

    @staticmethod
    def _conflicts(held: Held, wanted: Mapping[Path, Any], manager: str) -> dict[Path, str]:
        return {
            path: other
            for (other, operation), paths in held.owners.items()
            if (other, operation) != (manager, "Apply")
            for path in paths & wanted.keys()
            if held.leaves.get(path) != wanted[path]
        }

    # --- within ----------------------------------------------------------------------------------

    def _new(self, place: Place, leaves: dict[Path, Any], manager: str) -> Held:
        self._version += 1
        self._uid += 1
        held = self.objects[place] = Held(f"uid-{self._uid}", self._version, leaves)
        self._changed(place, str(held.version), manager)
        return held

    def _written(
        self, place: Place, held: Held, before: tuple[Any, Any], manager: str, *, immutable: bool
    ) -> Said:
        held.owners = {who: paths for who, paths in held.owners.items() if paths}
        leaves, owners = before
        if leaves.get(("type",)) != held.leaves.get(("type",)) or (
            immutable and _data(leaves) != _data(held.leaves)
        ):
            held.leaves, held.owners = leaves, owners
            return 422, _status(422, "Invalid", "field is immutable")
        if before != (held.leaves, held.owners):
            self._version += 1
            held.version = self._version
            self._changed(place, str(held.version), manager)
        return 200, _shown(place, held)

    @staticmethod
    def _precondition(
        held: Held | None, wanted: Mapping[str, Any], *, creates: bool
    ) -> Said | None:
        uid, version = wanted.get("uid"), wanted.get("resourceVersion")
        if held is None:
            missing = creates and uid is not None
            return _conflict("Conflict", "uid mismatch") if missing else None
        if uid not in {None, held.uid} or version not in {None, str(held.version)}:
            return _conflict("Conflict", "the object has been modified")
        return None


def _leaves(body: Mapping[str, Any], *, nulls: bool = False) -> dict[Path, Any]:
    """The fields that somebody can manage on their own."""
    metadata = body.get("metadata", {})
    found: dict[Path, Any] = {}
    for name in _MAPS:
        found |= {(name, key): value for key, value in metadata.get(name, {}).items()}
    found |= {("data", key): value for key, value in body.get("data", {}).items()}
    for name in ("type", "immutable"):
        if name in body:
            found[name,] = body[name]
    return found if nulls else {path: value for path, value in found.items() if value is not None}


def _data(leaves: Mapping[Path, Any]) -> dict[Path, Any]:
    return {path: value for path, value in leaves.items() if path[0] == "data"}


def _shown(place: Place, held: Held) -> dict[str, Any]:
    namespace, name = place
    leaves = held.leaves
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "uid": held.uid,
        "resourceVersion": str(held.version),
        "managedFields": [
            {"manager": who, "operation": operation, "fieldsV1": _fields(paths)}
            for (who, operation), paths in held.owners.items()
        ],
    }
    shown: dict[str, Any] = {"kind": "Secret", "apiVersion": "v1", "metadata": metadata}
    for path, value in leaves.items():
        if len(path) == 1:
            shown[path[0]] = value
        else:
            (metadata if path[0] in _MAPS else shown).setdefault(path[0], {})[path[1]] = value
    return shown


def _fields(paths: set[Path]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for path in sorted(paths):
        inner = fields
        if path[0] in _MAPS:
            inner = inner.setdefault("f:metadata", {})
        for part in path:
            inner = inner.setdefault(f"f:{part}", {})
    return fields


# --- answers -------------------------------------------------------------------------------------


def _status(code: int, reason: str, message: str, causes: object = ()) -> dict[str, Any]:
    return {
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": {"causes": list(causes)},  # type: ignore[call-overload]
    }


def _missing(place: Place) -> Said:
    return 404, _status(404, "NotFound", f"{place} not found")


def _conflict(reason: str, message: str) -> Said:
    return 409, _status(409, reason, message)


def _field_conflicts(conflicts: Mapping[Path, str]) -> Said:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{who}"',
            "field": "".join(
                f".{part}" for part in (("metadata", *path) if path[0] in _MAPS else path)
            ),
        }
        for path, who in sorted(conflicts.items())
    ]
    return 409, _status(409, "Conflict", f"{len(causes)} conflicts", causes)
