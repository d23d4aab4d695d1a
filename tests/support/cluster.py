"""A real Kubernetes API server with etcd and RBAC on loopback, as long as a test session.

No kubelet, no controllers: a deleted namespace stays `Terminating`, pods do not run, and no
ServiceAccount gets a token by itself.
"""

from __future__ import annotations

import itertools
import os
import secrets
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import final

from support.cluster_assets import tool
from support.cluster_audit import Asked
from support.cluster_client import ApiError, Client, Object
from support.cluster_identity import ServiceAccount
from support.cluster_rights import Right, permitted, rights
from support.cluster_servers import ClusterError, Servers

_NAMES = itertools.count(1)


@final
class Cluster(Servers):
    """Its servers, and what tests want of them. Fit for threads, if one stops and starts servers.

    `admin` is a client with all rights.
    """

    # People and places

    def namespace(self, labels: Mapping[str, str] | None = None, prefix: str = "test") -> str:
        """The name of a fresh namespace; no two calls give the same, over all sessions."""
        name = f"{prefix}-{next(_NAMES)}-{secrets.token_hex(3)}"
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
        """Applies RBAC manifests and waits until the authorizer has all that they give.

        Rights that a Role had before and has no more may still be in force for a moment: to take
        some away, `revoke` and grant the rest.
        """
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
        return self.audit.size()

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
            for one in self.audit.read(since)
            if username in (None, one.user)
            and verb in (None, one.verb)
            and resource in (None, one.resource)
            and namespace in (None, one.namespace)
            and name in (None, one.name)
        ]

    # Commands

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
            **{f"HELM_{what}_HOME": self.path("helm") for what in ("CACHE", "CONFIG", "DATA")},
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

    def _settle(self) -> None:
        """Waits until the log has what was answered: an answer can be out before its line."""
        if not self.answering:
            return
        sign = secrets.token_hex(8)
        since = self.audit.size()
        self.admin.request("GET", "/version", params={"sign": sign})
        deadline = time.monotonic() + 30
        while not self.audit.holds(sign, since):
            if time.monotonic() > deadline:
                raise ClusterError(f"the audit log does not grow\n{self.tail('kube-apiserver')}")
            threading.Event().wait(0.01)

    def _await_rights(self, wished: Sequence[Right], *, wanted: bool) -> None:
        deadline = time.monotonic() + 30
        for right in wished:
            while permitted(self.admin, right) is not wanted:
                if time.monotonic() > deadline:
                    never = "never came into force" if wanted else "is still in force"
                    raise ClusterError(f"{right} {never}; does another binding give it?")
                threading.Event().wait(0.02)


__all__ = ["ApiError", "Asked", "Client", "Cluster", "ClusterError", "Object", "ServiceAccount"]
