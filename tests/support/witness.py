"""Runs the command in this process, and writes down what its objects and exceptions show.

    python -m support.witness FILE -m secret_refresher run --config ...

That is `repr` of every object of ours as soon as it is made or returned, and of every exception of
ours the traceback with its causes, as Python itself would print them: what a stray `print`, a
debugger or a library's log line would show. What differs in digits only is written once, so that
the file stays small.
"""

from __future__ import annotations

import re
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

OURS = "secret_refresher"
_DIGITS = re.compile(r"\d+")


def program(file: Path, python: Path) -> str:
    """An interpreter, made at `python`, for `Daemon` that writes to `file`."""
    witness = f'exec {sys.executable} -m support.witness {file} "$@"'
    path = f"PYTHONPATH={Path(__file__).parent.parent}${{PYTHONPATH:+:$PYTHONPATH}}"
    python.write_text(f"#!/bin/sh\n{path} {witness}\n")
    python.chmod(0o755)
    return str(python)


class Witness:
    """Writes each sight once."""

    def __init__(self, file: str) -> None:
        self._out = open(file, "a", buffering=1)  # noqa: SIM115 - as long as the process lives
        self._seen: set[str] = set()

    def saw(self, kind: str, text: str) -> None:
        """One line for one sight."""
        shape = _DIGITS.sub("0", f"{kind} {text}")
        if shape not in self._seen:
            self._seen.add(shape)
            self._out.write(f"{kind} {text!r}\n")

    def trace(self, frame: FrameType, event: str, _arg: object) -> Any:
        """Follows functions of ours; see `sys.settrace`."""
        if event != "call" or not str(frame.f_globals.get("__name__")).startswith(OURS):
            return None
        frame.f_trace_lines = False
        return self._follow

    def _follow(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "exception" and _is_ours(arg[0]):
            self.saw(arg[0].__name__, "".join(traceback.format_exception(arg[1])))
        if event == "return":
            made = frame.f_code.co_name == "__init__"
            one = frame.f_locals.get("self") if made else arg
            if _is_ours(type(one)):
                self.saw(type(one).__name__, repr(one))
        return self._follow


def _is_ours(kind: type) -> bool:
    return str(kind.__module__).partition(".")[0] == OURS


def main() -> int:
    """As `python -m secret_refresher`, watched."""
    _, file, *command = sys.argv
    assert command[:2] == ["-m", OURS], command
    witness = Witness(file)
    threading.settrace(witness.trace)
    sys.settrace(witness.trace)
    sys.argv = ["secret-refresher", *command[2:]]
    from secret_refresher.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
