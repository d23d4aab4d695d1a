"""A small application that reads its token when it is told to, by HTTP or by a signal.

    python reloading_app.py FILE LOG [PID_FILE]

It prints its port, reads FILE at `POST /-/reload` and at SIGHUP, and writes one line to LOG for
each: how old the file was by then, in seconds, and the token.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self


class ReloadingApp:
    """The application as a process of its own."""

    def __init__(self, folder: Path, token: Path) -> None:
        self.log = folder / "app.log"
        self.pid_file = folder / "app.pid"
        self._token = token
        self.process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        command = [sys.executable, __file__, *map(str, (self._token, self.log, self.pid_file))]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def url(self) -> str:
        """Where it is told to reload."""
        return f"http://127.0.0.1:{self.port}/-/reload"

    def reloads(self) -> list[tuple[float, str]]:
        """Which token it has read, and how many seconds after the file got its name."""
        if not self.log.exists():
            return []
        pairs = (line.split(" ", 1) for line in self.log.read_text().splitlines())
        return [(float(age), token) for age, token in pairs]


def main(file: str, log: str, pid_file: str) -> None:
    """Serves until it is killed."""

    def reload() -> None:
        with open(file) as held:
            token, written = held.read(), os.fstat(held.fileno()).st_ctime
        age = time.time() - written
        with open(log, "a") as lines:
            lines.write(f"{age} {token}\n")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            reload()
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Nothing."""

    signal.signal(signal.SIGHUP, lambda _number, _frame: reload())
    server = HTTPServer(("127.0.0.1", 0), Handler)
    Path(pid_file).write_text(f"{os.getpid()}\n")
    print(server.server_port, flush=True)  # noqa: T201 - the one who started it waits for it
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
