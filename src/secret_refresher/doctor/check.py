"""What one look came to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import final

from secret_refresher.errors import Fault


class Verdict(StrEnum):
    """How it looks, mildest first."""

    OK = "ok"
    WARNING = "warning"
    """It works, but not for long, or not as was meant."""
    FAILED = "failed"


@final
@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried, with its result and, where it is not well, a remedy.

    `part` is what it belongs to: `configuration`, `cluster`, or a token's name. Nothing of it is
    secret: a report is made to be pasted into a ticket.
    """

    part: str
    tried: str
    verdict: Verdict
    result: str
    remedy: str | None = None


def fine(part: str, tried: str, result: str) -> Check:
    """It is as it should be."""
    return Check(part, tried, Verdict.OK, result)


def failed(part: str, tried: str, fault: Fault) -> Check:
    """It is not, and the fault says why and what to do."""
    return Check(part, tried, Verdict.FAILED, fault.summary, fault.advice)


def warned(part: str, tried: str, result: str, remedy: str) -> Check:
    """It is as it should be, as far as that goes."""
    return Check(part, tried, Verdict.WARNING, result, remedy)
