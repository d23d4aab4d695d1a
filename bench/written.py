"""The report as a page: every figure beside its floor and its bar, with its spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.kept import Part
from bench.report import Row, number
from bench.scale import Scale

BEGIN, END = "<!-- what the report says: begin -->", "<!-- end -->"
_HEAD = """\
# Report of the benchmarks

Written by `make bench BENCH=--report` from what it measured and kept in `bench/results`; nothing
in it is written by hand. What each benchmark measures, and how, is in
[the page on benchmarks](../docs/benchmarks.md). Less is better in all of them. Where something was
measured several times, the figure is the median, and the spread is from the least to the most.
"""
SUBJECTS = {
    "start": "Process start to the first token",
    "memory": "Memory after ten refreshes",
    "cost": "Time and CPU for a refresh",
    "growth": "Memory and CPU with many tokens",
    "scrape": "A scrape of many tokens",
    "lateness": "How late refreshes begin",
    "idle": "Nothing to do",
    "lives": "Token requests for a life",
    "trust": "What a reader sees",
    "restart": "Killed and started again",
    "rotation": "New credentials",
    "recovery": "After an outage with all tokens due",
    "fill": "Secrets from cold, and one token to many namespaces",
    "peers": "What people use instead",
}
_MORE = "Every figure, with spread, machine and day, is in [the report](../bench/REPORT.md)."
_SITE = """
:::{toctree}
:hidden:
../bench/REPORT
:::
"""
_WHENCE = """
Where it goes: the bare interpreter, what importing the libraries adds, what the floor's work adds,
and the rest, which is ours.
"""


def page(parts: Sequence[Part], pictures: Sequence[str]) -> str:
    """Markdown: what was missed, what was measured when, and a section for each part."""
    told = [_HEAD, f"\n{verdict(parts)}\n", *_missed(parts), "\n## What was measured when\n"]
    told += [_provenance(parts), "\n## Bars\n", _bars(parts)]
    for part in parts:
        told.append(f"\n## {SUBJECTS[part.name]}\n")
        plain = [row for row in part.rows if not row.labels]
        if plain:
            told.append(_plain(plain))
        told += _pivoted([row for row in part.rows if row.labels])
        told += _shown(part.name, pictures, "../docs/pictures")
    return "".join(told)


def renewed(document: str, parts: Sequence[Part], pictures: Sequence[str]) -> str:
    """A document in which what stands between the marks is what the report says now."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no {BEGIN} ... {END}")
    shown = [line for part in parts for line in _shown(part.name, pictures, "pictures")]
    said = "".join((f"\n{verdict(parts)} {_MORE}\n", _bars(parts), *shown, _SITE))
    return f"{before}{BEGIN}\n{said}\n{END}{after}"


def verdict(parts: Sequence[Part]) -> str:
    """How many bars there are, and whether all are met."""
    bars = [row.met for part in parts for row in part.rows if row.met is not None]
    missed = bars.count(False)
    return f"Of {len(bars)} bars {missed or 'none'} {'are' if missed > 1 else 'is'} missed."


def on_what(machine: Mapping[str, str]) -> str:
    """One line on the machine."""
    return "{machine}, {python}, load {load} before, commit {commit}".format(**machine)


def _missed(parts: Sequence[Part]) -> Iterable[str]:
    missed = [row for part in parts for row in part.rows if row.met is False]
    if missed:
        yield "\n"
    for row in missed:
        _, what, figure, _, _, bar, _ = row.cells()
        why = " ".join(row.why.split()) or "why is not known: it is to be found out"
        yield f"- **{row.bench}: {what}**: {figure}, the bar being {bar}; {why}.\n"


def _provenance(parts: Sequence[Part]) -> str:
    head = ("part", "begun (UTC)", "took", "commit", "Python", "load before", "scale")
    cells = [
        (
            part.name,
            part.at,
            f"{part.seconds / 60:.1f} min",
            part.machine["commit"],
            part.machine["python"],
            part.machine["load"],
            part.scale if part.scale is not Scale.TINY else "tiny: its figures say nothing",
        )
        for part in parts
    ]
    on = "".join(
        f"- {one}\n"
        for key in ("machine", "libraries")
        for one in dict.fromkeys(part.machine[key] for part in parts)
    )
    return f"\n{on}{_table(head, cells)}"


def _bars(parts: Sequence[Part]) -> str:
    barred = [row for part in parts for row in part.rows if row.met is not None]
    head = ("", "what", "figure", "floor", "bar", "")
    cells = []
    for row in barred:
        bench, what, figure, floor, _, bar, met = row.cells()
        cells.append((bench, what, figure, floor, bar, met))
    return _table(head, cells)


def _plain(rows: Iterable[Row]) -> str:
    head = ("what", "figure", "spread", "runs", "floor", "ratio", "bar", "")
    cells = []
    for row in rows:
        _, what, figure, floor, ratio, bar, met = row.cells()
        times = str(len(row.runs)) if row.runs else ""
        cells.append((what, figure, row.spread, times, floor, ratio, bar, met))
    return _table(head, cells)


def _pivoted(rows: Sequence[Row]) -> Iterable[str]:
    """A line for each program, size or kind, a column for each scene, figure or layer."""
    if any("tokens" in row.labels for row in rows):
        yield _pivot(rows, line="tokens", column="column")
    elif any("part" in row.labels for row in rows):
        yield _WHENCE
        yield _pivot(rows, line="kind", column="part")
    else:
        for kind, column in dict.fromkeys((r.labels["kind"], r.labels["column"]) for r in rows):
            own = [r for r in rows if (r.labels["kind"], r.labels["column"]) == (kind, column)]
            yield f"\n{kind}: {column}{f' ({own[0].unit})' if own[0].unit else ''}\n"
            yield _pivot(own, line="program", column="scene")


def _pivot(rows: Sequence[Row], *, line: str, column: str) -> str:
    columns = list(dict.fromkeys(row.labels[column] for row in rows))
    names = dict.fromkeys(row.labels[line] for row in rows)
    figures = {(row.labels[line], row.labels[column]): row for row in rows}
    cells = []
    for name in names:
        own = [figures.get((name, each)) for each in columns]
        shown = ["" if row is None else f"{number(row.figure)} {row.unit}".strip() for row in own]
        cells.append((name, *shown))
    return _table((line, *columns), cells)


def _shown(name: str, pictures: Sequence[str], folder: str) -> Iterable[str]:
    for picture in pictures:
        if picture.startswith(f"bench-{name}"):
            yield f"\n![{SUBJECTS[name]}]({folder}/{picture})\n"


def _table(head: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *cells]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)
