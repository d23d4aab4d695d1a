"""What a doctor writes."""

import io
import json

from secret_refresher.doctor.check import Check, Verdict, fine, warned
from secret_refresher.doctor.report import worst, write_json, write_text

CHECKS = [
    fine("configuration", "read it", "2 tokens"),
    fine("partner-api", "read the credentials", "all there"),
    warned("partner-api", "compare clocks", "300 s apart", "synchronise them"),
    Check("other", "fetch one token", Verdict.FAILED, "it was refused", "rotate it"),
]


def test_text_goes_part_by_part() -> None:
    """A line a check, its remedy below, and a sum at the end."""
    out = io.StringIO()
    write_text(CHECKS, out)
    assert out.getvalue().splitlines() == [
        "configuration",
        "  ok       read it: 2 tokens",
        "partner-api",
        "  ok       read the credentials: all there",
        "  WARNING  compare clocks: 300 s apart",
        "           -> synchronise them",
        "other",
        "  FAILED   fetch one token: it was refused",
        "           -> rotate it",
        "4 checks: 2 ok, 1 warning, 1 failed",
    ]


def test_json_says_the_same() -> None:
    """A version, the worst verdict, and every check with all of its members."""
    out = io.StringIO()
    write_json(CHECKS, "1.2.3", out)
    document = json.loads(out.getvalue())
    assert document["version"] == 1
    assert document["program"] == "1.2.3"
    assert document["verdict"] == "failed"
    assert document["counts"] == {"ok": 2, "warning": 1, "failed": 1}
    assert document["checks"][2] == {
        "part": "partner-api",
        "tried": "compare clocks",
        "verdict": "warning",
        "result": "300 s apart",
        "remedy": "synchronise them",
    }


def test_the_worst_counts() -> None:
    """One failure is a failure; nothing looked at is no failure."""
    assert worst(CHECKS) is Verdict.FAILED
    assert worst(CHECKS[:3]) is Verdict.WARNING
    assert worst([]) is Verdict.OK
