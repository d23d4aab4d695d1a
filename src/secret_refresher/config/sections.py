"""Mappings: sections with known keys, and tables whose keys are the user's own.

A section is read in two steps, since the same section may stand under `defaults` and in a token:
first what is given (`Part`), then, once the parts are merged, the frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from itertools import combinations
from types import MappingProxyType
from typing import Any, final

from secret_refresher.config.problems import Findings, Path
from secret_refresher.config.shapes import BAD, Check, Schema, Shape, Showing, closest, kind, shown


@final
class Part(dict[str, Any]):
    """A mapping as far as it is given: None where null stands, `BAD` where something is wrong.

    A part holds parts where sections and tables nest; any other value stands as a whole.
    """

    __slots__ = ()


@final
@dataclass(frozen=True, slots=True)
class Table:
    """A mapping whose keys are the user's own.

    `check` says what is wrong with a key, and `names` as much of it as a schema can.
    """

    of: Shape
    check: Check
    names: Schema

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """A part; null removes what `defaults` has under that name."""
        if not isinstance(raw, dict):
            findings.add(at, f"must be a mapping, not {kind(raw)}; write name: value")
            return BAD
        part = Part()
        for key, item in raw.items():
            name = key_name(key)
            problem = self.check(key) if isinstance(key, str) else _NOT_A_TEXT
            if problem is not None:
                findings.add((*at, name), problem)
                part[name] = BAD
            else:
                part[name] = None if item is None else self.of.read(item, (*at, name), findings)
        return part

    def build(self, part: Part) -> Mapping[str, Any]:
        """Read-only."""
        return MappingProxyType({key: item for key, item in part.items() if given(item)})

    def schema(self) -> Schema:
        """An object with any names."""
        return {
            "type": "object",
            "propertyNames": self.names,
            "additionalProperties": nullable(self.of.schema()),
        }


@final
@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section: the attribute that it fills, its shape, and what it means."""

    attribute: str
    shape: Shape
    doc: str


@final
class Section:
    """A mapping with known keys, for a frozen dataclass.

    A key is required where the dataclass has no default for its attribute, or where `needed`
    has it. Of the `rivals` only one may be given.
    """

    def __init__(
        self,
        holds: type[Any],
        keys: Mapping[str, Key],
        *,
        needed: tuple[str, ...] = (),
        rivals: tuple[str, ...] = (),
    ) -> None:
        self.holds = holds
        self.keys = keys
        self.needed = needed
        self.rivals = rivals
        self._defaults = {field.name: field.default for field in fields(holds)} | {
            field.name: None for field in fields(holds) if field.default_factory is not MISSING
        }

    @property
    def required(self) -> list[str]:
        """The keys that must be given."""
        return [
            key
            for key, known in self.keys.items()
            if key in self.needed or self._defaults.get(known.attribute) is MISSING
        ]

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """A part; required keys may still come from elsewhere."""
        if not isinstance(raw, dict):
            findings.add(at, f"must be a mapping, not {kind(raw)}; write key: value")
            return BAD
        part = Part()
        for key, item in raw.items():
            known = self.keys.get(key) if isinstance(key, str) else None
            if known is None:
                meant = self._unknown(key, at, findings)
                if meant is not None:
                    part.setdefault(meant, BAD)
            else:
                part[key] = None if item is None else known.shape.read(item, (*at, key), findings)
        one, *others = [key for key in self.rivals if given(part.get(key))] or [""]
        if others:
            beside = " and ".join(others)
            findings.add((*at, one), f"cannot stand beside {beside}; keep one of them")
        return part

    def _unknown(self, key: Any, at: Path, findings: Findings) -> str | None:
        """Notes an unknown key; returns the one that was probably meant."""
        meant = closest(key, self.keys) if isinstance(key, str) else None
        what = "is not known" if isinstance(key, str) else _NOT_A_TEXT
        perhaps = f"; did you mean {meant}?" if meant else ""
        findings.add((*at, key_name(key)), f"{what}{perhaps} (known: {', '.join(self.keys)})")
        return meant

    def require(self, part: Part, at: Path, findings: Findings) -> None:
        """Notes every required key that is still not given."""
        for key in self.required:
            if part.get(key) is None:
                doc = self.keys[key].doc
                findings.add((*at, key), f"is missing: {doc[0].lower()}{doc[1:].rstrip('.')}")

    def build(self, part: Part) -> Any:
        """The dataclass, with its defaults for what is not given or not right."""
        values: dict[str, Any] = {}
        for key, value in part.items():
            if given(value):
                known = self.keys[key]
                if isinstance(known.shape, Section | Table):
                    values[known.attribute] = known.shape.build(value)
                else:
                    values[known.attribute] = value
        return self.holds(**values)

    def whole(self, raw: Any, at: Path, findings: Findings) -> Any:
        """The dataclass straight from a raw value, or `BAD`."""
        before = len(findings.found)
        part = self.read(raw, at, findings)
        if part is not BAD:
            self.require(part, at, findings)
        return self.build(part) if len(findings.found) == before else BAD

    def schema(self) -> Schema:
        """A closed object; null may stand for whatever may be left out."""
        properties = {key: self._property(key, known) for key, known in self.keys.items()}
        schema: Schema = closed(properties, self.required)
        pairs = [_both(*pair) for pair in combinations(self.rivals, 2)]
        if pairs:
            schema["not"] = pairs[0] if len(pairs) == 1 else {"anyOf": pairs}
        return schema

    def _property(self, key: str, known: Key) -> Schema:
        default = self._defaults.get(known.attribute)
        schema = {"description": known.doc, **known.shape.schema()}
        if key in self.required:
            return schema
        if default not in (None, "", ()) and isinstance(known.shape, Showing):
            schema["default"] = known.shape.show(default)
        return nullable(schema)


@final
@dataclass(frozen=True, slots=True)
class Whole:
    """A section that stands as a whole, as an entry of a list: nothing in it is merged."""

    of: Section

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """The dataclass."""
        return self.of.whole(raw, at, findings)

    def schema(self) -> Schema:
        """The section's."""
        return self.of.schema()


_NOT_A_TEXT = "must be a text; YAML read something else, so put it in quotes"


def given(value: Any) -> bool:
    """Whether a value of a part is there and right."""
    return value is not None and value is not BAD


def broken(value: Any) -> bool:
    """Whether anything in a read value is wrong."""
    if isinstance(value, Part):
        return any(broken(item) for item in value.values())
    return value is BAD or (isinstance(value, tuple) and any(item is BAD for item in value))


def closed(properties: Schema, required: list[str]) -> Schema:
    """The schema of an object that has no other keys."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": required} if required else {}),
    }


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if "oneOf" in schema:
        return {**schema, "oneOf": [*schema["oneOf"], {"type": "null"}]}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else schema


def _both(one: str, other: str) -> Schema:
    """The schema of an object that has both keys."""
    there = {key: {"not": {"type": "null"}} for key in (one, other)}
    return {"type": "object", "required": [one, other], "properties": there}


def key_name(key: Any) -> str:
    """A key for people: YAML makes other things than texts of some."""
    if isinstance(key, bool):
        return str(key).lower()
    return key if isinstance(key, str) else shown(key) if isinstance(key, int) else kind(key)
