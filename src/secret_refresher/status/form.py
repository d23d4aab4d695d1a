"""The document as JSON: written by the daemon, read by the command, which may be of another age."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from secret_refresher.status.document import VERSION, Document
from secret_refresher.tokens.moments import parse_rfc3339, rfc3339

_KEYS = {
    "started": "startedAt",
    "retry": "retryAt",
    "over": "overAt",
    "told": "toldAt",
    "issued": "issuedAt",
    "refresh": "refreshAt",
    "expires": "expiresAt",
    "next": "nextFetchAt",
    "idle": "idleSeconds",
    "dark": "unavailableOrigins",
    "reload": "configuration",
    "restart": "restartNeededFor",
    "person": "needsPerson",
    "last": "lastFailure",
    "places": "sinkStates",
}
"""Attributes whose keys are other words."""
_INSTANTS = frozenset("now at since started retry over issued refresh expires next told".split())
"""Attributes that are seconds since the epoch, and RFC 3339 in the form."""


class UnreadableError(ValueError):
    """What was read is no document of ours; its text says what is wrong with it."""


def key_of(attribute: str) -> str:
    """The key of an attribute."""
    return _KEYS.get(attribute, attribute)


def dump(shown: Document) -> bytes:
    """One JSON object; what is not known is absent, and instants are RFC 3339 in UTC."""
    head = _mapping(shown)
    tokens = head.pop("tokens")
    whole = json.dumps({"version": VERSION, **head})
    # One by one, so that no other thread waits for the encoding of a thousand.
    lines = ",\n".join(map(json.dumps, tokens))
    return f'{whole[:-1]},\n"tokens": [\n{lines}\n]}}\n'.encode()


def _mapping(record: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in fields(record):
        value = getattr(record, each.name)
        if value is not None:
            found[key_of(each.name)] = _value(each.name, value)
    return found


def _value(name: str, value: Any) -> Any:
    if name in _INSTANTS:
        return rfc3339(value)
    if is_dataclass(value):
        return _mapping(value)
    if isinstance(value, tuple):
        return [_mapping(one) if is_dataclass(one) else one for one in value]
    if isinstance(value, Mapping):
        return dict(value)
    return round(value, 3) if isinstance(value, float) else value


# --- read ----------------------------------------------------------------------------------------


def load(content: bytes) -> Document:
    """The document that `dump` wrote; keys that are not known are left out.

    Raises `UnreadableError`.
    """
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError):
        raise UnreadableError("it is no JSON") from None
    if not isinstance(raw, dict) or "version" not in raw:
        raise UnreadableError("it has no version")
    if raw["version"] != VERSION:
        raise UnreadableError(f"it is of another version than {VERSION}")
    found: Document = _record(Document, raw, "")
    return found


def _record(of: Any, raw: Any, path: str) -> Any:
    if not isinstance(raw, dict):
        raise UnreadableError(f"{path or 'all of it'}: must be an object")
    hints = get_type_hints(of)
    given = {}
    for each in fields(of):
        key = key_of(each.name)
        if raw.get(key) is not None:
            given[each.name] = _read(each.name, hints[each.name], raw[key], f"{path}.{key}"[:99])
    try:
        return of(**given)
    except TypeError:
        raise UnreadableError(f"{path or 'all of it'}: something is missing") from None


def _read(name: str, kind: Any, raw: Any, path: str) -> Any:
    if name in _INSTANTS:
        instant = parse_rfc3339(raw)
        if instant is None:
            raise UnreadableError(f"{path}: must be an instant")
        return instant
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        if not isinstance(raw, list):
            raise UnreadableError(f"{path}: must be a list")
        return tuple(_read("", arguments[0], one, path) for one in raw)
    if origin is Mapping:
        if not isinstance(raw, dict):
            raise UnreadableError(f"{path}: must be an object")
        return {key: _read("", int, one, path) for key, one in raw.items()}
    if NoneType in arguments:
        (kind,) = (one for one in arguments if one is not NoneType)
    if is_dataclass(kind):
        return _record(kind, raw, path)
    right = (int, float) if kind is float else kind
    if not isinstance(raw, right) or (isinstance(raw, bool) and kind is not bool):
        raise UnreadableError(f"{path}: must be of another type")
    return raw
