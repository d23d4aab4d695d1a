"""What each program comes to: one row a program, a scene and a column."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bench.child import apart
from bench.peers import contest, programs
from bench.peers.contest import Found
from bench.peers.programs import OURS
from bench.peers.script import SCENES
from bench.report import Row, median
from bench.scale import Scale

COLUMNS = (
    ("bad", "seconds in which a reader had no live token", "s"),
    ("requests", "token requests per life", ""),
    ("memory", "proportional memory, all its processes, peak", "MiB"),
    ("cpu", "CPU per life, the start included", "ms"),
)
STARTS = "start to the first token"
LIFE = 20.0
"""Seconds; some of the others take a token that has less than ten left for a dead one."""
Scene = Callable[..., dict[str, Found]]


def measure(scale: Scale) -> list[Row]:
    """Files first, then Secrets where there is an API server to be had."""
    kinds: dict[str, tuple[Scene, list[programs.Program]]] = {
        "file": (contest.to_files, programs.to_files())
    }
    if os.environ.get("KUBEBUILDER_ASSETS"):
        kinds["Secret"] = contest.to_secrets, programs.to_secrets()
    with ThreadPoolExecutor() as pool:  # they wait most of the time
        scenes = [pool.submit(_scenes, scale, kind, *both) for kind, both in kinds.items()]
        rows = [row for done in scenes for row in done.result()]
    starts = [row for kind, (_, who) in kinds.items() for row in _starts(scale, kind, who)]
    return rows + starts


def _scenes(scale: Scale, kind: str, run: Scene, who: list[programs.Program]) -> list[Row]:
    lives = scale.of(tiny=0.2, usual=6.0, long=60.0)
    scenes = scale.of(tiny=["normal"], usual=list(SCENES))
    rows = []
    for scene in scenes:
        found = apart(run, scene=scene, life=LIFE, lives=lives)
        for column, says, unit in COLUMNS:
            for program in who:
                figure = found[program.name][column]
                figure /= lives if column in {"requests", "cpu"} else 1.0
                figure *= 1000 if column == "cpu" else 1
                bar = 0 if column == "bad" and program.name == OURS else None
                rows.append(
                    Row(
                        bench="peers",
                        what=f"{kind}, {scene}: {says}: {program.name}",
                        figure=figure,
                        unit=unit,
                        bar=bar,
                        labels=_labels(kind, scene, says, program.name),
                    )
                )
    return rows


def _starts(scale: Scale, kind: str, who: list[programs.Program]) -> list[Row]:
    rows = []
    for program in who:
        times = [
            apart(contest.start, name=program.name, kind=kind)
            for _ in range(scale.of(tiny=1, usual=5, long=20))
        ]
        rows.append(
            Row(
                bench="peers",
                what=f"{kind}: {STARTS}: {program.name}",
                figure=median(times),
                unit="s",
                runs=tuple(times),
                labels=_labels(kind, "", STARTS, program.name),
            )
        )
    return rows


def _labels(kind: str, scene: str, column: str, program: str) -> dict[str, str]:
    return {"kind": kind, "scene": scene, "column": column, "program": program}
