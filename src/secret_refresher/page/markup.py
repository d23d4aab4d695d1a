"""HTML in which nothing that comes from elsewhere can be anything but text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import final


@final
class Markup(str):
    """A piece of HTML, as it is to be sent."""

    __slots__ = ()


NONE = Markup()


def fill(template: str, **values: object) -> Markup:
    """A template of ours with values in its `{places}`: text is escaped, markup stands as it is.

    Places stand between tags or in quoted attributes only.
    """
    return Markup(template.format_map({name: _safe(value) for name, value in values.items()}))


def joined(pieces: Iterable[Markup], between: str = "") -> Markup:
    """Pieces one after the other."""
    return Markup(_safe(between).join(pieces))


def _safe(value: object) -> str:
    return value if isinstance(value, Markup) else escape(str(value), quote=True)
