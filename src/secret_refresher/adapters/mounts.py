"""Files of mounted Secrets and ConfigMaps, all of one generation.

The kubelet writes a volume's files into a folder named by time, points the symlink `..data` at
it, and swaps that symlink when the content changes; a path below the mount leads through it
(Kubernetes AtomicWriter). Following the symlink once for each file could mix two generations.
Something else may be mounted below such a mount, a single file by `subPath` for one: what the
generation does not have is read by its plain path.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from typing import final

from secret_refresher.errors import Fault, Lane, Reason

DATA = "..data"
MOST = 1024 * 1024
"""Bytes of a file, unless asked for more: what a Secret or a ConfigMap can hold."""
_PIECE = 16 * 1024
_TRIES = 10
_MISSING = "is the Secret or ConfigMap mounted there, and is the key spelled like the file?"
_FORBIDDEN = "let this user read it: set fsGroup and defaultMode on the volume"
_ADVICE = {
    errno.ENOENT: _MISSING,
    errno.ENOTDIR: _MISSING,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EISDIR: "name a file in it",
    errno.ELOOP: "its symlinks lead in a circle; mend them",
}


_Names = Mapping[str, str | None]
"""The mount of each folder, or the generation of each mount, if there is one."""


@final
class MountReader:
    """Implements `ports.FileReader`; `limit` is the most bytes that a file may have."""

    def __init__(self, limit: int = MOST) -> None:
        self._limit = limit

    def read(self, paths: Sequence[str]) -> Mapping[str, bytes | Fault]:
        """The content of each path.

        A generation that vanishes while it is read means that there is a newer one: then
        everything is read once more.
        """
        contents: dict[str, bytes | Fault] = {}
        for _ in range(_TRIES):
            mounts = {folder: _mount(folder) for folder in set(map(os.path.dirname, paths))}
            seen = {mount: _generation(mount) for mount in mounts.values() if mount is not None}
            contents = {path: self._content(path, mounts, seen) for path in paths}
            if all(_generation(mount) == generation for mount, generation in seen.items()):
                break
        return contents

    def _content(self, path: str, mounts: _Names, generations: _Names) -> bytes | Fault:
        try:
            real = _in_generation(path, mounts[os.path.dirname(path)], generations)
            if real is not None:
                try:
                    return self._bytes(path, real)
                except (FileNotFoundError, NotADirectoryError):
                    pass
            return self._bytes(path, path)
        except OSError as error:
            number = error.errno or errno.EIO
            return Fault(
                Reason.CREDENTIALS,
                f"cannot read {path}: {os.strerror(number)}",
                _ADVICE.get(number, "look at the volume and at the limits of open files"),
                Lane.PERMANENT,
                code=errno.errorcode.get(number),
            )

    def _bytes(self, path: str, real: str) -> bytes | Fault:
        # Not blocking: somebody may have put a pipe there.
        fd = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            kind = os.fstat(fd).st_mode
            if stat.S_ISDIR(kind):
                raise IsADirectoryError(errno.EISDIR, "")
            if not stat.S_ISREG(kind):
                return _refused(path, "is not a file", "name a file")
            content = self._read(fd)
        finally:
            os.close(fd)
        if len(content) > self._limit:
            return _refused(path, f"is larger than {self._limit} bytes", "is it the right file?")
        return content

    def _read(self, fd: int) -> bytes:
        """All of a file, or a piece more than the limit: in pieces, as each takes its full size."""
        content = bytearray()
        while len(content) <= self._limit and (part := os.read(fd, _PIECE)):
            content += part
        return bytes(content)


def _refused(path: str, what: str, advice: str) -> Fault:
    return Fault(Reason.CREDENTIALS, f"{path} {what}", advice, Lane.PERMANENT)


def _in_generation(path: str, mount: str | None, generations: _Names) -> str | None:
    """Where a path leads in the generation of its mount that this round reads, if it has one."""
    generation = None if mount is None else generations[mount]
    if mount is None or generation is None:
        return None
    below = os.path.relpath(path, mount).removeprefix(DATA + os.sep)
    return os.path.join(mount, generation, below)


def _mount(folder: str) -> str | None:
    """The nearest folder that the kubelet writes, from this one upwards, if any."""
    while True:
        if os.path.islink(os.path.join(folder, DATA)):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _generation(mount: str) -> str | None:
    """Where `..data` points to now."""
    try:
        return os.readlink(os.path.join(mount, DATA))
    except OSError:
        return None
