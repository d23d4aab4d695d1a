"""Shapes: each reads one kind of YAML value, and tells its own JSON Schema.

Reading never stops at the first problem: a shape notes what is wrong and returns `BAD`, and its
neighbours go on. No message quotes a text that was given: it may be a secret in the wrong place.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Protocol, final, runtime_checkable

from secret_refresher.config.problems import Findings, Path

BAD: Any = object()
"""What a shape returns where it noted a problem."""
Schema = dict[str, Any]
Check = Callable[[str], str | None]
"""Says what is wrong with a text, or None."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LONGEST_SHOWN = 10**15


class Shape(Protocol):
    """Reads a raw value to a typed one."""

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """The typed value, or `BAD` after noting why not; `at` is where the raw one stands."""
        ...

    def schema(self) -> Schema:
        """The JSON Schema (draft 2020-12) of the raw value; never stricter than `read`."""
        ...


@runtime_checkable
class Showing(Shape, Protocol):
    """A shape whose default the schema can show."""

    def show(self, value: Any) -> Any:
        """The raw value that reads as `value`."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Text:
    """A string; `check` says what else must hold, and `pattern` as much of it as a schema can.

    `empty`: whether it may be empty.
    """

    check: Check = lambda _text: None
    pattern: str | None = None
    empty: bool = False

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """A str."""
        problem = self._problem(raw)
        if problem is None:
            return raw
        findings.add(at, problem)
        return BAD

    def _problem(self, raw: Any) -> str | None:
        if not isinstance(raw, str):
            return f"must be a text, not {kind(raw)}{_quotes(raw)}"
        if not raw and not self.empty:
            return "must not be empty"
        return unencodable(raw) or self.check(raw)

    def show(self, value: Any) -> Any:
        """As it is."""
        return value

    def schema(self) -> Schema:
        """A string."""
        pattern = {} if self.pattern is None else {"pattern": self.pattern}
        return {"type": "string", **({} if self.empty else {"minLength": 1}), **pattern}


@final
@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[StrEnum, ...]

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """A member of the enum."""
        known = {str(word): word for word in self.words}
        if isinstance(raw, str) and raw in known:
            return known[raw]
        meant = closest(raw, known) if isinstance(raw, str) else None
        perhaps = f"; did you mean {meant}?" if meant else ""
        given = "" if isinstance(raw, str) else f", not {kind(raw)}{_quotes(raw)}"
        findings.add(at, f"must be {either(list(known))}{given}{perhaps}")
        return BAD

    def show(self, value: Any) -> Any:
        """The word."""
        return str(value)

    def schema(self) -> Schema:
        """An enum."""
        return {"enum": [str(word) for word in self.words]}


@final
@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """A bool."""
        if isinstance(raw, bool):
            return raw
        findings.add(at, f"must be true or false without quotes, not {kind(raw)}")
        return BAD

    def show(self, value: Any) -> Any:
        """As it is."""
        return value

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

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """A float, or an int where `whole`."""
        number = isinstance(raw, int | float) and not isinstance(raw, bool)
        if number and self.least <= raw <= self.most and not (self.whole and raw % 1):
            return int(raw) if self.whole else float(raw)
        what = "a whole number" if self.whole else "a number"
        given = shown(raw) if number else f"{kind(raw)}{_no_quotes(raw)}"
        findings.add(
            at, f"must be {what} from {shown(self.least)} to {shown(self.most)}, not {given}"
        )
        return BAD

    def show(self, value: Any) -> Any:
        """As it is."""
        return value

    def schema(self) -> Schema:
        """A number or an integer."""
        numbers = "integer" if self.whole else "number"
        return {"type": numbers, "minimum": self.least, "maximum": self.most}


@final
@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    of: Shape
    least: int = 0

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """A tuple, with `BAD` in the place of each entry that is not right."""
        if not isinstance(raw, list):
            findings.add(
                at, f"must be a list, not {kind(raw)}; write it in [brackets], or after a dash"
            )
            return BAD
        if len(raw) < self.least:
            findings.add(at, "must not be empty; write at least one entry")
            return BAD
        return tuple(self.of.read(item, (*at, i), findings) for i, item in enumerate(raw))

    def schema(self) -> Schema:
        """An array."""
        least = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.of.schema(), **least}


def kind(raw: object) -> str:
    """What somebody wrote, without saying what it says."""
    match raw:
        case None:
            return "nothing"
        case bool():
            return f"the boolean {str(raw).lower()}"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case date():
            return "a date"
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return "a value of another kind"


def shown(number: float) -> str:
    """A number as somebody would write it."""
    if isinstance(number, int) or (math.isfinite(number) and number % 1 == 0):
        return str(int(number)) if abs(number) < _LONGEST_SHOWN else "a larger one"
    return f"{number:g}"


def unencodable(text: str) -> str | None:
    r"""Whether a text has halves of characters (`"\ud800"`), which no file or request can hold."""
    return (
        "must not hold surrogates; write the character itself" if _SURROGATE.search(text) else None
    )


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    by_small = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.replace("_", "").lower(), by_small, n=1)
    return by_small[found[0]] if found else None


def either(words: list[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _quotes(raw: object) -> str:
    """YAML makes numbers, booleans and dates of much that was meant as a text."""
    return "; put it in quotes" if isinstance(raw, bool | int | float | date) else ""


def _no_quotes(raw: object) -> str:
    return "; write it without quotes" if isinstance(raw, str) else ""
