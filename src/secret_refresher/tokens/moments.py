"""Instants as people and records write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_LAST = 253_402_300_799.999
"""The end of the year 9999: what rounds to later cannot be written again."""


def rfc3339(instant: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC with milliseconds."""
    seconds, milliseconds = divmod(round(instant * 1000), 1000)
    whole = datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)
    return whole.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: object) -> float | None:
    """Seconds since the epoch of what `rfc3339` wrote; None for anything else."""
    if not isinstance(text, str) or not _FORM.fullmatch(text):
        return None
    try:
        instant = datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return instant if instant <= _LAST else None
