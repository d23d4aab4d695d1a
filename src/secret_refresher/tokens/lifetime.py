"""How long a granted token lives, by what the server says and the token itself."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.tokens.claims import claims, number

LONGEST_LIFE = 10 * 366 * 86400.0
"""Seconds; a longer life is taken for a mistake, such as milliseconds."""
_NUMERIC = re.compile(r"[ \t\r\n]*[0-9]{1,15}(\.[0-9]{1,6})?[ \t\r\n]*")
"""With white space around it as in JSON; of all that Unicode has, `float` refuses some."""


def lifetime(
    status: int,
    answer: Mapping[str, Any],
    token: str,
    sent: float | None,
    default: float | None,
) -> float:
    """Seconds: of expires_in and the JWT's own life the smaller, else the default.

    `sent` is the answer's Date in seconds since the epoch. Raises `Trouble`, which names the
    answer's `status`.
    """
    said, own = answer.get("expires_in"), _jwt_life(token, sent)
    lives = [] if said is None else [_expires_in(status, said)]
    if own is not None:
        lives.append(own)
    if lives:
        return min(lives)
    if default is not None:
        return default
    raise Trouble(
        Fault(
            Reason.NO_LIFETIME,
            "the answer says neither expires_in nor is the token a JWT with exp",
            "set refresh.defaultLifetime to what the server's documentation promises",
            Lane.PERMANENT,
            status=status,
        )
    )


def _expires_in(status: int, value: Any) -> float:
    if isinstance(value, str) and _NUMERIC.fullmatch(value):
        value = float(value)
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if right and math.isfinite(value) and value > LONGEST_LIFE:
        raise _bad(
            status,
            "expires_in is more than ten years",
            "it must be a number of seconds; is it milliseconds, or a date? Ask the server's owner",
        )
    if not right or not 0 < value <= LONGEST_LIFE:
        raise _bad(
            status,
            "expires_in is not a positive number of seconds",
            "ask the server's owner to send one, or to leave it out: then"
            " refresh.defaultLifetime counts",
        )
    return float(value)


def _jwt_life(token: str, sent: float | None) -> float | None:
    """`exp` less `iat`, or less the answer's Date, of a JWT (RFC 7519); None for anything else.

    The token is only read: nobody verified it, so it can but shorten a life. Our own clock
    plays no part, as it may be wrong.
    """
    told = claims(token)
    if told is None:
        return None
    expires, issued = number(told.get("exp")), number(told.get("iat"))
    begin = issued if issued is not None else sent
    if expires is None or begin is None or not 0 < expires - begin <= LONGEST_LIFE:
        return None
    return expires - begin


def _bad(status: int, summary: str, advice: str) -> Trouble:
    return Trouble(Fault(Reason.BAD_ANSWER, summary, advice, status=status))
