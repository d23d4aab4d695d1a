"""The processes of a test cluster: etcd and kube-apiserver on loopback."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping

import requests

from support.cluster_assets import SERVERS
from support.cluster_audit import POLICY, Audit
from support.cluster_client import Client
from support.cluster_identity import write_kubeconfig
from support.cluster_keys import Keys, make_keys
from support.cluster_leash import Leash

_API, _ETCD = SERVERS
_READY_IN = 90.0
"""Seconds that a start may take on a slow machine; it takes 2 to 4."""
_SHOWN = 40
"""Lines of a log that an error quotes."""


class ClusterError(Exception):
    """The test cluster itself failed, not what is tested on it."""


class Servers:
    """One etcd and one API server, with fresh data, keys and audit log in a folder of their own.

    `assets` is the folder of the programs; `audit_level` is Metadata, Request or RequestResponse.
    """

    def __init__(self, assets: str, audit_level: str = "Metadata") -> None:
        self.assets = assets
        self._audit_level = audit_level
        self._paused = False
        self._killed = False
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ending = contextlib.ExitStack()

    def start(self) -> None:
        """Starts etcd and the API server; returns when it serves, RBAC's own roles included."""
        began = time.monotonic()
        self.folder = tempfile.mkdtemp(prefix="secret-refresher-cluster-")
        try:
            self._leash = Leash(self.folder)
            self._leash.start()
            self._ending.callback(self._leash.pull)
            port = self._ending.enter_context(_reserve())
            self.port: int = port.getsockname()[1]
            self.url = f"https://127.0.0.1:{self.port}"
            self._launch(_ETCD, self._etcd_arguments())
            self.keys: Keys = make_keys(self.folder)
            self.audit = Audit(self.path("audit.log"))
            self._write_settings()
            self.admin = Client(self.url, self.keys.ca, self._admin_token)
            self._ending.callback(self.admin.close)
            self._launch_api()
            self.version: str = self.admin.request("GET", "/version").json()["gitVersion"]
        except BaseException:
            self.stop()
            raise
        self.seconds_to_start = time.monotonic() - began

    def stop(self) -> None:
        """Ends everything, also where the start failed half-way; the data goes too."""
        self._ending.close()
        for process in self._processes.values():
            process.wait(30)

    def pause(self) -> None:
        """Stops the API server in its tracks: connections stay and are taken, nothing answers."""
        self._paused = True
        process = self._processes[_API]
        process.send_signal(signal.SIGSTOP)
        # The signal is only on its way yet; some threads could still answer.
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Lets a paused API server go on."""
        self._processes[_API].send_signal(signal.SIGCONT)
        self._paused = False

    def kill_api(self) -> None:
        """Kills the API server: connections break, new ones are refused. etcd stays."""
        self._killed = True
        self._paused = False
        self._processes[_API].kill()
        self._processes[_API].wait(30)

    def restart_api(self) -> None:
        """Brings a killed API server back with the same data, keys and port; some 2 seconds."""
        self._launch_api()
        self._killed = False

    def wipe(self) -> None:
        """Brings both back with nothing in etcd, as after a lost disk; keys and port stay."""
        self.kill_api()
        self._processes[_ETCD].kill()
        self._processes[_ETCD].wait(30)
        shutil.rmtree(self.path("etcd"))
        self._launch(_ETCD, self._etcd_arguments())
        self.restart_api()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The API server is silent meanwhile."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """The API server is gone meanwhile."""
        self.kill_api()
        try:
            yield
        finally:
            self.restart_api()

    def heal(self) -> None:
        """Undoes what a failed test left: resumes, restarts. A server that died is an error."""
        if self._paused:
            self.resume()
        if self._killed:
            self.restart_api()
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise ClusterError(f"{name} has died\n{self.tail(name)}")

    @property
    def answering(self) -> bool:
        """Whether the API server is neither paused nor killed."""
        return not (self._paused or self._killed)

    @property
    def pids(self) -> list[int]:
        """The servers' processes."""
        return [process.pid for process in self._processes.values()]

    def memory(self) -> Mapping[str, int]:
        """Resident bytes of each server."""
        return {name: _resident(process.pid) for name, process in self._processes.items()}

    @property
    def admin_kubeconfig(self) -> str:
        """The path of a kubeconfig with all rights."""
        return self.path("admin.kubeconfig")

    def path(self, name: str) -> str:
        """A place in the cluster's own folder, which goes with it."""
        return os.path.join(self.folder, name)

    @property
    def _etcd_url(self) -> str:
        # A socket in the working folder, which both share, needs no port. etcd insists on a name
        # that looks like host and port.
        return "unix://localhost:1"

    def _etcd_arguments(self) -> list[str]:
        peer = "unix://localhost:2"
        return [
            f"--data-dir={self.path('etcd')}",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            # Killing processes loses nothing that was written; only a power cut would.
            "--unsafe-no-fsync",
        ]

    def _write_settings(self) -> None:
        self._admin_token = secrets.token_urlsafe(24)
        settings = {
            "users.csv": f"{self._admin_token},admin,admin,system:masters\n",
            "audit.yaml": POLICY.format(level=self._audit_level),
        }
        user = {"token": self._admin_token}
        write_kubeconfig(self.admin_kubeconfig, self.url, self.keys.ca, "default", user)
        for name, text in settings.items():
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(text)

    def _launch_api(self) -> None:
        arguments = [
            f"--etcd-servers={self._etcd_url}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            # There is no Service to keep pointed at this server, and loopback may be in none.
            "--endpoint-reconciler-type=none",
            f"--secure-port={self.port}",
            # The harness holds the port too, so that nobody takes it while the server is away.
            "--permit-port-sharing",
            f"--tls-cert-file={self.keys.certificate}",
            f"--tls-private-key-file={self.keys.key}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self.path('users.csv')}",
            # Where its metadata are: another server can find the keys to ServiceAccount tokens.
            f"--service-account-issuer={self.url}",
            f"--service-account-signing-key-file={self.keys.tokens}",
            f"--service-account-key-file={self.keys.tokens}",
            "--service-cluster-ip-range=10.0.0.0/24",
            # It wants a `default` account in each namespace, which a controller would make.
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-policy-file={self.path('audit.yaml')}",
            f"--audit-log-path={self.audit.path}",
            "--audit-log-maxsize=4096",
        ]
        process = self._launch(_API, arguments)
        deadline = time.monotonic() + _READY_IN
        while not self._ready():
            if process.poll() is not None or time.monotonic() > deadline:
                what = f"{_API} is not ready (exit status {process.poll()})"
                raise ClusterError(f"{what}\n{self.tail(_API)}\n{self.tail(_ETCD)}")
            threading.Event().wait(0.05)

    def _ready(self) -> bool:
        try:
            return self.admin.request("GET", "/readyz", timeout=5).ok
        except requests.RequestException:
            return False

    def _launch(self, name: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        with open(self.path(f"{name}.log"), "ab") as log:
            process = subprocess.Popen(
                [os.path.join(self.assets, name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        self._processes[name] = process
        self._leash.hold(process.pid)
        return process

    def tail(self, name: str) -> str:
        """The end of a server's log."""
        with open(self.path(f"{name}.log"), encoding="utf-8", errors="replace") as file:
            lines = file.readlines()[-_SHOWN:]
        return f"--- the end of {name}'s log\n{''.join(lines)}"


def _reserve() -> socket.socket:
    """A free port of loopback that stays ours; only who asks to share it (and is us) may."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(("127.0.0.1", 0))
    return held


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
