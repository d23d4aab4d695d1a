"""The daemon and its floor as child processes, under the same conditions."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.child import ROOT, environment
from bench.fleet import memory_folder
from support.authorization_server import AuthorizationServer
from support.daemon import entry

DAEMON = (sys.executable, "-m", "secret_refresher", "run", "--config")
FLOOR = (sys.executable, os.path.join(ROOT, "bench", "floor_file.py"))
_PATIENCE = 30.0


@contextmanager
def course(lifetime: float) -> Iterator[Course]:
    """An authorization server, a folder in memory, and a configuration of one token."""
    with (
        AuthorizationServer(lifetime=lifetime) as server,
        tempfile.TemporaryDirectory(prefix="bench-", dir=memory_folder()) as folder,
    ):
        yield Course(Path(folder), server)


class Course:
    """What both programs are given."""

    def __init__(self, folder: Path, server: AuthorizationServer) -> None:
        self.server = server
        self.token = folder / "partner-api"
        self.config = folder / "config.yaml"
        self.log = folder / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        asked = entry(server.token_url, folder, request={"format": "json"})
        address = f"127.0.0.1:{self.port}"
        self.config.write_text(
            json.dumps({"tokens": [asked], "server": {"address": address}}), encoding="utf-8"
        )

    def clear(self) -> None:
        """Nothing is left of whoever ran before."""
        for left in self.token.parent.glob("*partner-api*"):
            left.unlink()

    @contextmanager
    def running(self, program: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
        """A program from its start to its end by SIGTERM."""
        with (
            open(self.log, "wb") as log,
            subprocess.Popen(
                [*program, str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environment(), "PORT": str(self.port)},
            ) as process,
        ):
            try:
                yield process
            finally:
                process.terminate()

    def wait(self, process: subprocess.Popen[bytes], tokens: int) -> None:
        """Until the file holds the token of that number."""
        end = time.monotonic() + _PATIENCE
        while not (
            len(self.server.tokens) >= tokens
            and self.token.exists()
            and self.token.read_text() in self.server.tokens[tokens - 1 :]
        ):
            if process.poll() is not None:
                said = self.log.read_text(encoding="utf-8")
                raise RuntimeError(f"{process.args!r} ended with {process.returncode}:\n{said}")
            if time.monotonic() > end:
                raise TimeoutError(f"{process.args!r} published nothing in {_PATIENCE:g} s")
            time.sleep(0.001)

    def scrape(self) -> None:
        """One scrape of its metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            answer.read()
