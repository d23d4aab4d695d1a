"""The tables in docs/reliability.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from tools.faults.catalogue import FAULTS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- tables: made by `make faults` -->\n", "<!-- end of the tables -->\n"


def with_tables(page: str, observed: Mapping[str, str], where: str) -> str:
    """The page with the tables of one run; `where` says on what it ran and how long."""
    lines = [f"One run of {len(observed)} faults: {where}.\n"]
    for group, faults in groupby(FAULTS, key=lambda fault: fault.group):
        lines.append(f"\n### {group}\n\n| fault | expected | observed |\n| --- | --- | --- |\n")
        lines += [f"| {one.name} | {one.expected} | {observed[one.name]} |\n" for one in faults]
    made = re.escape(_BEGIN) + ".*" + re.escape(_END)
    return re.sub(made, lambda _: f"{_BEGIN}{''.join(lines)}{_END}", page, flags=re.DOTALL)


def rows(page: str) -> list[tuple[str, str]]:
    """Fault and expectation of each row."""
    found = page.partition(_BEGIN)[2].partition(_END)[0]
    cells = [
        line.strip("| \n").split(" | ") for line in found.splitlines() if line.startswith("| ")
    ]
    return [(row[0], row[1]) for row in cells if row[0] not in {"fault", "---"}]
