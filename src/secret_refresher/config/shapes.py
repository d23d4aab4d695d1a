"""Shapes: each reads one kind of YAML value, and tells its own JSON Schema.

Reading never stops at the first problem: a shape notes what is wrong, returns `BAD`, and its
neighbours go on.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol, final

from secret_refresher.config.problems import Findings

BAD: Any = object()
"""What a shape returns where it noted a problem."""
Schema = dict[str, Any]
Check = Callable[[str], str | None]
"""Says what is wrong with a text, or None."""


class Shape(Protocol):
    """Reads a raw value to a typed one."""

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """The typed value, or `BAD` after noting why not. `at` is the value's path."""
        ...

    def schema(self) -> Schema:
        """The JSON Schema (draft 2020-12) of the raw value."""
        ...


def told(value: object) -> str:
    """What somebody wrote by mistake, in YAML's words, without quoting a long one."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"[:40]
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "a mapping"


@final
@dataclass(frozen=True, slots=True)
class Text:
    """A string, with what else must hold for it."""

    check: Check = lambda _text: None
    pattern: str | None = None

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """A str."""
        if not isinstance(value, str):
            findings.add(at, f"must be a text, not {told(value)}; put it in quotes")
            return BAD
        problem = "must not be empty" if value == "" else self.check(value)
        if problem is not None:
            findings.add(at, problem)
            return BAD
        return value

    def schema(self) -> Schema:
        """A string."""
        pattern = {} if self.pattern is None else {"pattern": self.pattern}
        return {"type": "string", "minLength": 1, **pattern}


@final
@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: type[StrEnum]

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """A member of the enum."""
        known = [str(word) for word in self.words]
        if isinstance(value, str) and value in known:
            return self.words(value)
        findings.add(at, f"must be one of {', '.join(known)}{_perhaps(str(value), known)}")
        return BAD

    def schema(self) -> Schema:
        """An enum."""
        return {"enum": [str(word) for word in self.words]}


@final
@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """A bool."""
        if isinstance(value, bool):
            return value
        findings.add(at, f"must be true or false, not {told(value)}")
        return BAD

    def schema(self) -> Schema:
        """A boolean."""
        return {"type": "boolean"}


@final
@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds, both included; `whole` allows integers only."""

    least: float
    most: float
    whole: bool = False

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """A float, or an int where `whole`."""
        kinds = (int,) if self.whole else (int, float)
        right = isinstance(value, kinds) and not isinstance(value, bool)
        if right and math.isfinite(value) and self.least <= value <= self.most:
            return value if self.whole else float(value)
        what = "a whole number" if self.whole else "a number"
        findings.add(at, f"must be {what} from {self.least:g} to {self.most:g}, not {told(value)}")
        return BAD

    def schema(self) -> Schema:
        """A number or an integer."""
        kind = "integer" if self.whole else "number"
        return {"type": kind, "minimum": self.least, "maximum": self.most}


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = r"^([0-9]+(\.[0-9]+)?(ms|h|m|s))+$"
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)")


@final
@dataclass(frozen=True, slots=True)
class Duration:
    """A time as `90s`, `5m` or `1h30m`; bounds in seconds, both included."""

    least: float
    most: float

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """Seconds as a float."""
        if not isinstance(value, str) or len(value) > 40 or not re.fullmatch(_DURATION, value):  # noqa: PLR2004 - longer than any time that makes sense
            findings.add(at, f"must be a time as 90s, 5m or 1h30m, not {told(value)}")
            return BAD
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
        if not self.least <= seconds <= self.most:
            findings.add(at, f"must be from {span(self.least)} to {span(self.most)}")
            return BAD
        return seconds

    def schema(self) -> Schema:
        """A string with a pattern."""
        return {"type": "string", "pattern": _DURATION}


def span(seconds: float) -> str:
    """Seconds as a duration is written."""
    for unit in ("h", "m", "s"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:.0f}{unit}"
    return "0s" if seconds == 0 else f"{seconds * 1000:.0f}ms"


@final
@dataclass(frozen=True, slots=True)
class Mode:
    """Permission bits as a quoted octal text."""

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """The bits as an int."""
        if isinstance(value, int) and not isinstance(value, bool):
            findings.add(at, f'must be in quotes, as "0440": YAML read it as the number {value}')
            return BAD
        if not isinstance(value, str) or not re.fullmatch(r"0?[0-7]{3}", value):
            findings.add(at, 'must be three or four octal digits in quotes, as "0440"')
            return BAD
        bits = int(value, 8)
        if bits & 0o113 or not bits & 0o400:
            findings.add(
                at, 'must let the owner read, and nobody execute, nor others write, as "0440"'
            )
            return BAD
        return bits

    def schema(self) -> Schema:
        """A string with a pattern."""
        return {"type": "string", "pattern": "^0?[0-7]{3}$"}


@final
@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    of: Shape
    least: int = 0

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """A tuple."""
        if not isinstance(value, list):
            findings.add(at, f"must be a list, not {told(value)}; write - before each entry")
            return BAD
        if len(value) < self.least:
            findings.add(at, "must not be empty")
            return BAD
        read = [self.of.read(item, f"{at}[{i}]", findings) for i, item in enumerate(value)]
        return BAD if any(item is BAD for item in read) else tuple(read)

    def schema(self) -> Schema:
        """An array."""
        least = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.of.schema(), **least}


@final
@dataclass(frozen=True, slots=True)
class Table:
    """A mapping whose keys are the user's own; `check` says what is wrong with a key."""

    of: Shape
    check: Check

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """A read-only mapping."""
        if not isinstance(value, dict):
            findings.add(at, f"must be a mapping, not {told(value)}")
            return BAD
        read: dict[str, Any] = {}
        for key, item in value.items():
            problem = self.check(key) if isinstance(key, str) else "names must be texts"
            if problem is not None:
                findings.add(f"{at}.{key}"[:200], problem)
                read[str(key)] = BAD
            else:
                read[key] = self.of.read(item, f"{at}.{key}", findings)
        return BAD if any(item is BAD for item in read.values()) else MappingProxyType(read)

    def schema(self) -> Schema:
        """An object with any names."""
        return {"type": "object", "additionalProperties": self.of.schema()}


@final
@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section: the attribute that it fills, its shape, and what it means."""

    attribute: str
    shape: Shape
    doc: str


@final
class Section:
    """A mapping with known keys, read to a frozen dataclass.

    A key is required where the dataclass has no default for its attribute.
    """

    def __init__(self, holds: type[Any], doc: str, keys: Mapping[str, Key]) -> None:
        self.holds = holds
        self.doc = doc
        self.keys = keys
        self.required = {
            field.name
            for field in fields(holds)
            if field.default is MISSING and field.default_factory is MISSING
        }

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """An instance of the dataclass."""
        values = self.read_keys(value, at, findings)
        if values is BAD:
            return BAD
        missing = [
            key
            for key, known in self.keys.items()
            if known.attribute in self.required and known.attribute not in values
        ]
        for key in missing:
            findings.add(f"{at}.{key}", f"is missing; {self.keys[key].doc}")
        if missing or any(item is BAD for item in values.values()):
            return BAD
        return self.holds(**values)

    def read_keys(self, value: Any, at: str, findings: Findings) -> Any:
        """What is there, by attribute, without asking for what is not; `BAD` if no mapping."""
        if not isinstance(value, dict):
            findings.add(at, f"must be a mapping, not {told(value)}")
            return BAD
        values: dict[str, Any] = {}
        for key, item in value.items():
            known = self.keys.get(key) if isinstance(key, str) else None
            where = f"{at}.{key}" if at else str(key)
            if known is None:
                names = sorted(self.keys)
                hint = _perhaps(str(key), names) or f"; there are {', '.join(names)}"
                findings.add(where[:200], f"is not known{hint}")
                values[f"?{key}"] = BAD
            else:
                values[known.attribute] = known.shape.read(item, where, findings)
        return values

    def schema(self) -> Schema:
        """A closed object."""
        properties = {
            key: {"description": known.doc, **known.shape.schema()}
            for key, known in self.keys.items()
        }
        required = [k for k, known in self.keys.items() if known.attribute in self.required]
        return {
            "type": "object",
            "description": self.doc,
            "additionalProperties": False,
            "properties": properties,
            **({"required": required} if required else {}),
        }


def _perhaps(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
