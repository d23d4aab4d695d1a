"""Results by part, so that a report may hold parts that were measured at different times."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from bench import catalogue
from bench.report import Row
from bench.scale import Scale


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one benchmark found.

    `at`: when it began, in UTC, to the minute; `seconds`: how long it took; `machine`: what
    `machine.describe` said then.
    """

    name: str
    scale: Scale
    at: str
    seconds: float
    machine: Mapping[str, str]
    rows: tuple[Row, ...]

    def keep(self, folder: Path) -> None:
        """In place of what was kept of it before."""
        folder.mkdir(parents=True, exist_ok=True)
        told = {
            "name": self.name,
            "scale": self.scale,
            "at": self.at,
            "seconds": round(self.seconds, 1),
            "machine": dict(self.machine),
            "rows": [row.mapping() for row in self.rows],
        }
        text = json.dumps(told, indent=1, ensure_ascii=False)
        (folder / f"{self.name}.json").write_text(f"{text}\n", encoding="utf-8")


def kept(folder: Path) -> Sequence[Part]:
    """All that was kept, in the order of the catalogue."""
    files = [folder / f"{name}.json" for name in catalogue.NAMES]
    return [_part(json.loads(file.read_text("utf-8"))) for file in files if file.exists()]


def _part(told: Mapping[str, object]) -> Part:
    rows = tuple(map(Row.of, told["rows"]))  # type: ignore[call-overload]
    return Part(**{**told, "rows": rows, "scale": Scale(str(told["scale"]))})  # type: ignore[arg-type]
