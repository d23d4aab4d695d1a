"""What a JWT says of itself (RFC 7519): read, never trusted, since nobody verified it here."""

from __future__ import annotations

import base64
import math
import re
from typing import Any

from secret_refresher.tokens.json_object import json_object

LONGEST = 512 * 1024
"""Characters of a part that is still read."""
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_SIGNED, _ENCRYPTED = 3, 5


def claims(token: str) -> dict[str, Any] | None:
    """The payload of a signed JWT (RFC 7515 section 7.1); None for anything else."""
    parts = token.split(".")
    return _decoded(parts[1]) if len(parts) == _SIGNED else None


def is_jwt(text: str) -> bool:
    """Whether a text has the form of a JWT, signed or encrypted (RFC 7519 section 3)."""
    parts = text.split(".")
    header = _decoded(parts[0])
    if header is None or not isinstance(header.get("alg"), str):
        return False
    return len(parts) == _ENCRYPTED or (len(parts) == _SIGNED and claims(text) is not None)


def number(value: Any) -> float | None:
    """A NumericDate or the like; None for anything that is no sensible number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:  # noqa: PLR2004 - beyond any date
        return None
    return float(value) if math.isfinite(value) else None


def _decoded(part: str) -> dict[str, Any] | None:
    """The JSON object in a part."""
    if len(part) > LONGEST:
        return None
    part = part.rstrip("=")
    if not _BASE64URL.fullmatch(part):
        return None
    try:
        return json_object(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
