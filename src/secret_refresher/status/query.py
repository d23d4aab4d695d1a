"""Which tokens are asked for: the parameters of the page and of the document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final
from urllib.parse import parse_qsl, urlencode

from secret_refresher.errors import Reason
from secret_refresher.lifecycle.state import TOKEN_STATES
from secret_refresher.status.document import ABSENT

MOST = 1000
"""Tokens on one page."""
LONGEST = 200
"""Characters of a search."""
ATTENTION = "attention"
"""Asks for all tokens that something is wrong with, whatever their state."""
STATES = (*reversed(TOKEN_STATES), ABSENT)
"""What can be asked for beside `ATTENTION`, worst first."""
_LONGEST_QUERY = 4096
_PARAMETERS = ("q", "state", "reason", "page", "per")


class BadQueryError(ValueError):
    """A parameter that cannot be understood; its text names it and says what can."""


@final
@dataclass(frozen=True, slots=True)
class Query:
    """`text` stands in the name or a target, whatever the case; an empty one asks for all."""

    text: str = ""
    state: str = ""
    reason: str = ""
    page: int = 1
    per: int = 100

    def link(self, **changes: object) -> str:
        """The query string, from `?` on, of this query with some changes; page 1 unless given."""
        wanted = replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]
        given = {
            "q": wanted.text,
            "state": wanted.state,
            "reason": wanted.reason,
            "page": "" if wanted.page == 1 else str(wanted.page),
        }
        return "?" + urlencode({name: value for name, value in given.items() if value})


def parse(text: str, per: int) -> Query:
    """The query of what follows `?` in a URL; `per` tokens on a page unless it says otherwise.

    Raises `BadQueryError`.
    """
    if len(text) > _LONGEST_QUERY:
        raise BadQueryError("the query is too long")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise BadQueryError("the query is not UTF-8, or has too many parameters") from None
    given: Mapping[str, str] = dict(pairs)
    if any(name not in _PARAMETERS for name in given):
        raise BadQueryError(f"there is no such parameter; there are {' '.join(_PARAMETERS)}")
    state, reason = given.get("state", ""), given.get("reason", "")
    if state and state not in {ATTENTION, *STATES}:
        raise BadQueryError(f"state: must be {ATTENTION} or one of {' '.join(STATES)}")
    if reason and reason not in set(Reason):
        raise BadQueryError(f"reason: must be one of {' '.join(Reason)}")
    if len(given.get("q", "")) > LONGEST:
        raise BadQueryError(f"q: must be at most {LONGEST} characters")
    return Query(
        text=given.get("q", "").strip(),
        state=state,
        reason=reason,
        page=_number(given, "page", 1, 10**6),
        per=_number(given, "per", per, MOST),
    )


def _number(given: Mapping[str, str], name: str, otherwise: int, most: int) -> int:
    text = given.get(name, "")
    if not text:
        return otherwise
    if text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= most:  # noqa: PLR2004
        return int(text)
    raise BadQueryError(f"{name}: must be a number from 1 to {most}")
