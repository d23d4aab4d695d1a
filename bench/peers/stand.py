"""Where one program does its job: its own authorization server, its place, its reader."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import final

from bench.child import environment
from bench.peers.programs import Job, Program
from support.authorization_server import AuthorizationServer
from support.daemon import credentials

SAMPLE = 0.1
"""Seconds between two looks at memory."""


@final
class Running:
    """A program that is running, and may be killed and started; what its processes have used.

    `cpu` are seconds of all its processes, known once it has ended; `memory` is the largest
    proportional set size in MiB that was seen (`Pss`, proc_pid_smaps_rollup(5)): what is shared
    between processes counts once.
    """

    def __init__(self, program: Program, job: Job) -> None:
        self.cpu = 0.0
        self.memory = 0.0
        command, given = program.start(job)
        self._command = command
        self._environment = {**environment(), **job.environment, **given}
        self._log = job.folder / "log"
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        """In a session of its own, so that its children are found."""
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    def kill(self) -> None:
        """All of its processes at once; where they have ended already, nothing."""
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        _, status, used = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu += used.ru_utime + used.ru_stime

    def again(self) -> None:
        """Killed, and started."""
        self.kill()
        self._process = self._started()

    def keep(self) -> None:
        """Starts it again where it has ended by itself, as a kubelet would, and looks at it."""
        ended, status, used = os.wait4(self._process.pid, os.WNOHANG)
        if ended:
            self._process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu += used.ru_utime + used.ru_stime
            self._process = self._started()
        self.memory = max(self.memory, _group_memory(self._process.pid))


def _group_memory(group: int) -> float:
    total = 0
    for entry in os.listdir("/proc"):
        if not entry.isdecimal():
            continue
        try:
            if os.getpgid(int(entry)) == group:
                lines = Path(f"/proc/{entry}/smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue  # it has ended meanwhile
    return total / 1024


@final
class Stand:
    """One program at work."""

    def __init__(self, server: AuthorizationServer, running: Running, folder: Path) -> None:
        self.server = server
        self.running = running
        self._credentials = folder / "credentials"
        self._generation = 0

    def rotate(self) -> None:
        """A new secret, at the server and in the mounted files, from one moment on."""
        self._generation += 1
        secret = f"sesame-{self._generation}"
        self.server.client_secret = secret
        credentials(self._credentials, secret)


@contextmanager
def stand(
    program: Program,
    folder: Path,
    life: float,
    *,
    place: str | None = None,
    kubeconfig: str | None = None,
    kubectl: str = "kubectl",
) -> Iterator[Stand]:
    """A program at work with all that it needs; it is ended with the context."""
    (folder / "credentials").mkdir(parents=True)
    credentials(folder / "credentials")
    with AuthorizationServer(lifetime=life) as server, _metadata(server) as issuer:
        job = Job(
            token_url=server.token_url,
            issuer=issuer,
            credentials=folder / "credentials",
            folder=folder,
            place=place or str(folder / "token"),
            life=life,
            port=_free_port(),
            kubeconfig=kubeconfig,
            kubectl=kubectl,
        )
        running = Running(program, job)
        try:
            yield Stand(server, running, folder)
        finally:
            running.kill()


def until(true: Callable[[], bool], patience: float = 30.0) -> float:
    """Seconds until it is true; raises TimeoutError."""
    begin = time.monotonic()
    while not true():
        if time.monotonic() > begin + patience:
            raise TimeoutError(f"it did not come within {patience:g} s")
        time.sleep(0.001)
    return time.monotonic() - begin


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _metadata(server: AuthorizationServer) -> Iterator[str]:
    """An issuer whose OpenID metadata name the server's token endpoint."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(
                {
                    "issuer": issuer,
                    "authorization_endpoint": f"{issuer}/authorize",
                    "token_endpoint": server.token_url,
                    "jwks_uri": f"{issuer}/jwks",
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            """Not of interest."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        issuer = f"http://127.0.0.1:{listener.server_address[1]}"
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield issuer
        finally:
            listener.shutdown()
            thread.join()
