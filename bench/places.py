"""Where a program keeps its tokens, and how a reader finds them there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, final

from support.cluster import Cluster
from support.cluster_assets import assets
from support.cluster_daemon import held, rights
from support.daemon import Settings

NAME = "partner-api"
"""The token, where there is one only."""
LABEL = {"bench": "here"}
"""Of every namespace."""


class Place(Protocol):
    """`sections` and `environment` are what a program needs to write there."""

    sections: Settings
    environment: Mapping[str, str]

    def sink(self, name: str) -> Settings:
        """Where the token of that name goes, as the configuration has it."""
        ...

    def read(self) -> str | None:
        """What stands there for the one token."""
        ...

    def clear(self) -> None:
        """Removes what is left of whoever ran before."""
        ...

    def admit(self, config: Path) -> None:
        """Lets a program with this configuration write there."""
        ...


@final
class Files:
    """A folder; implements `Place`."""

    def __init__(self, folder: Path) -> None:
        self.sections: Settings = {}
        self.environment: Mapping[str, str] = {}
        self._folder = folder

    def sink(self, name: str) -> Settings:
        """A file."""
        return {"file": {"path": str(self._folder / name)}}

    def read(self) -> str | None:
        """The file."""
        file = self._folder / NAME
        return file.read_text() if file.exists() else None

    def clear(self) -> None:
        """Neither tokens nor the records beside them."""
        for left in self._folder.iterdir():
            left.unlink()

    def admit(self, config: Path) -> None:
        """Everybody may."""


@final
class Secrets:
    """Namespaces of a real API server, and an account with exactly the rights; a `Place`."""

    def __init__(self, cluster: Cluster, folder: Path, namespaces: int) -> None:
        self._cluster = cluster
        self._namespaces = [cluster.namespace(LABEL) for _ in range(namespaces)]
        self._account = cluster.service_account(self._namespaces[0])
        self._token_file = self._account.kubeconfig(str(folder / "kubeconfig"))
        owner = f"{self._account.namespace}/{self._account.name}"
        self.sections: Settings = {"kubernetes": {"owner": owner}}
        self.environment: Mapping[str, str] = {"KUBECONFIG": str(folder / "kubeconfig")}

    def sink(self, name: str) -> Settings:
        """A Secret in one of the namespaces; a reader of the API has no propagation to wait for."""
        namespace = self._namespaces[sum(name.encode()) % len(self._namespaces)]
        return {"secret": {"name": name, "namespace": namespace, "propagation": "0s"}}

    def read(self) -> str | None:
        """The Secret's key."""
        return held(self._cluster, self.sink(NAME)["secret"]["namespace"], NAME)

    def clear(self) -> None:
        """No Secret, and a new token for the account, which lives ten minutes."""
        for namespace in self._namespaces:
            path = f"/api/v1/namespaces/{namespace}/secrets"
            self._cluster.admin.request("DELETE", path).raise_for_status()
        self._account.rotate(self._token_file)

    def admit(self, config: Path) -> None:
        """What `secret-refresher rbac` prints."""
        self._cluster.grant(rights(self._account, config))


@contextmanager
def fresh_cluster() -> Iterator[Cluster]:
    """A fresh API server, without an audit log."""
    made = Cluster(assets(), "None")
    made.start()
    try:
        yield made
    finally:
        made.stop()
