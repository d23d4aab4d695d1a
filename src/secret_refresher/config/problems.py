"""What is wrong with a configuration: where, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


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
    """Collects problems while reading goes on."""

    __slots__ = ("file", "found")

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Problem] = []

    def add(self, path: str, message: str) -> None:
        """Notes a problem."""
        self.found.append(Problem(self.file, path, message))
