"""`python -m bench [NAME ...]`: runs benchmarks and prints what they found."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench import catalogue
from bench.child import ROOT, apart
from bench.machine import describe
from bench.plots import draw
from bench.report import Row, table
from bench.scale import Scale
from bench.written import page


def main() -> int:
    """Exit status 0: every bar met; 1: one was missed; 2: usage."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(catalogue.NAMES)}; all"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--report", action="store_true", help="write bench/REPORT.md and the documents' pictures"
    )
    parser.add_argument(
        "--scale", choices=list(Scale), default=Scale.USUAL, type=Scale, help="how long and large"
    )
    options = parser.parse_args()
    unknown = set(options.names) - set(catalogue.NAMES)
    if unknown:
        parser.error(
            f"there is no {', '.join(sorted(unknown))}; there are {', '.join(catalogue.NAMES)}"
        )
    machine = describe()
    rows: list[Row] = []
    for name in options.names or catalogue.NAMES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += map(Row.of, apart(catalogue.run, name=name, scale=options.scale))
    if options.report:
        (Path(ROOT) / "bench" / "REPORT.md").write_text(page(machine, rows), encoding="utf-8")
        draw(rows, Path(ROOT) / "docs" / "pictures")
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.mapping() for row in rows]}, indent=1))
    else:
        print(f"{machine}\n\n{table(rows)}")
    return 1 if any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
