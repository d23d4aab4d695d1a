"""Spring Authorization Server as a process on loopback, over TLS.

    with SpringServer([client], leaf, client_ca) as spring:
        spring.token_url

Its program is what tools/authorization/build makes.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from support.certificates import Leaf
from support.cluster_leash import Leash
from support.real_servers import free_port, jvm, servers_folder

_READY_IN = 200.0
"""Seconds that a start may take; it takes 5."""


class SpringServer:
    """One server; `clients` are metadata as in RFC 7591, with `opaque` for tokens that are.

    `leaf` is its certificate; certificates in the PEM file `trusted` are taken from clients, and
    the first of them must be its own authority's.
    """

    def __init__(
        self, clients: Sequence[dict[str, Any]], leaf: Leaf, trusted: str, *, life: int = 600
    ) -> None:
        self._clients = list(clients)
        self._leaf = leaf
        self._trusted = trusted
        self._life = life
        self._ending = contextlib.ExitStack()

    def start(self) -> Self:
        """Runs it; returns when it serves."""
        program = servers_folder() / "spring" / "server.jar"
        self._home = Path(tempfile.mkdtemp(prefix="secret-refresher-spring-"))
        leash = Leash(str(self._home))
        leash.start()
        self._ending.callback(leash.pull)
        try:
            self._launch(program, leash)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends it."""
        self._ending.close()
        self._process.wait(30)

    @property
    def issuer(self) -> str:
        """Its name."""
        return self._url

    @property
    def token_url(self) -> str:
        """The token endpoint; it asks for a certificate, and does without one."""
        return f"{self._url}/oauth2/token"

    mutual_token_url = token_url

    def _launch(self, program: Path, leash: Leash) -> None:
        port = free_port()
        self._url = f"https://127.0.0.1:{port}"
        clients = self._home / "clients.json"
        clients.write_text(json.dumps(self._clients))
        settings = {
            "server.address": "127.0.0.1",
            "server.port": port,
            "server.ssl.certificate": f"file:{self._leaf.certificate}",
            "server.ssl.certificate-private-key": f"file:{self._leaf.key}",
            "server.ssl.client-auth": "want",
            "server.ssl.trust-certificate": f"file:{self._trusted}",
            "spring.security.oauth2.authorizationserver.issuer": self._url,
            "tests.clients": clients,
            "tests.life": self._life,
        }
        log = self._home / "spring.log"
        with log.open("wb") as written:
            self._process = subprocess.Popen(
                [
                    *jvm("256m"),
                    "-jar",
                    str(program),
                    *(f"--{name}={value}" for name, value in settings.items()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                cwd=self._home,
                start_new_session=True,
            )
        leash.hold(self._process.pid)
        deadline = time.monotonic() + _READY_IN
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-3000:]
                raise AssertionError(f"Spring Authorization Server is not ready:\n{said}")
            threading.Event().wait(0.1)

    def _ready(self) -> bool:
        try:
            with requests.Session() as session:
                session.trust_env = False
                url = f"{self._url}/.well-known/oauth-authorization-server"
                return session.get(url, verify=self._trusted, timeout=30).ok
        except requests.RequestException:
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
