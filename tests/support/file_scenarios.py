"""What file sinks are put through in processes of their own; prints one JSON value.

With tests/ on PYTHONPATH: `python -m support.file_scenarios SCENARIO FOLDER [UID]`. Each
process has one thread, so that it may fork.
"""

from __future__ import annotations

import contextlib
import fcntl  # noqa: F401 - another user may not be able to load it later
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from secret_refresher.errors import Trouble
from secret_refresher.ports import Finding
from secret_refresher.tokens.token import Token
from support.file_place import FilePlace
from support.os_calls import killed_at
from support.sink_contract import SOURCE, token

OLD, NEW, NEWER = "old-token" * 100, "new-token" * 1000, "newer" * 1000


def minted(place: FilePlace, text: str) -> Token:
    """One of the three tokens; each is the same in every process."""
    age = {OLD: 200.0, NEW: 100.0, NEWER: 10.0}[text]
    return token(place.hand, text, age=age)


# --- killed at every call ----------------------------------------------------------------------


def first_publish(place: FilePlace) -> None:
    """The start of a new pod."""
    sink = place.sink()
    sink.inspect(SOURCE)
    sink.publish(minted(place, NEW))


def next_publish(place: FilePlace) -> None:
    """A refresh, by a process that found the old token in place."""
    first_publish(place)


def two_publishes(place: FilePlace) -> None:
    """Two refreshes in a row."""
    sink = place.sink()
    sink.publish(minted(place, NEW))
    sink.publish(minted(place, NEWER))


def mode_repair(place: FilePlace) -> None:
    """A look that finds the mode wrong."""
    place.sink().inspect(SOURCE)


def removal(place: FilePlace) -> None:
    """`state: absent`, or an expired token with `onExpired: delete`."""
    place.sink().remove()


CRASHES: dict[str, Callable[[FilePlace], None]] = {
    "first_publish": first_publish,
    "next_publish": next_publish,
    "two_publishes": two_publishes,
    "mode_repair": mode_repair,
    "removal": removal,
}


def prepare(place: FilePlace, scenario: str) -> None:
    """What stands there before."""
    place.folder.mkdir()
    if scenario != "first_publish":
        place.left(minted(place, OLD))
    if scenario == "mode_repair":
        place.file.chmod(0o644)


def crash(scenario: str, folder: Path) -> int:
    """Runs it again and again in folders 1, 2, ..., killed at its 1st, 2nd, ... call.

    How many calls there were; the last folder is that of the run which came to its end.
    """
    number = 0
    while True:
        number += 1
        place = FilePlace(folder / str(number))
        prepare(place, scenario)
        pid = os.fork()
        if not pid:
            with killed_at(number):
                CRASHES[scenario](place)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if not status:
            return number


# --- other things that need a process of their own ---------------------------------------------


def told(attempt: Callable[[], Finding | object]) -> str:
    """The outcome as a text."""
    try:
        outcome = attempt()
    except Trouble as trouble:
        return f"{trouble.fault.reason}: {trouble}"
    return str(outcome.held if isinstance(outcome, Finding) else outcome)


def publish(folder: Path) -> str:
    """One publish of NEW."""
    place = FilePlace(folder)
    return told(lambda: place.sink().publish(minted(place, NEW)))


def look(folder: Path) -> str:
    """One look."""
    return told(lambda: FilePlace(folder).sink().inspect(SOURCE))


@dataclass
class Filled:
    """What came of publishes on a full file system, as texts; `kept` after the first of them."""

    looked: str
    full: str
    kept: str
    newer: str
    restarted: str
    roomy: str
    names: list[str]


def fill(folder: Path) -> list[dict[str, object]]:
    """On a small file system, full but for 0, 1, ... pages: publishes with and without room."""
    return [asdict(_fill(folder, FilePlace(folder), pages)) for pages in range(6)]


def _fill(folder: Path, place: FilePlace, pages: int) -> Filled:
    place.left(minted(place, OLD))
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    os.truncate(filler, max(0, filler.stat().st_size - 4096 * pages))
    sink = place.sink()
    looked = told(lambda: sink.inspect(SOURCE))
    full = told(lambda: sink.publish(minted(place, NEW)))
    kept = (place.content() or b"").decode()
    newer = told(lambda: sink.publish(minted(place, NEWER)))
    sink.close()
    again = place.sink()
    restarted = told(lambda: again.inspect(SOURCE))
    filler.unlink()
    roomy = told(lambda: again.publish(minted(place, NEWER)))
    again.close()
    whole = {OLD: "old", NEW: "new", NEWER: "newer"}
    found = Filled(looked, full, whole.get(kept, "torn"), newer, restarted, roomy, place.names())
    for name in place.names():
        (folder / name).unlink()
    return found


def become(user: int) -> None:
    """Another user in its own group alone; what is imported later must be there already."""
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def main(scenario: str, folder: str, user: str = "") -> None:
    """One scenario, as another user if one is given."""
    if user:
        become(int(user))
    if scenario in CRASHES:
        found: object = crash(scenario, Path(folder))
    else:
        found = {"publish": publish, "look": look, "fill": fill}[scenario](Path(folder))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
