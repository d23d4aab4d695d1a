"""A file as a place for sinks, on a clock that tests move by hand."""

from __future__ import annotations

import stat
from pathlib import Path

from secret_refresher.adapters.file_sink import FileSink
from secret_refresher.config import model
from secret_refresher.tokens.rendering import Render
from secret_refresher.tokens.token import Token
from support.sink_contract import RAW, Place


class HandClock:
    """Both clocks stand still until somebody moves them."""

    def __init__(self) -> None:
        self.process = 1000.0
        self.epoch = 1_700_000_000.123

    def now(self) -> float:
        """The process's clock."""
        return self.process

    def wall(self) -> float:
        """The wall clock."""
        return self.epoch

    def pass_by(self, seconds: float) -> None:
        """Time passes on both."""
        self.process += seconds
        self.epoch += seconds


class FilePlace(Place):
    """A file in a folder."""

    def __init__(self, folder: Path, name: str = "token", mode: int = 0o440) -> None:
        self.folder = folder
        self.file = folder / name
        self.meta = folder / f".{name}.meta.json"
        self.mode = mode
        self.hand = HandClock()
        self.clock = self.hand

    def sink(self, render: Render = RAW) -> FileSink:
        """A sink for it."""
        spec = model.FileSink(path=str(self.file), mode=self.mode, render=render)
        return FileSink("partner-api", spec, self.hand)

    def content(self) -> bytes | None:
        """The file's bytes."""
        return self.file.read_bytes() if self.file.exists() else None

    def version(self) -> object:
        """Who the files are, and when they were touched."""
        return [
            (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, stat.S_IMODE(status.st_mode))
            for status in (path.lstat() for path in (self.file, self.meta))
        ]

    def edit(self, content: bytes) -> None:
        """Writes into the file, as an editor does that keeps it."""
        self.file.chmod(0o600)
        self.file.write_bytes(content)
        self.file.chmod(self.mode)

    def erase(self) -> None:
        """Removes the file."""
        self.file.unlink()

    def spoil_record(self) -> None:
        """Cuts the records short, in place."""
        self.meta.chmod(0o600)
        self.meta.write_bytes(self.meta.read_bytes()[:-20])

    def left(self, mine: Token) -> FilePlace:
        """The same place after a process published that and ended."""
        sink = self.sink()
        sink.publish(mine)
        sink.close()
        return self

    def names(self) -> list[str]:
        """Everything in the folder."""
        return sorted(path.name for path in self.folder.iterdir())
