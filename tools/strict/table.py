"""The table of changes in docs/simulation.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, final

PAGE = Path(__file__).parents[2] / "docs" / "simulation.md"
SEEDS, LIVES = 300, 6
"""As many as continuous integration runs, and as long."""
_HEAD = "| change | first seed | what it says |\n| --- | --- | --- |\n"
_TABLE = re.compile(re.escape(_HEAD) + r"((?:\|.*\n)*)")


@final
class Found(NamedTuple):
    """A change, the first seed that a law fails with it, None without any, and its sentence."""

    name: str
    seed: int | None
    sentence: str

    def __str__(self) -> str:
        return f"| {self.name} | {self.seed or 'none'} | {self.sentence} |\n"


def with_table(page: str, found: Sequence[Found]) -> str:
    """The page with these rows."""
    return _TABLE.sub(lambda _: _HEAD + "".join(map(str, found)), page)


def rows(page: str) -> list[tuple[str, str]]:
    """Change and first seed of each row."""
    (table,) = _TABLE.findall(page)
    cells = (line.strip("| ").split(" | ") for line in table.splitlines())
    return [(cell[0], cell[1]) for cell in cells]
