"""Benchmarks run, and say what they must."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import catalogue
from bench.child import ROOT, environment
from bench.report import Row, percentile, table
from bench.written import SUBJECTS

KEYS = {
    "bench",
    "what",
    "figure",
    "unit",
    "floor",
    "ratio",
    "bar",
    "bar_says",
    "met",
    "runs",
    "labels",
    "why",
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m bench` from the checkout, of this interpreter: nothing is installed."""
    command = [sys.executable, "-m", "bench", "--python", sys.executable, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environment(), check=False
    )


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_each_benchmark_runs_and_reports(name: str, tmp_path: Path) -> None:
    """A benchmark ends with figures under the documented keys, whatever the machine.

    By itself it makes a report, in which each of its bars stands.
    """
    ended = run(name, "--scale", "tiny", "--json", "--report", "--into", str(tmp_path))
    assert ended.returncode in {0, 1}, ended.stderr
    told = json.loads(ended.stdout)
    assert told["machine"]
    assert told["rows"]
    for row in told["rows"]:
        assert set(row) == KEYS
        assert row["bench"] == name
        assert row["figure"] is not None
        assert row["met"] is (None if row["bar"] is None else row["figure"] <= row["bar"])
    report = (tmp_path / "bench" / "REPORT.md").read_text()
    assert f"## {SUBJECTS[name]}\n" in report
    assert report.count("| met |") + report.count("| MISSED |") >= sum(
        row["bar"] is not None for row in told["rows"]
    )
    for picture in re.findall(r"\]\(\.\./(docs/pictures/[^)]+)\)", report):
        assert (tmp_path / picture).stat().st_size > 0


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """A typing error costs no minutes."""
    ended = run("strat")
    assert ended.returncode == 2
    assert "there is no strat" in ended.stderr
    assert "start" in ended.stderr


def test_a_tiny_report_does_not_replace_the_checkout_s() -> None:
    """What is committed holds no figures of runs that only show that they run."""
    ended = run("lives", "--scale", "tiny", "--report")
    assert ended.returncode == 2
    assert "--into" in ended.stderr


def test_every_benchmark_is_described() -> None:
    """The page on benchmarks has a line for each of them."""
    page = (Path(ROOT) / "docs" / "benchmarks.md").read_text()
    assert [name for name in catalogue.NAMES if f"`{name}`" not in page] == []


def test_a_missed_bar_is_told() -> None:
    """A figure above its bar is missed, one at its bar is met, and no bar is neither."""
    missed = Row(
        bench="b", what="w", figure=2.5, unit="s", floor=1.0, bar=2.0, bar_says="2 x floor"
    )
    at, none = (
        Row(bench="b", what="w", figure=2, unit="", bar=2),
        Row(bench="b", what="w", figure=2, unit=""),
    )
    assert (missed.met, at.met, none.met) == (False, True, None)
    assert missed.ratio == 2.5
    assert Row.of(json.loads(json.dumps(missed.mapping()))) == missed
    head, line, *_ = table([missed, at]).splitlines()
    assert "MISSED" in line
    assert "2 s (2 x floor)" in line
    assert head.index("bar") == line.index("2 s (")


def test_percentiles_are_values_that_were_measured() -> None:
    """The smallest value that at least the share of all do not exceed."""
    values = [float(number) for number in range(100, 0, -1)]
    assert percentile(values, 0.99) == 99
    assert percentile(values, 0.5) == 50
    assert percentile([7.0], 0.99) == 7
    assert percentile([], 0.99) == 0
