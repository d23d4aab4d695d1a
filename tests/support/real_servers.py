"""Authorization servers that nobody here wrote: where their programs are, and how they end.

Programs are installed once, into a cache folder outside the checkout, from versions that a lock
file of this repository pins.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from support.elsewhere import unavailable

ROOT = Path(__file__).parents[2]


def cache() -> Path:
    """The folder of what was installed for tests."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "secret-refresher"


def needs(*commands: str, remedy: str) -> None:
    """Skips where a command is missing; STRICT=1 makes that a failure."""
    for command in commands:
        if not shutil.which(command):
            unavailable(f"there is no {command} on the PATH; {remedy}")


def installed(name: str, files: Sequence[Path], command: Sequence[str]) -> Path:
    """A folder with copies of `files` in which `command` has succeeded, once for all.

    Whatever is in the files decides the folder, so that a change installs anew.
    """
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
    folder = cache() / name / digest
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # workers of one run would install beside each other
        if folder.is_dir():
            return folder
        making = folder.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        for file in files:
            shutil.copy(file, making)
        done = subprocess.run(
            command, cwd=making, capture_output=True, text=True, check=False, timeout=110
        )
        if done.returncode != 0:
            tail = (done.stderr or done.stdout)[-300:]
            unavailable(f"{command[0]} failed; is a package registry within reach? {tail}")
        making.rename(folder)
    return folder
