"""How long and how large."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Scale(StrEnum):
    """Tiny shows that a benchmark runs, usual gives figures, long gives them again and again."""

    TINY = "tiny"
    USUAL = "usual"
    LONG = "long"

    def of(self, *, tiny: T, usual: T, long: T | None = None) -> T:
        """The one for this scale; `long` None is as usual."""
        if self is Scale.TINY:
            return tiny
        return usual if self is Scale.USUAL or long is None else long
