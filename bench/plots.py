"""The figures of a report, as pictures for the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.layers import SHARE
from bench.report import Row, number

SIZE = (7.0, 3.6)
"""Inches, at 110 dots each: wide enough for a page, small enough for a repository."""


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """One picture for each kind of figure that there are rows for; where they are."""
    import matplotlib as mpl

    mpl.use("Agg")
    drawings: dict[str, tuple[Callable[[Any, Sequence[Row]], None], list[Row]]] = {}
    for bench in ("start", "memory"):
        own = [row for row in rows if row.bench == bench and row.labels]
        drawings[f"bench-{bench}"] = _layers, [r for r in own if r.labels["part"] != SHARE]
    drawings["bench-cost"] = _floors, [row for row in rows if row.bench == "cost"]
    drawings["bench-growth"] = (
        _growth,
        [row for row in rows if row.bench == "growth" and row.labels],
    )
    peers = [row for row in rows if row.bench == "peers" and row.labels["scene"]]
    for kind in dict.fromkeys(row.labels["kind"] for row in peers):
        own = [row for row in peers if row.labels["kind"] == kind]
        drawings[f"bench-peers-{kind.lower()}"] = _peers, own
    drawn = []
    for name, (drawing, own) in drawings.items():
        if own:
            with _saved(folder / f"{name}.png") as figure:
                drawing(figure, own)
            drawn.append(folder / f"{name}.png")
    return drawn


def _layers(figure: Any, rows: Sequence[Row]) -> None:
    """A bar for each kind, from the bare interpreter on the left to what is ours on the right."""
    axes = figure.subplots()
    kinds = list(dict.fromkeys(row.labels["kind"] for row in rows))
    ends = dict.fromkeys(kinds, 0.0)
    for part in dict.fromkeys(row.labels["part"] for row in rows):
        own = {row.labels["kind"]: row.figure for row in rows if row.labels["part"] == part}
        widths = [own[kind] for kind in kinds]
        drawn = axes.barh(kinds, widths, left=[ends[kind] for kind in kinds], label=part)
        axes.bar_label(drawn, [number(w) for w in widths], label_type="center", fontsize="x-small")
        ends = {kind: ends[kind] + own[kind] for kind in kinds}
    axes.invert_yaxis()
    axes.set(xlabel=rows[0].unit)
    axes.legend(fontsize="small", ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _floors(figure: Any, rows: Sequence[Row]) -> None:
    """Each figure beside its floor."""
    axes = figure.subplots()
    for offset, name in ((0.0, "floor"), (0.4, "secret-refresher")):
        widths = [(row.floor or 0.0) if name == "floor" else row.figure for row in rows]
        drawn = axes.barh([place + offset for place in range(len(rows))], widths, 0.4, label=name)
        axes.bar_label(drawn, [number(w) for w in widths], padding=2, fontsize="x-small")
    axes.set_yticks([place + 0.2 for place in range(len(rows))], [row.what for row in rows])
    axes.invert_yaxis()
    axes.set(xlabel=rows[0].unit)
    axes.margins(x=0.12)
    axes.legend(fontsize="small")


def _growth(figure: Any, rows: Sequence[Row]) -> None:
    left, right = figure.subplots(1, 2)
    for column in dict.fromkeys(row.labels["column"] for row in rows):
        own = [row for row in rows if row.labels["column"] == column]
        axes: Any = right if "CPU" in column else left
        axes.plot(
            [float(row.labels["tokens"]) for row in own],
            [row.figure for row in own],
            marker="o",
            label=column,
        )
        axes.set(xscale="log", xlabel="tokens", ylabel=own[0].unit)
    for axes in (left, right):
        axes.set_ylim(bottom=0)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize="small")


def _peers(figure: Any, rows: Sequence[Row]) -> None:
    bad = next(iter(dict.fromkeys(row.labels["column"] for row in rows)))
    own = [row for row in rows if row.labels["column"] == bad]
    scenes = list(dict.fromkeys(row.labels["scene"] for row in own))
    programs = list(dict.fromkeys(row.labels["program"] for row in own))
    axes = figure.subplots()
    height = 0.8 / len(programs)
    for index, program in enumerate(programs):
        bars = [row.figure for row in own if row.labels["program"] == program]
        places = [scene + height * index for scene in range(len(scenes))]
        drawn = axes.barh(places, bars, height, label=program)
        axes.bar_label(drawn, fmt="%.1f", padding=2, fontsize="x-small")
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(scenes))], scenes)
    axes.invert_yaxis()
    kind = own[0].labels["kind"]
    axes.set(xlabel=f"seconds without a live token in the {kind}", xlim=(0, None))
    axes.margins(x=0.12)
    axes.legend(fontsize="small")


@contextmanager
def _saved(file: Path) -> Iterator[Any]:
    """A figure to draw on, which is in the file afterwards."""
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=SIZE)
    yield figure
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    plt.close(figure)
