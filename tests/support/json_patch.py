"""JSON patches (RFC 6902) of objects, as the API server takes them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any


class TestFailedError(Exception):
    """A test failed, or a path is not there."""

    __test__ = False


def patched(target: Mapping[str, Any], operations: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A copy with all of them made; raises `TestFailedError`."""
    changed = copy.deepcopy(dict(target))
    for operation in operations:
        _apply(changed, operation)
    return changed


def _apply(target: dict[str, Any], operation: Mapping[str, Any]) -> None:
    """One operation; testing for null passes where nothing is."""
    *parents, last = [
        part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]
    ]
    place: Any = target
    for part in parents:
        place = place.get(part)
        if not isinstance(place, dict):
            raise TestFailedError
    match operation["op"]:
        case "test":
            if place.get(last) != operation["value"]:
                raise TestFailedError
        case "add":
            place[last] = copy.deepcopy(operation["value"])
        case "replace" if last in place:
            place[last] = operation["value"]
        case "remove" if last in place:
            del place[last]
        case _:
            raise TestFailedError
