"""What happens to the place where the token goes."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.faults.network import wrapped
from tools.faults.stage import LIFE, Stage, expect, polled, ride

_FAILED = "sink publish failed"
_SEEN = 2
"""Tokens whose writing is watched."""
POWERLESS = "setpriv --bounding-set=-all --inh-caps=-all" if os.geteuid() == 0 else ""
"""Root without capabilities obeys permissions as anybody else."""


@contextlib.contextmanager
def _mounted(stage: Stage, options: str) -> Iterator[Path]:
    """A small tmpfs, for the token alone."""
    place = stage.folder / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], check=True)
    stage.path = place / "partner-api"
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _filled(place: Path) -> None:
    """Not a byte is left."""
    with contextlib.suppress(OSError), (place / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(b"x" * 4096)


def full(stage: Stage) -> str:
    """The file system is full, then it has room again."""
    with _mounted(stage, "size=64k") as place:
        return ride(
            stage,
            lambda _: _filled(place),
            lambda _: (place / "ballast").unlink(),
            failed=_FAILED,
        )


def no_inodes(stage: Stage) -> str:
    """Room, but no inode for another file."""

    def use_up(place: Path) -> None:
        try:
            for number in range(1000):
                (place / f"small-{number}").touch()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise

    def give_back(place: Path) -> None:
        for file in place.glob("small-*"):
            file.unlink()

    with _mounted(stage, "size=1m,nr_inodes=16") as place:
        return ride(stage, lambda _: use_up(place), lambda _: give_back(place), failed=_FAILED)


def read_only(stage: Stage) -> str:
    """The file system becomes read-only, as after an error of its disk, and is mounted again."""

    def cover(place: Path) -> None:
        # Over itself: the lock is open for writing, so the mount below cannot be changed.
        subprocess.run(["mount", "--bind", str(place), str(place)], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)

    def uncover(place: Path) -> None:
        subprocess.run(["umount", str(place)], check=True)

    with _mounted(stage, "size=64k") as place:
        return ride(stage, lambda _: cover(place), lambda _: uncover(place), failed=_FAILED)


def no_permission(stage: Stage) -> str:
    """The folder may not be written to, then it may."""
    place = stage.folder / "place"
    place.mkdir()
    stage.path = place / "partner-api"
    return ride(
        stage,
        lambda _: place.chmod(0o555),
        lambda _: place.chmod(0o755),
        failed=_FAILED,
        python=wrapped(stage, "", POWERLESS),
    )


def umask(mask: str) -> Callable[[Stage], str]:
    """A fault in which the daemon is started with this umask."""

    def act(stage: Stage) -> str:
        stage.server.lifetime = LIFE
        name = stage.file.name
        files = [stage.folder / one for one in (name, f".{name}.meta.json", f".{name}.tmp")]
        modes = set()
        with stage.daemon(python=wrapped(stage, f"umask {mask}")) as daemon:
            with polled(stage, daemon) as consumer:
                while len(consumer.tokens) <= _SEEN:
                    for file in files:
                        with contextlib.suppress(FileNotFoundError):
                            modes.add(f"{file.stat().st_mode & 0o777:o}")
            daemon.stop()
        # A new file begins with less, and has its mode before its content.
        expect(modes <= {"440", "400"}, f"modes {modes}")
        return f"modes seen of token, records and temporary file: {', '.join(sorted(modes))}"

    return act
