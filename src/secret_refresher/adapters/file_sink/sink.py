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
from secret_refresher.tokens.token import Token

_MOST_META = 64 * 1024
_TRIES = 20
Signature = tuple[int, int, int, int, int, int]


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
            for name in (*folder.leftovers(self._name), *folder.leftovers(self._meta)):
                folder.unlink(name)
            self._signature = None
            try:
                found = folder.read(self._name, MOST)
            except FileNotFoundError:
                self._signature = self._look(folder)
                return Finding(Held.NOTHING)
            if found is None:
                if stat.S_ISDIR(folder.stat(self._name).st_mode):
                    raise trouble(Reason.NOT_A_FILE, f"{self.target} is a folder")
                return Finding(Held.FOREIGN)
            content, status = found
            record = self._record(folder, content)
            wanted = self._fingerprint(source)
            life = None
            if record is not None and record.fingerprint == wanted:
                life = record.life(self._clock.now(), self._clock.wall())
            if life is None:
                return Finding(Held.FOREIGN)
            if stat.S_IMODE(status.st_mode) != self._spec.mode:
                folder.chmod(self._name, self._spec.mode)
            self._signature = self._look(folder)
            return Finding(Held.OURS, life)

    def publish(self, token: Token) -> Wrote:
        """Replaces the file, unless it holds this rendering already."""
        content = render(self._spec.render, token, self._token).reveal()
        record = Record.of(content, token.life, self._fingerprint(token.source))
        with translated(self.target, "write"), self._open() as folder:
            self._claim(folder)
            known = self._records(folder)
            same = self._holds(folder, content)
            if not same or known[:1] != (record,):
                before = [old for old in known if old.rendering != record.rendering]
                self._write_meta(folder, (record, *before[:1]))
            if not same:
                if _is_folder(folder, self._name):
                    raise trouble(Reason.NOT_A_FILE, f"{self.target} is a folder")
                folder.replace(self._name, content, self._spec.mode)
            self._signature = self._look(folder)
        return Wrote.UNCHANGED if same else Wrote.WRITTEN

    def remove(self) -> bool:
        """Removes the file if a record says that it is ours; somebody else's content stays.

        The records go in either case, and the lock with them: they describe nothing any more.
        """
        with translated(self.target, "remove"):
            try:
                folder = self._open()
            except (FileNotFoundError, NotADirectoryError):
                return False
            with folder:
                self._claim(folder)
                ours = self._holds_ours(folder)
                if ours:
                    folder.unlink(self._name)
                for name in (*folder.leftovers(self._name), *folder.leftovers(self._meta)):
                    folder.unlink(name)
                folder.unlink(self._meta)
                self.close()
                self._signature = None
                return ours

    def disturbed(self) -> bool:
        """Two stats: are file and records the ones that we last saw?"""
        try:
            with Folder(self._folder) as folder:
                return self._signature is None or self._look(folder) != self._signature
        except OSError:
            return True

    def close(self) -> None:
        """Gives up the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _open(self) -> Folder:
        return Folder(self._folder)

    def _fingerprint(self, source: str) -> str:
        return f"{source}+{self._spec.render.digest()}"

    def _claim(self, folder: Folder) -> None:
        """Holds the lock of the records' file, the one that has its name now.

        Whoever replaces that file locks the new one before it gets the name, so a lock counts
        only if the name still leads to what was locked.
        """
        for _ in range(_TRIES):
            if self._lock is not None and self._holds_name(folder, self._lock):
                return
            self.close()
            try:
                fd = folder.open(self._meta, os.O_RDONLY)
            except FileNotFoundError:
                fd = folder.open(self._meta, os.O_RDWR | os.O_CREAT)
            self._lock = fd
            try:
                lock_now(fd)
            except BlockingIOError:
                self.close()
                raise trouble(Reason.LOCKED, f"another process writes {self.target}") from None
        self.close()
        raise trouble(Reason.LOCKED, f"another process keeps replacing {self._meta}")

    def _holds_name(self, folder: Folder, fd: int) -> bool:
        mine = os.fstat(fd)
        try:
            named = folder.stat(self._meta)
        except FileNotFoundError:
            return False
        return (mine.st_dev, mine.st_ino) == (named.st_dev, named.st_ino)

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

    def _holds_ours(self, folder: Folder) -> bool:
        try:
            found = folder.read(self._name, MOST)
        except FileNotFoundError:
            return False
        return found is not None and self._record(folder, found[0]) is not None

    def _write_meta(self, folder: Folder, records: tuple[Record, ...]) -> None:
        fd = folder.replace(self._meta, dump(records), self._spec.mode, lock=True)
        self.close()
        self._lock = fd

    def _holds(self, folder: Folder, content: bytes) -> bool:
        """Whether the file has this content and the right mode."""
        try:
            found = folder.read(self._name, MOST)
        except (FileNotFoundError, PermissionError):
            return False
        if found is None or found[0] != content:
            return False
        return stat.S_IMODE(found[1].st_mode) == self._spec.mode

    def _look(self, folder: Folder) -> Signature | None:
        """What tells this file and its records from any others."""
        try:
            file = folder.stat(self._name)
        except FileNotFoundError:
            file = None
        try:
            meta = folder.stat(self._meta)
        except FileNotFoundError:
            return None
        if file is None:
            return (0, 0, 0, 0, meta.st_dev, meta.st_ino)
        return (
            file.st_ino,
            file.st_size,
            file.st_ctime_ns,
            file.st_mode,
            meta.st_dev,
            meta.st_ino,
        )


def _is_folder(folder: Folder, name: str) -> bool:
    try:
        return stat.S_ISDIR(folder.stat(name).st_mode)
    except FileNotFoundError:
        return False
