"""`python -m bench [NAME ...]`: runs benchmarks and prints what they found."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import apiserver, catalogue, written
from bench.child import ROOT, apart
from bench.interpreter import VARIABLE, prepared
from bench.kept import Part, kept
from bench.machine import describe
from bench.plots import draw
from bench.report import Row, table
from bench.scale import Scale


def main() -> int:
    """Exit status 0: every bar met; 1: one was missed, or a benchmark failed; 2: usage."""
    options = _options()
    if options.rewrite:
        _report(options.into)
        return 0
    os.environ[VARIABLE] = options.python or prepared()
    apiserver.find()
    parts: list[Part] = []
    failed = []
    names = options.names or catalogue.NAMES
    for number, name in enumerate(names):
        _tell(names[number:], options.scale)
        try:
            parts.append(_measured(name, options.scale))
        except subprocess.CalledProcessError:
            print(f"{name} FAILED, what it said is above", file=sys.stderr, flush=True)
            failed.append(name)
            continue
        if options.report:
            parts[-1].keep(options.into / "bench" / "results")
            _report(options.into)
    rows = [row for part in parts for row in part.rows]
    if options.json:
        told = [row.mapping() for row in rows]
        print(json.dumps({"machine": describe(), "rows": told}, indent=1))
    else:
        print(f"{written.on_what(describe())}\n\n{table(rows)}")
    return 1 if failed or any(row.met is False for row in rows) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(catalogue.NAMES)}; all"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--report",
        action="store_true",
        help="keep the results, and write bench/REPORT.md, the page on benchmarks and its pictures"
        " from these and what was kept of others before",
    )
    parser.add_argument(
        "--rewrite", action="store_true", help="only write these anew from what was kept"
    )
    parser.add_argument(
        "--into", default=Path(ROOT), type=Path, help="another folder than this checkout for those"
    )
    parser.add_argument(
        "--scale", choices=list(Scale), default=Scale.USUAL, type=Scale, help="how long and large"
    )
    parser.add_argument(
        "--python", help="an interpreter with requirements/runtime.txt; one of CPython 3.13 is made"
    )
    options = parser.parse_args()
    unknown = set(options.names) - set(catalogue.NAMES)
    if unknown:
        parser.error(
            f"there is no {', '.join(sorted(unknown))}; there are {', '.join(catalogue.NAMES)}"
        )
    if options.report and options.scale is Scale.TINY and options.into == Path(ROOT):
        parser.error("figures of --scale tiny say nothing: name another folder by --into")
    return options


def _tell(names: Sequence[str], scale: Scale) -> None:
    name, *others = names
    said = f"{datetime.now(UTC):%H:%M} {name} ..."
    if scale is Scale.USUAL:
        left = sum(catalogue.MINUTES[other] for other in others)
        said += f" about {catalogue.MINUTES[name]:g} min; the others after it: {left:.0f} min"
    print(said, file=sys.stderr, flush=True)


def _measured(name: str, scale: Scale) -> Part:
    machine, at, begin = describe(), f"{datetime.now(UTC):%Y-%m-%d %H:%M}", time.monotonic()
    rows = tuple(map(Row.of, apart(catalogue.run, name=name, scale=scale)))
    seconds = time.monotonic() - begin
    return Part(name=name, scale=scale, at=at, seconds=seconds, machine=machine, rows=rows)


def _report(into: Path) -> None:
    """All that was kept, this run's and that of runs before."""
    parts = kept(into / "bench" / "results")
    drawn = draw([row for part in parts for row in part.rows], into / "docs" / "pictures")
    pictures = [file.name for file in drawn]
    (into / "bench" / "REPORT.md").write_text(written.page(parts, pictures), encoding="utf-8")
    document = into / "docs" / "benchmarks.md"
    if document.exists():
        text = written.renewed(document.read_text(encoding="utf-8"), parts, pictures)
        document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
