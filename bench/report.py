"""What a benchmark found, as a table for people and as JSON for machines."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

_HEAD = ("bench", "what", "figure", "floor", "ratio", "bar", "")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure; less is better in all of them.

    `floor` is the same figure of the smallest program that does the same work, measured in the
    same run. `bar` is the most that the figure may be, in the figure's unit, and `bar_says` how
    it was come to; a row without a bar only tells. `runs`: every measurement behind a median.
    `labels` tell the rows of one benchmark apart, for tables and plots. `why`: what makes the bar
    hard to meet, told where it is missed.
    """

    bench: str
    what: str
    figure: float
    unit: str
    floor: float | None = None
    bar: float | None = None
    bar_says: str = ""
    runs: tuple[float, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure in floors."""
        return self.figure / self.floor if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the figure is within its bar; None where there is none."""
        return None if self.bar is None else self.figure <= self.bar

    def mapping(self) -> dict[str, object]:
        """For JSON."""
        return {
            "bench": self.bench,
            "what": self.what,
            "figure": self.figure,
            "unit": self.unit,
            "floor": self.floor,
            "ratio": self.ratio,
            "bar": self.bar,
            "bar_says": self.bar_says,
            "met": self.met,
            "runs": list(self.runs),
            "labels": dict(self.labels),
            "why": self.why,
        }

    @classmethod
    def of(cls, mapping: Mapping[str, object]) -> Row:
        """The row that `mapping` was made from."""
        kept = {k: v for k, v in mapping.items() if k not in {"ratio", "met", "runs"}}
        return cls(**kept, runs=tuple(mapping["runs"]))  # type: ignore[arg-type]

    @property
    def spread(self) -> str:
        """The least and the most of all measurements, where there were several."""
        several = len(self.runs) > 1
        return f"{number(min(self.runs))} to {number(max(self.runs))}" if several else ""

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        met = {None: "", True: "met", False: "MISSED"}[self.met]
        bar = "" if self.bar is None else f"{number(self.bar)} {self.unit}".rstrip()
        says = f" ({self.bar_says})" if self.bar_says else ""
        return (
            self.bench,
            self.what,
            f"{number(self.figure)} {self.unit}".rstrip(),
            "" if self.floor is None else f"{number(self.floor)} {self.unit}".rstrip(),
            "" if self.ratio is None else f"{self.ratio:.2f}",
            bar + says,
            met,
        )


def table(rows: Iterable[Row]) -> str:
    """Rows in aligned columns, with a head."""
    lines = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def median(runs: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(runs)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all do not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else 0.0


def number(value: float) -> str:
    """With about three digits that say something."""
    if value == int(value):
        return f"{int(value):,}"
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 100 else 0  # noqa: PLR2004 - as it says
    return f"{value:,.{digits}f}"
