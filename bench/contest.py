"""The daemon and its floor as child processes, under the same conditions."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import certifi

from bench.child import ROOT, environment
from bench.fleet import memory_folder
from bench.interpreter import measured
from bench.places import NAME, Files, Place, Secrets, fresh_cluster
from support.authorization_server import AuthorizationServer
from support.certificates import Authority
from support.daemon import Settings, entry


@final
@dataclass(frozen=True, slots=True)
class Program:
    """What is run over a configuration, and the variable by which it takes the authorities."""

    command: tuple[str, ...]
    trust: str


def _floor(name: str, *arguments: str) -> Program:
    script = os.path.join(ROOT, "bench", f"{name}.py")
    return Program((measured(), script, *arguments), "REQUESTS_CA_BUNDLE")


THREADS = 8
"""Of the floor's pool; the daemon publishes with as many."""
DAEMON = Program((measured(), "-m", "secret_refresher", "run", "--config"), "SSL_CERT_FILE")
FLOOR = _floor("floor_one")
POOL = _floor("floor_many", "again", str(THREADS))
FILL = _floor("floor_many", "once", str(THREADS))


@contextmanager
def course(lifetime: float, *, namespaces: int = 0) -> Iterator[Course]:
    """An authorization server, a folder in memory, and a configuration of one token.

    The token goes to a file, or with `namespaces` to a Secret of a real API server.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", dir=memory_folder()) as name:
        folder = Path(name)
        (folder / "authority").mkdir()
        (folder / "tokens").mkdir()
        authority = Authority(str(folder / "authority"))
        with (
            contextlib.ExitStack() as stack,
            AuthorizationServer(lifetime=lifetime, tls=authority.issue().server()) as server,
        ):
            place: Place = Files(folder / "tokens")
            if namespaces:
                place = Secrets(stack.enter_context(fresh_cluster()), folder, namespaces)
            yield Course(folder, server, Path(authority.file), place)


@final
class Course:
    """What both programs are given.

    They ask over TLS, as they would outside, and trust as many authorities as a machine has.
    """

    def __init__(
        self, folder: Path, server: AuthorizationServer, authority: Path, place: Place
    ) -> None:
        self.folder = folder
        self.server = server
        self.place = place
        self.token = folder / "tokens" / NAME
        """Where the place is a folder."""
        self._config = folder / "config.yaml"
        self._log = folder / "log"
        self._trusted = folder / "authorities.pem"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._trusted.write_text(Path(certifi.where()).read_text() + authority.read_text())
        self.configure([self.entry()])

    def entry(self, name: str = NAME, **keys: Any) -> Settings:
        """One token; `keys` replace keys."""
        own = {"request": {"format": "json"}, "sinks": [self.place.sink(name)], **keys}
        return entry(self.server.token_url, self.folder, name, **own)

    def configure(self, tokens: list[Settings], **sections: Settings) -> None:
        """The whole configuration, and what is needed to write where it says."""
        served = {"address": f"127.0.0.1:{self.port}"}
        whole = {"tokens": tokens, "server": served, **self.place.sections, **sections}
        self._config.write_text(json.dumps(whole))
        self.place.admit(self._config)

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

    def said(self) -> bytes:
        """What the program that ran last has printed."""
        return self._log.read_bytes()

    def wait(self, process: subprocess.Popen[bytes], tokens: int) -> None:
        """Until the place holds the token of that number, or a later one."""
        self.until(
            process,
            lambda: (
                len(self.server.tokens) >= tokens
                and self.place.read() in self.server.tokens[tokens - 1 :]
            ),
        )

    def until(
        self,
        process: subprocess.Popen[bytes],
        true: Callable[[], bool],
        patience: float = 30.0,
        *,
        every: float = 0.001,
    ) -> None:
        """Until it is true; raises RuntimeError with the program's log where it does not come."""
        end = time.monotonic() + patience
        while not true():
            over = process.poll()
            if over is not None or time.monotonic() > end:
                how = f"ended with {over}" if over is not None else f"ran {patience:g} s in vain"
                raise RuntimeError(f"{process.args!r} {how}:\n{self.said().decode()}")
            time.sleep(every)

    def scrape(self) -> None:
        """One scrape of its metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            answer.read()

    def _environment(self, program: Program) -> Mapping[str, str]:
        given = environment()
        for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
            given.pop(variable, None)
        own = {"PORT": str(self.port), program.trust: str(self._trusted)}
        return {**given, **self.place.environment, **own}
