"""One file that holds one token."""

from __future__ import annotations

import os
import stat
from typing import final

from secret_refresher.adapters.file_sink.folder import Folder, lock_now, translated, trouble
from secret_refresher.config import model
from secret_refresher.errors import Reason
from secret_refresher.ports import Clock, Finding, Held, Wrote
from secret_refresher.tokens.record import Record, dump, load, rendering_hash
from secret_refresher.tokens.rendering import MOST, render
from secret_refresher.tokens.token import Life, Token

_MOST_META = 64 * 1024
_TRIES = 20
Signature = tuple[tuple[int, ...], tuple[int, ...]]


@final
class FileSink:
    """Implements `ports.Sink`.

    Beside NAME stands `.NAME.meta.json` with the records of the last two renderings; it is
    written first, so whenever the process is killed, the record whose hash matches the file
    says what the file is. A lock on it is held from the first look to `close`.
    """

    __slots__ = ("_clock", "_folder", "_lock", "_meta", "_name", "_signature", "_spec", "_token")

    kind = "file"

    def __init__(self, token: str, spec: model.FileSink, clock: Clock) -> None:
        self._token = token
        self._spec = spec
        self._clock = clock
        folder, _, self._name = spec.path.rpartition("/")
        self._folder = folder or "/"
        self._meta = f".{self._name}.meta.json"
        self._lock: int | None = None
        self._signature: Signature | None = None

    @property
    def target(self) -> str:
        """The path."""
        return self._spec.path

    @property
    def identity(self) -> str:
        """The path with its settings."""
        return repr(self._spec)

    def inspect(self, source: str) -> Finding:
        """Locks, removes leftovers, and says what the file is.

        A live token of ours whose mode is not the one asked for gets the right one.
        """
        with translated(self.target, "look at"), self._open() as folder:
            self._claim(folder)
            folder.clear(self._name)
            folder.clear(self._meta)
            # Before the reading: a change in between then shows as one that was not seen.
            self._signature = self._look(folder)
            finding, content = self._finding(folder, source)
            if content is not None:
                folder.replace(self._name, content, self._spec.mode)
                self._settle(folder, content)
            return finding

    def examine(self, source: str) -> Finding:
        """What `inspect` would find; nothing is locked or changed, whoever is at work there.

        Raises `Trouble` where this process could not write.
        """
        with translated(self.target, "look at"), self._open() as folder:
            folder.refuse_unwritable()
            return self._finding(folder, source)[0]

    def _finding(self, folder: Folder, source: str) -> tuple[Finding, bytes | None]:
        """What the file is; its content where only the mode is not the one asked for."""
        folder.refuse_folder(self._name)
        if folder.stat(self._name) is None:
            return Finding(Held.NOTHING), None
        found = self._read(folder)
        life = None if found is None else self._life(folder, found[0], source)
        if found is None or life is None:
            return Finding(Held.FOREIGN), None
        return Finding(Held.OURS, life), None if self._is(found, found[0]) else found[0]

    def publish(self, token: Token) -> Wrote:
        """Replaces the file, unless it holds this rendering already.

        Records first: the new one, and that of what the file holds as long as it does.
        """
        content = render(self._spec.render, token, self._token).reveal()
        record = Record.of(content, token.life, self._fingerprint(token.source))
        with translated(self.target, "write"), self._open() as folder:
            self._claim(folder)
            found, known = self._read(folder), self._records(folder)
            same = found is not None and self._is(found, content)
            if not same or known[:1] != (record,):
                present = None if found is None else rendering_hash(found[0])
                others = [old for old in known if old.rendering != record.rendering]
                others.sort(key=lambda old: old.rendering != present)
                self._write_meta(folder, (record, *others[:1]))
            if not same:
                folder.replace(self._name, content, self._spec.mode)
            self._settle(folder, content)
        return Wrote.UNCHANGED if same else Wrote.WRITTEN

    def remove(self, *, for_good: bool = True) -> bool:  # noqa: ARG002 - no claim outlives the lock
        """Removes the file if a record says that it is ours; somebody else's content stays.

        The records go in either case, and the lock with them: they describe nothing any more.
        They go last, so without them there is nothing of ours.
        """
        with translated(self.target, "remove"):
            try:
                folder = self._open()
            except (FileNotFoundError, NotADirectoryError):
                self.close()
                return False
            with folder:
                ours = folder.stat(self._meta) is not None and self._remove(folder)
                self.close()
                self._signature = self._look(folder)
                return ours

    def _remove(self, folder: Folder) -> bool:
        self._claim(folder)
        found = self._read(folder)
        ours = found is not None and self._record(folder, found[0]) is not None
        if ours:
            folder.unlink(self._name)
        folder.clear(self._name)
        folder.clear(self._meta)
        folder.unlink(self._meta)
        return ours

    def disturbed(self) -> bool:
        """Two stats: are file and records the ones that we last saw?"""
        try:
            with self._open() as folder:
                return self._look(folder) != self._signature
        except OSError:
            return True

    def close(self) -> None:
        """Gives up the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _settle(self, folder: Folder, content: bytes) -> None:
        """Remembers what was written, unless somebody has changed it already.

        Read after the look: a change before it is seen here, one after it by `disturbed`.
        """
        self._signature = self._look(folder)
        found = self._read(folder)
        if found is None or not self._is(found, content):
            self._signature = None

    def _open(self) -> Folder:
        return Folder(self._folder)

    def _fingerprint(self, source: str) -> str:
        return f"{source}+{self._spec.render.digest()}"

    # --- the lock ------------------------------------------------------------------------------

    def _claim(self, folder: Folder) -> None:
        """Holds the lock of the records' file, the one that has its name now.

        Whoever replaces that file locks the new one before it gets the name, so a lock counts
        only if the name still leads to what was locked.
        """
        for _ in range(_TRIES):
            if self._lock is not None and self._holds_name(folder, self._lock):
                return
            self.close()
            self._lock = self._open_meta(folder)
            if self._lock is None:
                continue
            try:
                lock_now(self._lock)
            except BlockingIOError:
                self.close()
                raise trouble(Reason.LOCKED, f"another process writes {self.target}") from None
        self.close()
        raise trouble(Reason.LOCKED, f"another process keeps replacing {self._meta}")

    def _open_meta(self, folder: Folder) -> int | None:
        """A descriptor of the records' file, made where it is missing; None: look again."""
        try:
            fd = folder.open(self._meta)
        except PermissionError as error:
            what = f"cannot read {self._folder.rstrip('/')}/{self._meta}: {error.strerror}"
            raise trouble(Reason.PERMISSION, what, "EACCES") from None
        except FileNotFoundError:
            try:
                return folder.create(self._meta, self._spec.mode)
            except FileExistsError:
                return None
        if fd is None:  # a symlink, a pipe: nobody keeps records in such
            folder.unlink(self._meta)
        return fd

    def _holds_name(self, folder: Folder, fd: int) -> bool:
        mine, named = os.fstat(fd), folder.stat(self._meta)
        return named is not None and (mine.st_dev, mine.st_ino) == (named.st_dev, named.st_ino)

    # --- what is there -------------------------------------------------------------------------

    def _read(self, folder: Folder) -> tuple[bytes, os.stat_result] | None:
        """Content and stat of the file; None where it is none of ours, whatever else it is."""
        try:
            return folder.read(self._name, MOST)
        except (FileNotFoundError, PermissionError):
            return None

    def _is(self, found: tuple[bytes, os.stat_result], content: bytes) -> bool:
        """Whether a file that was read has this content and the mode that is asked for."""
        return found[0] == content and stat.S_IMODE(found[1].st_mode) == self._spec.mode

    def _records(self, folder: Folder) -> tuple[Record, ...]:
        try:
            found = folder.read(self._meta, _MOST_META)
        except FileNotFoundError:
            return ()
        return () if found is None else load(found[0])

    def _record(self, folder: Folder, content: bytes) -> Record | None:
        """The record of what the file holds."""
        digest = rendering_hash(content)
        return next((r for r in self._records(folder) if r.rendering == digest), None)

    def _life(self, folder: Folder, content: bytes, source: str) -> Life | None:
        """The life of what the file holds, if that is ours and of this source."""
        record = self._record(folder, content)
        if record is None or record.fingerprint != self._fingerprint(source):
            return None
        return record.life(self._clock.now(), self._clock.wall())

    def _write_meta(self, folder: Folder, records: tuple[Record, ...]) -> None:
        fd = folder.replace(self._meta, dump(records), self._spec.mode, lock=True)
        self.close()
        self._lock = fd

    def _look(self, folder: Folder) -> Signature:
        """What tells this file and its records from any others."""
        return _face(folder.stat(self._name)), _face(folder.stat(self._meta))


def _face(status: os.stat_result | None) -> tuple[int, ...]:
    if status is None:
        return ()
    return (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns, status.st_mode)
