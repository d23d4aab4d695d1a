"""`defaults` under each token, on raw mappings, before anything is read."""

from __future__ import annotations

from typing import Any

_EXCLUSIVE = {"clientId": "clientIdFile", "clientIdFile": "clientId"}
"""Keys of which a token's one removes the default's other."""


def merged(default: dict[Any, Any], own: dict[Any, Any]) -> dict[Any, Any]:
    """`own` over `default`: maps merge, lists and scalars replace, null removes."""
    result = dict(default)
    for key in own:
        result.pop(_EXCLUSIVE.get(key), None)
    for key, value in own.items():
        beneath = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(beneath if isinstance(beneath, dict) else {}, value)
        else:
            result[key] = value
    return result


def holds(raw: Any, path: str) -> bool:
    """Whether a raw mapping has something at a dotted path, or at a part of it that ends there.

    A path into a list counts as the list: lists are never merged.
    """
    for part in path.partition("[")[0].split("."):
        if not isinstance(raw, dict) or part not in raw:
            return False
        raw = raw[part]
    return True
