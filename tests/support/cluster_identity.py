"""ServiceAccounts of a test cluster, and the files by which a program acts as one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import yaml

from support.cluster_client import Client

_GENERATIONS = itertools.count()


@final
@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """One ServiceAccount; without rights until some are granted."""

    admin: Client
    ca: str
    namespace: str
    name: str

    @property
    def username(self) -> str:
        """Its name in RBAC and in the audit log."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    def token(self, seconds: int = 600, audiences: Sequence[str] = ()) -> str:
        """A new token from the TokenRequest API; the API server grants no life below 600.

        It is for the API server itself where no `audiences` are given.
        """
        answer = self.admin.request(
            "POST",
            f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{self.name}/token",
            body={
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {"expirationSeconds": seconds, "audiences": list(audiences)},
            },
        )
        answer.raise_for_status()
        token: str = answer.json()["status"]["token"]
        return token

    def client(self) -> Client:
        """A client with a token of its own; whoever asks for it closes it."""
        return Client(self.admin.url, self.ca, self.token())

    def kubeconfig(self, path: str, *, server: str | None = None) -> str:
        """Writes a kubeconfig and, beside it, the token file that it names; returns that path.

        `server` is another URL, that of a `FaultyWay` for one. `rotate` writes a new token.
        """
        token_file = f"{path}.token"
        self.rotate(token_file)
        write_kubeconfig(
            path, server or self.admin.url, self.ca, self.namespace, {"tokenFile": token_file}
        )
        return token_file

    def rotate(self, token_file: str, token: str | None = None) -> None:
        """Puts a new token (or the given text, a bad one say) into a token file, atomically."""
        _write(f"{token_file}.new", self.token() if token is None else token)
        os.replace(f"{token_file}.new", token_file)

    def mount(self, folder: str, *, token: str | None = None) -> None:
        """Writes token, ca.crt and namespace as the kubelet's projected volume has them.

        Called again it swaps `..data` to a new generation, as the kubelet does. The programs'
        own folder is /var/run/secrets/kubernetes.io/serviceaccount.
        """
        with open(self.ca, encoding="utf-8") as file:
            ca = file.read()
        contents = {
            "token": self.token() if token is None else token,
            "ca.crt": ca,
            "namespace": self.namespace,
        }
        data = os.path.join(folder, "..data")
        before = os.readlink(data) if os.path.islink(data) else None
        generation = f"..2026_01_01_00_00_00.{next(_GENERATIONS):09d}"
        os.makedirs(os.path.join(folder, generation))
        for name, content in contents.items():
            _write(os.path.join(folder, generation, name), content)
        os.symlink(generation, os.path.join(folder, "..data_tmp"))
        os.replace(os.path.join(folder, "..data_tmp"), data)
        for name in contents:
            if before is None:
                os.symlink(os.path.join("..data", name), os.path.join(folder, name))
            else:
                os.unlink(os.path.join(folder, before, name))
        if before is not None:
            os.rmdir(os.path.join(folder, before))


def write_kubeconfig(path: str, server: str, ca: str, namespace: str, user: dict[str, str]) -> None:
    """A kubeconfig with one context, named `test`."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": ca}}],
        "users": [{"name": "test", "user": user}],
        "contexts": [
            {
                "name": "test",
                "context": {"cluster": "test", "user": "test", "namespace": namespace},
            }
        ],
    }
    _write(path, yaml.safe_dump(document))


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
