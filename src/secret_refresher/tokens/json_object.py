"""JSON from elsewhere, read so that nothing in it can do harm."""

from __future__ import annotations

import json
from typing import Any


def json_object(body: bytes) -> dict[str, Any] | None:
    """A JSON object, whatever else is in the body; None if it is none."""
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_int=_integer)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _integer(digits: str) -> float:
    """Python refuses to read integers of thousands of digits; as a float they are just large."""
    return int(digits) if len(digits) < 20 else float(digits)  # noqa: PLR2004 - past 64 bits
