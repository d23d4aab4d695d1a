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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import certifi

from bench.child import ROOT, environment
from bench.fleet import memory_folder
from support.authorization_server import AuthorizationServer
from support.certificates import Authority
from support.daemon import Settings, entry


@final
@dataclass(frozen=True, slots=True)
class Program:
    """What is run, and the variable by which it takes the machine's certificate authorities."""

    command: tuple[str, ...]
    trust: str


DAEMON = Program((sys.executable, "-m", "secret_refresher", "run", "--config"), "SSL_CERT_FILE")
FLOOR = Program(
    (sys.executable, os.path.join(ROOT, "bench", "floor_file.py")), "REQUESTS_CA_BUNDLE"
)


@contextmanager
def course(lifetime: float) -> Iterator[Course]:
    """An authorization server, a folder in memory, and a configuration of one token."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=memory_folder()) as name:
        folder = Path(name)
        (folder / "authority").mkdir()
        authority = Authority(str(folder / "authority"))
        with AuthorizationServer(lifetime=lifetime, tls=authority.issue().server()) as server:
            yield Course(folder, server, Path(authority.file))


@final
class Course:
    """What both programs are given.

    They ask over TLS, as they would outside, and trust as many authorities as a machine has.
    """

    def __init__(self, folder: Path, server: AuthorizationServer, authority: Path) -> None:
        self.server = server
        self.token = folder / "partner-api"
        self._config = folder / "config.yaml"
        self._log = folder / "log"
        self._trusted = folder / "authorities.pem"
        self._absent = folder / "absent"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._asked = entry(server.token_url, folder, request={"format": "json"})
        self._write([self._asked])
        self._trusted.write_text(Path(certifi.where()).read_text() + authority.read_text())
        # structlog imports it where it is, and it is here because a linter needs it.
        self._absent.mkdir()
        (self._absent / "rich.py").write_text("raise ImportError\n")

    def configure(self, names: Sequence[str]) -> None:
        """In place of the one token, one of each name, from the same server into a file each."""
        defaults = {key: value for key, value in self._asked.items() if key != "name"}
        defaults["sinks"] = [{"file": {"path": str(self.token.parent / "{name}")}}]
        tokens = [{"name": name} for name in names]
        self._write(tokens, defaults=defaults, log={"level": "warning"})

    def _write(self, tokens: list[Settings], **sections: Settings) -> None:
        served = {"address": f"127.0.0.1:{self.port}"}
        self._config.write_text(json.dumps({"tokens": tokens, "server": served, **sections}))

    def clear(self) -> None:
        """Nothing is left of whoever ran before."""
        for left in self.token.parent.glob("*partner-api*"):
            left.unlink()

    @contextmanager
    def running(self, program: Program) -> Iterator[subprocess.Popen[bytes]]:
        """A program from its start to its end by SIGTERM."""
        with (
            self._log.open("wb") as log,
            subprocess.Popen(
                [*program.command, str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(program),
            ) as process,
        ):
            try:
                yield process
            finally:
                process.terminate()

    def wait(self, process: subprocess.Popen[bytes], tokens: int) -> None:
        """Until the file holds the token of that number, or a later one."""
        self.until(
            process,
            lambda: (
                len(self.server.tokens) >= tokens
                and self.token.exists()
                and self.token.read_text() in self.server.tokens[tokens - 1 :]
            ),
        )

    def until(
        self, process: subprocess.Popen[bytes], true: Callable[[], bool], patience: float = 30.0
    ) -> None:
        """Until it is true; raises RuntimeError with the program's log where it does not come."""
        end = time.monotonic() + patience
        while not true():
            over = process.poll()
            if over is not None or time.monotonic() > end:
                how = f"ended with {over}" if over is not None else f"ran {patience:g} s in vain"
                raise RuntimeError(f"{process.args!r} {how}:\n{self._log.read_text()}")
            time.sleep(0.001)

    def scrape(self) -> None:
        """One scrape of its metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            answer.read()

    def _environment(self, program: Program) -> Mapping[str, str]:
        given = environment()
        for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
            given.pop(variable, None)
        paths = os.pathsep.join((str(self._absent), given["PYTHONPATH"]))
        own = {"PYTHONPATH": paths, "PORT": str(self.port), program.trust: str(self._trusted)}
        return {**given, **own}
