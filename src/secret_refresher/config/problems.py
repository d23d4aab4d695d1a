"""What is wrong with a configuration: where, and what to write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import final

Path = tuple[str | int, ...]
"""Where a value stands: keys and indices from the top."""
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"[A-Za-z0-9._/-]{1,128}")
_RUN_TOGETHER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,30}[:=]")
"""`clientSecret:hush`, without the blank that would make a value of the rest."""


@final
@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend. `path` is empty where the whole file is meant."""

    file: str
    path: str
    message: str

    def __str__(self) -> str:
        """`file: tokens[1].sinks[0].file.path: must be absolute`."""
        return ": ".join(part for part in (self.file, self.path, self.message) if part)


class ConfigError(Exception):
    """A configuration was refused; holds every problem, at least one."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@final
class Findings:
    """Collects the problems of one file while reading goes on."""

    __slots__ = ("file", "found")

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Problem] = []

    def add(self, path: Path, message: str) -> None:
        """Notes a problem."""
        self.found.append(Problem(self.file, spelt(path), message))


def spelt(path: Path) -> str:
    """`tokens[1].sinks[0].file`; a key that would not read well is put in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{quoted(part)}]"
    return text


def quoted(key: str) -> str:
    """A key in quotes, on one line; of one that is no name, what may be a secret is left out."""
    if not _NAME.fullmatch(key):
        begin = _RUN_TOGETHER.match(key)
        key = f"{begin[0] if begin else ''}\u2026"
    return f'"{key}"'
