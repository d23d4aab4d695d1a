"""The shape of a request parameter's value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

from secret_refresher.config.problems import Findings, Path
from secret_refresher.config.shapes import BAD, Schema, kind, unencodable

_DEEPEST = 20
_LARGEST = 2**63
"""Beyond 64 bits hardly any JSON reader agrees with another (RFC 8259 section 6)."""


@final
@dataclass(frozen=True, slots=True)
class JsonValue:
    """Anything that JSON can say; it stands as a whole, so nothing in it is merged or removed."""

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """The value itself, lists as tuples."""
        try:
            return _frozen(raw, _DEEPEST)
        except _NotJsonError as wrong:
            findings.add(at, str(wrong))
            return BAD

    def schema(self) -> Schema:
        """Anything."""
        return {}


class _NotJsonError(Exception):
    """Says why a value is none of JSON's."""


def _frozen(raw: Any, deeper: int) -> Any:
    if deeper == 0:
        raise _NotJsonError(f"must not nest deeper than {_DEEPEST}; write the inner part as a text")
    match raw:
        case list():
            return tuple(_frozen(item, deeper - 1) for item in raw)
        case dict():
            if not all(isinstance(key, str) for key in raw):
                raise _NotJsonError("must have texts as keys; put them in quotes")
            return {_text(key): _frozen(item, deeper - 1) for key, item in raw.items()}
        case str():
            return _text(raw)
        case None | bool():
            return raw
        case int() | float():
            if math.isfinite(raw) if isinstance(raw, float) else -_LARGEST <= raw < _LARGEST:
                return raw
            raise _NotJsonError("must be finite, and within 64 bits; put it in quotes")
        case _:
            raise _NotJsonError(f"must be what JSON can say, not {kind(raw)}; put it in quotes")


def _text(text: str) -> str:
    problem = unencodable(text)
    if problem is not None:
        raise _NotJsonError(problem)
    return text


def fits_a_form(value: Any) -> bool:
    """Whether a form or a query can carry a read value: a scalar, or a list of them."""
    values = value if isinstance(value, tuple) else (value,)
    return all(isinstance(item, str | int | float) for item in values)
