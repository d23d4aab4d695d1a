"""A token on its way to the configuration: what is known of it, and where that stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from secret_refresher.config.merge import holds
from secret_refresher.config.model import TokenConfig
from secret_refresher.config.problems import Path, Problem, spelt
from secret_refresher.config.sections import Part, broken

Place = tuple[str, str]
"""A file and a path in it."""


@final
@dataclass(frozen=True, slots=True)
class Defaults:
    """The section `defaults` and the file that has it; not `known` where it could not be read."""

    file: str = ""
    part: Part = field(default_factory=Part)
    known: bool = True


@final
@dataclass(frozen=True, slots=True)
class Draft:
    """One token, `token` built from all that was right of `merged`."""

    file: str
    path: Path
    own: Part
    merged: Part
    defaults: Defaults
    token: TokenConfig

    def right(self, *keys: str) -> bool:
        """Whether nothing is wrong in these keys, so that rules may look at them."""
        return not any(broken(self.merged.get(key)) for key in keys)

    def place(self, *paths: Path) -> Place:
        """Where to mend it: the first of `paths` that the token has itself, else `defaults`.

        What neither of them has is told at the token.
        """
        for path in paths:
            if holds(self.own, path):
                return self.file, spelt(self.path + path)
        for path in paths:
            if holds(self.defaults.part, path):
                return self.defaults.file, spelt(("defaults", *path))
        return self.file, spelt(self.path + paths[0])

    def problem(self, message: str, *paths: Path) -> Problem:
        """A problem at that place; the same for every token if a default is to blame."""
        return Problem(*self.place(*paths), message)
