"""The real demo, as somebody starts it in a terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

WITHIN = 90.0
"""Seconds; a loaded machine takes its time, and a hanging demo must still be found out."""


class Running:
    """One demo as a child process, with all that it has said."""

    def __init__(self, folder: Path, *arguments: str, env: dict[str, str]) -> None:
        self.folder = folder
        # env(1) undoes what nohup does to those who start the tests under it.
        terminal = ["env", "--default-signal=HUP"]
        self.process = subprocess.Popen(
            [*terminal, sys.executable, "-m", "secret_refresher", "demo", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"TMPDIR": str(folder)} | env,
        )
        self._said: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        pipe = self.process.stdout
        assert pipe is not None
        with pipe:
            for line in pipe:
                with self._news:
                    self._said.append(line)
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def said(self) -> str:
        """All of it so far."""
        with self._news:
            return "".join(self._said)

    def hears(self, pattern: str) -> str:
        """Waits until a line matches; its first group, or all of the match."""
        expression = re.compile(pattern, re.MULTILINE)
        until = time.monotonic() + WITHIN
        while True:
            with self._news:
                match = expression.search("".join(self._said))
                if match is None and time.monotonic() < until and self._reader.is_alive():
                    self._news.wait(0.5)
                    continue
            assert match is not None, f"never said {pattern!r}:\n{self.said}"
            return match[1] if match.re.groups else match[0]

    def file(self) -> Path:
        """The token's file."""
        return Path(self.hears(r"^  token file +(.+)$"))

    def url(self) -> str:
        """Where metrics are."""
        return self.hears(r"^  metrics +(http://\S+)$")

    def daemon(self) -> int:
        """The daemon's process id."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert len(children) == 1, children
        return int(children[0])

    def ends(self) -> int:
        """Waits for its end; the exit status."""
        status = self.process.wait(WITHIN)
        self._reader.join(WITHIN)
        return status

    def leftovers(self) -> list[str]:
        """What remains of it: files and processes."""
        files = [str(found) for found in self.folder.iterdir()]
        return files + [f"process {pid}" for pid in self.processes()]

    def processes(self) -> list[int]:
        """Those that name its folder, which no other demo has."""
        return [
            int(process.name)
            for process in Path("/proc").iterdir()
            if process.name.isdigit() and str(self.folder).encode() in _command(process)
        ]


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


Start = Callable[..., Running]
"""Starts a demo with arguments, and with keywords as environment variables."""
