"""The curves of a report, as pictures for the documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.report import Row

SIZE = (7.0, 3.6)
"""Inches, at 110 dots each: wide enough for a page, small enough for a repository."""


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """One picture for each kind of figure that there are rows for; where they are."""
    import matplotlib as mpl

    mpl.use("Agg")
    drawn = []
    growth = [row for row in rows if row.bench == "growth" and row.labels]
    if growth:
        drawn += [_growth(growth, folder / "bench-growth.png")]
    peers = [row for row in rows if row.bench == "peers" and row.labels["scene"]]
    for kind in dict.fromkeys(row.labels["kind"] for row in peers):
        own = [row for row in peers if row.labels["kind"] == kind]
        drawn += [_peers(own, kind, folder / f"bench-peers-{kind.lower()}.png")]
    return drawn


def _growth(rows: Sequence[Row], file: Path) -> Path:
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=SIZE)
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
    return _saved(figure, file)


def _peers(rows: Sequence[Row], kind: str, file: Path) -> Path:
    from matplotlib import pyplot as plt

    bad = next(iter(dict.fromkeys(row.labels["column"] for row in rows)))
    own = [row for row in rows if row.labels["column"] == bad]
    scenes = list(dict.fromkeys(row.labels["scene"] for row in own))
    programs = list(dict.fromkeys(row.labels["program"] for row in own))
    figure, axes = plt.subplots(figsize=SIZE)
    height = 0.8 / len(programs)
    for number, program in enumerate(programs):
        bars = [row.figure for row in own if row.labels["program"] == program]
        places = [scene + height * number for scene in range(len(scenes))]
        drawn = axes.barh(places, bars, height, label=program)
        axes.bar_label(drawn, fmt="%.1f", padding=2, fontsize="x-small")
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(scenes))], scenes)
    axes.invert_yaxis()
    axes.set(xlabel=f"seconds without a live token in the {kind}", xlim=(0, None))
    axes.margins(x=0.12)
    axes.legend(fontsize="small")
    return _saved(figure, file)


def _saved(figure: Any, file: Path) -> Path:
    from matplotlib import pyplot as plt

    file.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    plt.close(figure)
    return file
