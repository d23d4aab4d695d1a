"""The report as a page: every figure beside its floor and its bar, with its spread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from bench.report import Row, number

LIBRARIES = ("kubernetes", "prometheus-client", "requests", "structlog", "tenacity", "urllib3")
_HEAD = """\
# Benchmarks, one run

Written by `make bench BENCH=--report`, on {day}. What each measures, and how, is in
[the page on benchmarks](../docs/benchmarks.md). Less is better in all of them; where something was
measured several times, the figure is the median and the spread is from the least to the most.

- {machine}
- {libraries}
- {verdict}
"""


def page(machine: str, rows: Sequence[Row]) -> str:
    """Markdown: a table for each benchmark, and for the peers one for each kind and column."""
    told = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    missed = [row for row in rows if row.met is False]
    bars = sum(row.met is not None for row in rows)
    verdict = f"{bars} bars: all met" if not missed else f"{bars} bars, {len(missed)} missed"
    day = datetime.now(UTC).date().isoformat()
    parts = [_HEAD.format(day=day, machine=machine, libraries=told, verdict=verdict)]
    for name in dict.fromkeys(row.bench for row in rows):
        own = [row for row in rows if row.bench == name]
        plain = [row for row in own if not row.labels]
        parts.append(f"\n## {name}\n")
        if plain:
            parts.append(_plain(plain))
        parts += _pivoted([row for row in own if row.labels])
    return "".join(parts)


def _plain(rows: Iterable[Row]) -> str:
    head = ("what", "figure", "spread", "floor", "ratio", "bar", "")
    cells = []
    for row in rows:
        _, what, figure, floor, ratio, bar, met = row.cells()
        cells.append((what, figure, row.spread, floor, ratio, bar, met))
    return _table(head, cells)


def _pivoted(rows: Sequence[Row]) -> Iterable[str]:
    """A line for each program or size, a column for each scene or figure."""
    if any("tokens" in row.labels for row in rows):
        yield _pivot(rows, line="tokens", column="column", lines="tokens")
        return
    for kind, column in dict.fromkeys((r.labels["kind"], r.labels["column"]) for r in rows):
        own = [r for r in rows if (r.labels["kind"], r.labels["column"]) == (kind, column)]
        yield f"\n{kind}: {column}{f' ({own[0].unit})' if own[0].unit else ''}\n"
        yield _pivot(own, line="program", column="scene", lines="program")


def _pivot(rows: Sequence[Row], *, line: str, column: str, lines: str) -> str:
    columns = list(dict.fromkeys(row.labels[column] for row in rows))
    names = dict.fromkeys(row.labels[line] for row in rows)
    figures = {(row.labels[line], row.labels[column]): row for row in rows}
    cells = []
    for name in names:
        own = [figures.get((name, each)) for each in columns]
        shown = ["" if row is None else f"{number(row.figure)} {row.unit}".strip() for row in own]
        cells.append((name, *shown))
    return _table((lines, *columns), cells)


def _table(head: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *cells]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)
