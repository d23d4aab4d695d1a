"""The report holds what was measured, when, and what was missed, of this run and runs before."""

import os
import sys
from pathlib import Path

import pytest

from bench import catalogue
from bench.child import ROOT
from bench.interpreter import WANTED, wanted
from bench.kept import Part, kept
from bench.report import Row
from bench.scale import Scale
from bench.written import BEGIN, END, SUBJECTS, page, renewed

RESULTS = Path(ROOT) / "bench" / "results"
PICTURES = sorted(file.name for file in (Path(ROOT) / "docs" / "pictures").glob("bench-*.png"))


def part(name: str, *rows: Row, at: str = "2026-03-01 10:00", commit: str = "abc") -> Part:
    """A part that was measured then, of that commit."""
    machine = {
        "machine": "2 cores",
        "python": "CPython 3.13.0",
        "libraries": "requests 2",
        "load": "0.1",
        "commit": commit,
    }
    return Part(name=name, scale=Scale.USUAL, at=at, seconds=90.0, machine=machine, rows=rows)


def row(bench: str, figure: float, bar: float | None = None, **keys: object) -> Row:
    """One figure of three runs."""
    runs = (figure - 1, figure, figure + 1)
    given = {"what": "how long", "unit": "s", "bar": bar, "runs": runs, **keys}
    return Row(bench=bench, figure=figure, **given)  # type: ignore[arg-type]


def test_parts_of_different_runs_are_in_one_report(tmp_path: Path) -> None:
    """A part that is measured again replaces itself only; each tells its day and commit."""
    part("memory", row("memory", 7.5)).keep(tmp_path)
    part("start", row("start", 2.5), at="2026-01-01 09:00").keep(tmp_path)
    again = part("start", row("start", 3.5), at="2026-03-02 11:30", commit="def")
    again.keep(tmp_path)
    found = kept(tmp_path)
    assert [each.name for each in found] == ["start", "memory"]
    assert found[0] == again
    told = page(found, [])
    assert "| start | 2026-03-02 11:30 | 1.5 min | def |" in told
    assert "| memory | 2026-03-01 10:00 | 1.5 min | abc |" in told
    assert "| how long | 3.50 s | 2.50 to 4.50 | 3 |" in told
    assert "2.50 s" not in told


def test_a_missed_bar_is_told_first_with_its_reason() -> None:
    """Nobody has to look for what is missed, nor for why; without a known reason it says so."""
    told = page(
        [part("fill", row("fill", 9.0, 8.0, why="one lock\nfor all"), row("fill", 1.0, 2.0))], []
    )
    assert "Of 2 bars 1 is missed." in told
    assert "- **fill: how long**: 9 s, the bar being 8 s; one lock for all.\n" in told
    assert told.index("one lock") < told.index("## Bars")
    assert "why is not known" in page([part("fill", row("fill", 9.0, 8.0))], [])
    assert "Of 1 bars none is missed." in page([part("fill", row("fill", 8.0, 8.0))], [])


def test_a_document_is_renewed_between_its_marks_only() -> None:
    """What people wrote around the figures stays; a document without marks is refused."""
    document = f"# Before\n{BEGIN}\nstale figures\n{END}\n## After\n"
    new = renewed(document, [part("fill", row("fill", 9.0, 8.0))], ["bench-fill.png"])
    assert new.startswith(f"# Before\n{BEGIN}\n")
    assert new.endswith(f"{END}\n## After\n")
    assert "stale" not in new
    assert "| MISSED |" in new
    assert "(pictures/bench-fill.png)" in new
    with pytest.raises(ValueError, match="has no"):
        renewed("# Before\n", [], [])


def test_what_is_committed_is_what_was_measured() -> None:
    """Report and page say what the results say: nobody has written a figure by hand."""
    parts = kept(RESULTS)
    report, document = Path(ROOT, "bench", "REPORT.md"), Path(ROOT, "docs", "benchmarks.md")
    assert report.exists() is bool(parts)
    if parts:
        again = "run `make bench BENCH=--rewrite`"
        assert page(parts, PICTURES) == report.read_text(), again
        assert renewed(document.read_text(), parts, PICTURES) == document.read_text(), again


def test_every_benchmark_has_a_subject_and_an_estimate() -> None:
    """A new benchmark is announced and has a heading."""
    assert tuple(catalogue.MINUTES) == catalogue.NAMES == tuple(SUBJECTS)


def test_a_python_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    """A shim that leads nowhere, another version, and what is not there are not measured."""
    version = "{} {}".format(*WANTED)
    scripts = {"shim": "exit 127", "other": "echo 3 12", "right": f"echo {version}"}
    for name, text in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        os.chmod(tmp_path / name, 0o700)
    paths = [str(tmp_path / name) for name in ("absent", *scripts)]
    assert wanted(paths) == str(tmp_path / "right")
    assert wanted(paths[:-1]) is None
    assert wanted([sys.executable]) == (sys.executable if sys.version_info[:2] == WANTED else None)
