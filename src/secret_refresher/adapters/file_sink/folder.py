"""Files in one folder, replaced as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from typing import final

from secret_refresher.errors import Fault, Lane, Reason, Trouble

_ADVICE = {
    Reason.NOT_FOUND: "mount a volume there (an emptyDir with medium: Memory), or mend the path",
    Reason.PERMISSION: "let this user write to the folder: set fsGroup, or the owner and mode",
    Reason.READ_ONLY: "mount the volume without readOnly",
    Reason.NO_SPACE: "make room, or raise the volume's sizeLimit",
    Reason.NOT_A_FILE: "remove what stands there, or choose another path",
    Reason.LOCKED: "stop the other process, or give this one another path",
    Reason.IO: "look at the volume and at the limits of open files",
}
_REASONS = {
    errno.ENOENT: Reason.NOT_FOUND,
    errno.ENOTDIR: Reason.NOT_FOUND,
    errno.EACCES: Reason.PERMISSION,
    errno.EPERM: Reason.PERMISSION,
    errno.EROFS: Reason.READ_ONLY,
    errno.ENOSPC: Reason.NO_SPACE,
    errno.EDQUOT: Reason.NO_SPACE,
    errno.EISDIR: Reason.NOT_A_FILE,
}


def trouble(reason: Reason, what: str, code: str | None = None) -> Trouble:
    """A fault of a sink; `what` names the path and what is the matter with it."""
    lane = Lane.TRANSIENT if reason in {Reason.IO, Reason.NO_SPACE} else Lane.PERMANENT
    return Trouble(Fault(reason, what, _ADVICE[reason], lane, code=code))


@contextlib.contextmanager
def translated(path: str, doing: str) -> Iterator[None]:
    """Turns an OSError into a fault that names the path."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        name = errno.errorcode.get(number, "EIO")
        reason = _REASONS.get(number, Reason.IO)
        raise trouble(reason, f"cannot {doing} {path}: {os.strerror(number)}", name) from None


@final
class Folder:
    """An open folder; every name is looked up in it, wherever its path leads later."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def open(self, name: str, flags: int) -> int:
        """A descriptor of a file, never through a symlink, never waiting for a pipe."""
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        return os.open(name, flags, 0o600, dir_fd=self._fd)

    def stat(self, name: str) -> os.stat_result:
        """Of the name itself."""
        return os.stat(name, dir_fd=self._fd, follow_symlinks=False)

    def replace(self, name: str, content: bytes, mode: int, lock: bool = False) -> int | None:  # noqa: FBT001, FBT002 - see below
        """Makes `name` a file with this content and exactly this mode, or leaves it alone.

        1. A new file beside it, that nobody else may open; its mode set before its content.
        2. Content and mode on the disk before the name moves, the name on the disk after.

        With `lock` the new file is locked before anybody can find it, and its descriptor
        returned to hold that lock.
        """
        beside = f".{name}.{secrets.token_hex(8)}.tmp"
        fd = self.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        kept = False
        try:
            if lock:
                lock_now(fd)
            os.fchmod(fd, mode)
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(fd, rest) :]
            os.fsync(fd)
            os.rename(beside, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            beside = ""
            os.fsync(self._fd)
            kept = lock
        finally:
            if not kept:
                os.close(fd)
            if beside:
                with contextlib.suppress(OSError):
                    self.unlink(beside)
        return fd if kept else None

    def read(self, name: str, most: int) -> tuple[bytes, os.stat_result] | None:
        """Content and stat of a regular file of at most `most` bytes; None for anything else.

        Raises FileNotFoundError where there is nothing.
        """
        try:
            fd = self.open(name, os.O_RDONLY)
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENXIO}:
                return None
            raise
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or found.st_size > most:
                return None
            content = b""
            while len(content) <= most and (part := os.read(fd, most + 1 - len(content))):
                content += part
            return (content, found) if len(content) <= most else None
        finally:
            os.close(fd)

    def chmod(self, name: str, mode: int) -> None:
        """Sets the mode of a regular file, never through a symlink."""
        fd = self.open(name, os.O_RDONLY)
        try:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                os.fchmod(fd, mode)
        finally:
            os.close(fd)

    def unlink(self, name: str) -> None:
        """Removes a name and makes that last."""
        os.unlink(name, dir_fd=self._fd)
        os.fsync(self._fd)

    def leftovers(self, name: str) -> list[str]:
        """Files beside `name` that a killed process did not get to rename."""
        start, end, digits = f".{name}.", ".tmp", 16
        return [
            found
            for found in os.listdir(self._fd)
            if found.startswith(start)
            and found.endswith(end)
            and len(found) == len(start) + digits + len(end)
            and all(digit in "0123456789abcdef" for digit in found[len(start) : -len(end)])
        ]


def lock_now(fd: int) -> None:
    """Takes the lock of an open file; BlockingIOError where somebody else has it."""
    import fcntl

    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
