"""Files of mounted Secrets and ConfigMaps, all of one generation.

The kubelet writes a volume's files into a folder named by time, points the symlink `..data` at
it, and swaps that symlink when the content changes; a path below the mount leads through it
(Kubernetes AtomicWriter). Following the symlink once for each file could mix two generations.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from typing import final

from secret_refresher.errors import Fault, Lane, Reason

DATA = "..data"
_TRIES = 10
_ADVICE = {
    errno.ENOENT: "is the Secret or ConfigMap mounted there, and is the key spelled like the file?",
    errno.ENOTDIR: "is the Secret or ConfigMap mounted there, and is the key spelled like the file?",
    errno.EACCES: "let this user read it: set fsGroup and defaultMode on the volume",
    errno.EPERM: "let this user read it: set fsGroup and defaultMode on the volume",
    errno.EISDIR: "name a file in it",
    errno.ELOOP: "its symlinks lead in a circle; mend them",
}


@final
class MountReader:
    """Implements `ports.FileReader`; `limit` is the most bytes that a file may have."""

    def __init__(self, limit: int = 64 * 1024) -> None:
        self._limit = limit

    def read(self, paths: Sequence[str]) -> Mapping[str, bytes | Fault]:
        """The content of each path.

        A generation that vanishes while it is read means that there is a newer one: then
        everything is read once more.
        """
        contents: dict[str, bytes | Fault] = {}
        for _ in range(_TRIES):
            generations: dict[str, str | None] = {}
            contents = {path: self._content(path, generations) for path in paths}
            if all(_generation(mount) == seen for mount, seen in generations.items()):
                break
        return contents

    def _content(self, path: str, generations: dict[str, str | None]) -> bytes | Fault:
        mount = _mount(path)
        real = path
        if mount is not None:
            if mount not in generations:
                generations[mount] = _generation(mount)
            generation = generations[mount]
            if generation is not None:
                real = os.path.join(mount, generation, os.path.relpath(path, mount))
        try:
            return self._bytes(path, real)
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
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return _refused(path, "is not a file", "name a file")
            content = file.read(self._limit + 1)
        if len(content) > self._limit:
            return _refused(path, f"is larger than {self._limit} bytes", "is it the right file?")
        return content


def _refused(path: str, what: str, advice: str) -> Fault:
    return Fault(Reason.CREDENTIALS, f"{path} {what}", advice, Lane.PERMANENT)


def _mount(path: str) -> str | None:
    """The nearest folder above a path that the kubelet writes, if any."""
    folder = os.path.dirname(path)
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
