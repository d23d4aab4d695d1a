"""Authorization servers that nobody here wrote: where their programs are, and how they end.

Programs are installed once, into a cache folder outside the checkout, from versions that a lock
file of this repository pins.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from support.elsewhere import unavailable

ROOT = Path(__file__).parents[2]
_BUILD = ROOT / "tools" / "authorization" / "build"


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


def servers_folder() -> Path:
    """What tools/authorization/build made; where it made nothing, a skip or a failure."""
    needs("java", remedy="install Java 17 or newer (Debian: openjdk-17-jre-headless)")
    told = subprocess.run(
        [_BUILD, "--where"], capture_output=True, text=True, check=False, timeout=30
    )
    if told.returncode != 0:
        unavailable("there is no Keycloak and no Spring server; run tools/authorization/build")
    return Path(told.stdout.strip())


def jvm(memory: str) -> list[str]:
    """A Java that is started often and asked little: compiling better is never earned back."""
    return ["java", f"-Xmx{memory}", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]


def free_port() -> int:
    """A port of loopback that nobody has, below those that the system gives to clients."""
    for _ in range(100):
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port of loopback is free")
