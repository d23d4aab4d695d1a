"""The report of a doctor: for people as text, for machines as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any, TextIO

from secret_refresher.doctor.check import Check, Verdict

VERSION = 1
"""Of the JSON document; it grows only by members that older readers may ignore."""
_SIGNS = {Verdict.OK: "ok", Verdict.WARNING: "WARNING", Verdict.FAILED: "FAILED"}
_WIDTH = max(map(len, _SIGNS.values()))


def write_text(checks: Sequence[Check], out: TextIO) -> None:
    """Part by part, each check a line, each remedy on the line below, a sum at the end."""
    for part, members in groupby(checks, key=lambda check: check.part):
        print(part, file=out)
        for check in members:
            sign = _SIGNS[check.verdict].ljust(_WIDTH)
            print(f"  {sign}  {check.tried}: {check.result}", file=out)
            if check.remedy is not None:
                print(f"  {'':{_WIDTH}}  -> {check.remedy}", file=out)
    counts = _counts(checks)
    told = [f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict]]
    total = len(checks)
    print(f"{total} {'check' if total == 1 else 'checks'}: {', '.join(told)}", file=out)


def write_json(checks: Sequence[Check], program: str, out: TextIO) -> None:
    """One object: `version`, `program`, `verdict` (the worst), `counts`, `checks`."""
    document: dict[str, Any] = {
        "version": VERSION,
        "program": program,
        "verdict": worst(checks),
        "counts": {str(verdict): number for verdict, number in _counts(checks).items()},
        "checks": [
            {
                "part": check.part,
                "tried": check.tried,
                "verdict": check.verdict,
                "result": check.result,
                "remedy": check.remedy,
            }
            for check in checks
        ],
    }
    json.dump(document, out, indent=2, ensure_ascii=False)
    out.write("\n")


def worst(checks: Sequence[Check]) -> Verdict:
    """What the set-up as a whole shows."""
    found = {check.verdict for check in checks}
    return max(found, key=list(Verdict).index, default=Verdict.OK)


def _counts(checks: Sequence[Check]) -> Counter[Verdict]:
    counted = Counter(dict.fromkeys(Verdict, 0))
    counted.update(check.verdict for check in checks)
    return counted
