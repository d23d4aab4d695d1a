"""Files in one folder, replaced as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import final

from secret_refresher.errors import Fault, Lane, Reason, Trouble

_ADVICE = {
    Reason.NOT_FOUND: "mount a volume there (an emptyDir with medium: Memory), or mend the path",
    Reason.PERMISSION: "let this user write to the folder and read what is in it: set fsGroup,"
    " or the owner and mode",
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

_PIECE = 16 * 1024
"""Bytes that are read at once: each read takes its full size of memory."""
_NEVER_AWAY = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Opens the very thing that has the name, at once, and for this process alone."""


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
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def stat(self, name: str) -> os.stat_result | None:
        """Of the name itself, not of what a symlink leads to; None where there is nothing."""
        try:
            return os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open(self, name: str) -> int | None:
        """A descriptor of a regular file, for reading; None for anything else.

        A symlink is not followed, and a pipe is not waited for. Raises FileNotFoundError where
        there is nothing.
        """
        try:
            fd = os.open(name, os.O_RDONLY | _NEVER_AWAY, dir_fd=self._fd)
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENXIO}:
                return None
            raise
        regular = False
        try:
            regular = stat.S_ISREG(os.fstat(fd).st_mode)
        finally:
            if not regular:
                os.close(fd)
        return fd if regular else None

    def create(self, name: str, mode: int) -> int:
        """A descriptor of a new, empty file, for writing; FileExistsError where one stands.

        It begins with no right that was not asked for, and has exactly `mode` at the end,
        whatever the umask.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NEVER_AWAY
        fd = os.open(name, flags, mode & 0o600, dir_fd=self._fd)
        try:
            os.fchmod(fd, mode)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def replace(self, name: str, content: bytes, mode: int, lock: bool = False) -> int | None:  # noqa: FBT001, FBT002 - see below
        """Makes `name` a file with this content and exactly this mode, or leaves it alone.

        1. A new file beside it, with its mode before its content.
        2. Content and mode on the disk before the name moves, the name on the disk after.

        Only who holds the lock of the records may call this: the name of the new file is always
        the same. With `lock` the new file is locked before anybody can find it under `name`,
        and its descriptor returned to hold that lock.
        """
        self.clear(name)
        beside = _beside(name)
        kept, moved = False, False
        fd = self.create(beside, mode)
        try:
            if lock:
                lock_now(fd)
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(fd, rest) :]
            os.fsync(fd)
            with self._no_folder(name):
                os.rename(beside, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            moved = True
            os.fsync(self._fd)
            kept = lock
        finally:
            if not kept:
                os.close(fd)
            if not moved:
                with contextlib.suppress(OSError):
                    self.unlink(beside)
        return fd if kept else None

    def clear(self, name: str) -> None:
        """Removes what a killed process left of a new file `name`."""
        with contextlib.suppress(FileNotFoundError):
            self.unlink(_beside(name))

    def read(self, name: str, most: int) -> tuple[bytes, os.stat_result] | None:
        """Content and stat of a regular file of at most `most` bytes; None for anything else.

        Raises FileNotFoundError where there is nothing.
        """
        fd = self.open(name)
        if fd is None:
            return None
        try:
            found = os.fstat(fd)
            if found.st_size > most:
                return None
            content = bytearray()
            while len(content) <= most and (part := os.read(fd, _PIECE)):
                content += part
            return (bytes(content), found) if len(content) <= most else None
        finally:
            os.close(fd)

    def unlink(self, name: str) -> None:
        """Removes a name and makes that last; a folder is left alone, and `Trouble`."""
        with self._no_folder(name):
            os.unlink(name, dir_fd=self._fd)
        os.fsync(self._fd)

    def refuse_folder(self, name: str) -> None:
        """Raises `Trouble` where `name` is a folder: nothing here replaces one."""
        found = self.stat(name)
        if found is not None and stat.S_ISDIR(found.st_mode):
            raise self._a_folder(name)

    def refuse_unwritable(self) -> None:
        """Raises `Trouble` where a new file would be refused, without trying it."""
        if os.fstatvfs(self._fd).f_flag & os.ST_RDONLY:
            raise trouble(Reason.READ_ONLY, f"{self._path} is read-only", "EROFS")
        if not os.access(".", os.W_OK | os.X_OK, dir_fd=self._fd, effective_ids=True):
            raise trouble(Reason.PERMISSION, f"may not write to {self._path}", "EACCES")

    @contextlib.contextmanager
    def _no_folder(self, name: str) -> Iterator[None]:
        try:
            yield
        except IsADirectoryError:
            raise self._a_folder(name) from None

    def _a_folder(self, name: str) -> Trouble:
        return trouble(Reason.NOT_A_FILE, f"{self._path.rstrip('/')}/{name} is a folder")


def _beside(name: str) -> str:
    """Where a new file stands until it gets its name: always the same, so it is found again."""
    return f".{name}.tmp"


def lock_now(fd: int) -> None:
    """Takes the lock of an open file; BlockingIOError where somebody else has it."""
    import fcntl

    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
