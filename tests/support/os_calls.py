"""Steps into a piece of code before each call that it makes to the operating system."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

MODULES = {"posix", "fcntl"}
HARMLESS = {"close", "fspath", "getpid", "kill"}
"""Calls that cannot fail for a reason that anybody could do something about."""


@contextlib.contextmanager
def before_each(step: Callable[[int, str], None]) -> Iterator[None]:
    """Calls `step` with number, from 1, and name before each call; what it raises, that raises.

    Python tells its profiler of every call of a C function, so nothing needs to be replaced.
    The calls that `step` makes itself are not told.
    """
    number = 0

    def profile(_frame: FrameType, event: str, function: object) -> None:
        nonlocal number
        if event == "c_call" and getattr(function, "__module__", None) in MODULES:
            name = str(getattr(function, "__name__", ""))
            if name not in HARMLESS:
                number += 1
                step(number, name)

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


def killed_at(chosen: int) -> contextlib.AbstractContextManager[None]:
    """SIGKILL before the call of that number."""

    def step(number: int, _name: str) -> None:
        if number == chosen:
            os.kill(os.getpid(), signal.SIGKILL)

    return before_each(step)


def failing_at(chosen: int, error: int) -> contextlib.AbstractContextManager[list[str]]:
    """The call of that number fails with an errno instead of being made; its name comes out."""
    failed: list[str] = []

    def step(number: int, name: str) -> None:
        if number == chosen:
            failed.append(name)
            raise OSError(error, os.strerror(error))

    @contextlib.contextmanager
    def scope() -> Iterator[list[str]]:
        with before_each(step):
            yield failed

    return scope()
