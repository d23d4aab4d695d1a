"""A real Kubernetes API server with etcd and RBAC on loopback, as long as a test session.

No kubelet, no controllers: a deleted namespace stays `Terminating`, pods do not run, and no
ServiceAccount gets a token by itself.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import final

import requests

from support.cluster_assets import SERVERS, tool
from support.cluster_audit import POLICY, Asked, Audit
from support.cluster_client import ApiError, Client, Object
from support.cluster_identity import ServiceAccount, write_kubeconfig
from support.cluster_keys import Keys, make_keys
from support.cluster_leash import Leash
from support.cluster_rights import Right, permitted, rights

_API, _ETCD = SERVERS
_READY_IN = 90.0
"""Seconds that a start may take on a slow machine; it takes 2 to 4."""
_SHOWN = 40
"""Lines of a log that an error quotes."""


class ClusterError(Exception):
    """The test cluster itself failed, not what is tested on it."""


@final
class Cluster:
    """One API server with fresh data. `assets` is the folder of the programs.

    `audit_level` is Metadata, Request or RequestResponse. Fit for threads, as long as one of
    them stops and starts servers.
    """

    def __init__(self, assets: str, audit_level: str = "Metadata") -> None:
        self.assets = assets
        self._audit_level = audit_level
        self._names = itertools.count(1)
        self._paused = False
        self._killed = False
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ending = contextlib.ExitStack()

    # Coming and going

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
            self._audit = Audit(self._path("audit.log"))
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
        self._processes[_API].send_signal(signal.SIGSTOP)
        self._paused = True

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
                raise ClusterError(f"{name} has died\n{self._tail(name)}")

    @property
    def pids(self) -> list[int]:
        """The servers' processes."""
        return [process.pid for process in self._processes.values()]

    def memory(self) -> Mapping[str, int]:
        """Resident bytes of each server."""
        return {name: _resident(process.pid) for name, process in self._processes.items()}

    # People and places

    def namespace(self, labels: Mapping[str, str] | None = None, prefix: str = "test") -> str:
        """The name of a fresh namespace; no two calls give the same, over all sessions."""
        name = f"{prefix}-{next(self._names)}-{secrets.token_hex(3)}"
        metadata = {"name": name, "labels": dict(labels or {})}
        self.admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        return name

    def service_account(self, namespace: str, name: str = "secret-refresher") -> ServiceAccount:
        """A new ServiceAccount, without any right."""
        self.admin.create(
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": name, "namespace": namespace},
            }
        )
        return ServiceAccount(self.admin, self.keys.ca, namespace, name)

    def grant(self, manifests: Sequence[Object]) -> None:
        """Applies RBAC manifests and waits until the authorizer has all that they give."""
        for manifest in manifests:
            self.admin.apply(manifest, manager="grant", force=True)
        self._await_rights(rights(self.admin, manifests), wanted=True)

    def revoke(self, manifests: Sequence[Object]) -> None:
        """Deletes RBAC manifests and waits until the authorizer grants none of it any more."""
        given = rights(self.admin, manifests)
        for manifest in manifests:
            self.admin.remove(manifest)
        self._await_rights(given, wanted=False)

    def can(
        self,
        account: ServiceAccount,
        verb: str,
        resource: str,
        *,
        namespace: str = "",
        name: str = "",
        group: str = "",
    ) -> bool:
        """Whether the authorizer lets an account do this (SubjectAccessReview)."""
        return permitted(
            self.admin, Right(account.username, verb, group, resource, namespace, name)
        )

    def environment(self, url: str | None = None) -> dict[str, str]:
        """What a pod's environment says about the API server; `url` is a `FaultyWay`'s."""
        host, _, port = (url or self.url).removeprefix("https://").rpartition(":")
        return {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}

    # What was asked

    def mark(self) -> int:
        """A point in the audit log, to count from."""
        self._settle()
        return self._audit.size()

    def asked(
        self,
        since: int = 0,
        *,
        user: ServiceAccount | str | None = None,
        verb: str | None = None,
        resource: str | None = None,
        namespace: str | None = None,
        name: str | None = None,
    ) -> list[Asked]:
        """The requests after a mark, refused ones too, that fit all that is named."""
        self._settle()
        username = user.username if isinstance(user, ServiceAccount) else user
        return [
            one
            for one in self._audit.read(since)
            if username in (None, one.user)
            and verb in (None, one.verb)
            and resource in (None, one.resource)
            and namespace in (None, one.namespace)
            and name in (None, one.name)
        ]

    # Commands

    @property
    def admin_kubeconfig(self) -> str:
        """The path of a kubeconfig with all rights."""
        return self._path("admin.kubeconfig")

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """What kubectl prints, run as admin; `text` is its standard input."""
        return self._command("kubectl", arguments, text)

    def helm(self, *arguments: str, text: str | None = None) -> str:
        """What helm prints, run as admin, with folders of its own."""
        return self._command("helm", arguments, text)

    def _command(self, name: str, arguments: Sequence[str], text: str | None) -> str:
        environment = {
            **os.environ,
            "KUBECONFIG": self.admin_kubeconfig,
            "HOME": self.folder,
            **{f"HELM_{what}_HOME": self._path("helm") for what in ("CACHE", "CONFIG", "DATA")},
        }
        done = subprocess.run(
            [tool(self.assets, name), *arguments],
            input=text or "",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=environment,
        )
        if done.returncode != 0:
            raise ClusterError(f"{name} {' '.join(arguments)} failed: {done.stderr}")
        return done.stdout

    # How it is done

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    @property
    def _etcd_url(self) -> str:
        # A socket in the working folder, which both share, needs no port. etcd insists on a name
        # that looks like host and port.
        return "unix://localhost:1"

    def _etcd_arguments(self) -> list[str]:
        peer = "unix://localhost:2"
        return [
            f"--data-dir={self._path('etcd')}",
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
            with open(self._path(name), "w", encoding="utf-8") as file:
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
            f"--token-auth-file={self._path('users.csv')}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={self.keys.tokens}",
            f"--service-account-key-file={self.keys.tokens}",
            "--service-cluster-ip-range=10.0.0.0/24",
            # It wants a `default` account in each namespace, which a controller would make.
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-policy-file={self._path('audit.yaml')}",
            f"--audit-log-path={self._audit.path}",
            "--audit-log-maxsize=4096",
        ]
        process = self._launch(_API, arguments)
        deadline = time.monotonic() + _READY_IN
        while not self._ready():
            if process.poll() is not None or time.monotonic() > deadline:
                what = f"{_API} is not ready (exit status {process.poll()})"
                raise ClusterError(f"{what}\n{self._tail(_API)}\n{self._tail(_ETCD)}")
            _wait(0.05)

    def _ready(self) -> bool:
        try:
            return self.admin.request("GET", "/readyz", timeout=5).ok
        except requests.RequestException:
            return False

    def _launch(self, name: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        with open(self._path(f"{name}.log"), "ab") as log:
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

    def _tail(self, name: str) -> str:
        with open(self._path(f"{name}.log"), encoding="utf-8", errors="replace") as file:
            lines = file.readlines()[-_SHOWN:]
        return f"--- the end of {name}'s log\n{''.join(lines)}"

    def _settle(self) -> None:
        """Waits until the log has what was answered: an answer can be out before its line."""
        if self._paused or self._killed:
            return
        sign = secrets.token_hex(8)
        since = self._audit.size()
        self.admin.request("GET", "/version", params={"sign": sign})
        deadline = time.monotonic() + 30
        while not self._audit.holds(sign, since):
            if time.monotonic() > deadline:
                raise ClusterError(f"the audit log does not grow\n{self._tail(_API)}")
            _wait(0.01)

    def _await_rights(self, wished: Sequence[Right], *, wanted: bool) -> None:
        deadline = time.monotonic() + 30
        for right in wished:
            while permitted(self.admin, right) is not wanted:
                if time.monotonic() > deadline:
                    never = "never came into force" if wanted else "is still in force"
                    raise ClusterError(f"{right} {never}; does another binding give it?")
                _wait(0.02)


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def _reserve() -> socket.socket:
    """A free port of loopback that stays ours; only who asks to share it (and is us) may."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(("127.0.0.1", 0))
    return held


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


__all__ = ["ApiError", "Asked", "Client", "Cluster", "ClusterError", "Object", "ServiceAccount"]
