"""Processes as /proc shows them (proc(5)): their names, and what they do with a signal."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

PROC = "/proc"
_LONGEST_COMM = 15
"""The kernel cuts a name after so many bytes."""
_LONGEST_ANSWER = 64 * 1024
_DEAD = frozenset("ZXx")


@final
@dataclass(frozen=True, slots=True)
class Process:
    """One process as it is now; `caught`, `ignored` and `blocked` are masks of signals."""

    pid: int
    comm: str
    program: str
    """The last part of argv[0], as far as a process shows it."""
    parent: int
    user: int
    caught: int
    ignored: int
    blocked: int

    def has_name(self, name: str) -> bool:
        """Whether people would call it that."""
        cut = name.encode()[:_LONGEST_COMM]
        return self.comm.encode() == cut or self.program == name

    def outlives(self, number: int) -> bool:
        """Whether it has something of its own to do at this signal, or is deaf to it.

        The default action of all that we send ends a process (signal(7)).
        """
        return bool((self.caught | self.ignored | self.blocked) >> (number - 1) & 1)


def look(pid: int, proc: str = PROC) -> Process | None:
    """A process, or None where there is none, or it is dead and only not buried yet."""
    try:
        status = _read(f"{proc}/{pid}/status").decode(errors="replace")
        command = _read(f"{proc}/{pid}/cmdline")
    except OSError:
        return None
    known = dict(re.findall(r"^(\w+):[ \t]*(.*)$", status, re.MULTILINE))
    try:
        if known["State"][:1] in _DEAD:
            return None
        return Process(
            pid=pid,
            comm=_plain(known["Name"]),
            program=command.partition(b"\0")[0].decode(errors="replace").rpartition("/")[2],
            parent=int(known["PPid"]),
            user=int(known["Uid"].split()[0]),
            caught=int(known["SigCgt"], 16),
            ignored=int(known["SigIgn"], 16),
            blocked=int(known["SigBlk"], 16),
        )
    except (KeyError, ValueError, IndexError):
        return None


def everybody(proc: str = PROC) -> Iterator[Process]:
    """Every process that can be seen."""
    for entry in os.listdir(proc):
        found = look(int(entry), proc) if entry.isdigit() else None
        if found is not None:
            yield found


def _plain(name: str) -> str:
    r"""A name without the escapes of /proc/PID/status: `\n` and `\\` only."""
    return re.sub(r"\\([\\n])", lambda found: "\n" if found[1] == "n" else "\\", name)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_LONGEST_ANSWER)
