"""Things of several kinds: a mapping whose one key is the kind, with the settings below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from secret_refresher.config.problems import Findings, Path
from secret_refresher.config.sections import Section, closed, key_name, nullable
from secret_refresher.config.shapes import BAD, Schema, kind


@final
@dataclass(frozen=True, slots=True)
class OneOf:
    """One entry of a list: exactly one of `kinds`, each with its section and a description.

    `noun` is what an entry is. `example` says how one is begun, `others` which kinds there are.
    """

    kinds: Mapping[str, tuple[Section, str]]
    noun: str
    example: str
    others: str

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """What the section of its kind makes of the settings."""
        if not isinstance(raw, dict):
            findings.add(at, f"must be a mapping, not {kind(raw)}; write {self.example}")
            return BAD
        unknown = [key for key in raw if key not in self.kinds]
        for key in unknown:
            told = f"is not known; write {self.others}, its settings below"
            findings.add((*at, key_name(key)), told)
        found = [name for name in self.kinds if name in raw]
        if not found and not unknown:
            findings.add(at, f"names no {self.noun}; write {self.example}; or {self.others}")
        if len(found) > 1:
            findings.add(at, f"names two {self.noun}s; begin a new entry with a dash for each")
        if len(found) != 1:
            return BAD
        section, _ = self.kinds[found[0]]
        settings = {} if raw[found[0]] is None else raw[found[0]]
        read = section.whole(settings, (*at, found[0]), findings)
        return BAD if unknown else read

    def schema(self) -> Schema:
        """An object with exactly one of the keys; one without required keys may be left empty."""
        kinds = {}
        for name, (section, what) in self.kinds.items():
            settings = {"description": what, **section.schema()}
            kinds[name] = settings if section.required else nullable(settings)
        return {**closed(kinds, []), "minProperties": 1, "maxProperties": 1}
