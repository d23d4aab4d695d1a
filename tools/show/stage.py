"""What the demonstrations stand on: a real API server, an account, an authorization server."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.authorization_server import AuthorizationServer
from support.cluster import Cluster, ServiceAccount
from support.cluster_assets import assets


@dataclass(frozen=True)
class Stage:
    """All that a demonstration needs; `folder` is its own."""

    cluster: Cluster
    account: ServiceAccount
    server: AuthorizationServer
    folder: Path


@contextlib.contextmanager
def stage(life: float, *, audit_level: str = "Metadata") -> Iterator[Stage]:
    """A fresh cluster with one account, and a server that grants tokens of `life` seconds."""
    cluster = Cluster(assets(), audit_level)
    cluster.start()
    try:
        with (
            AuthorizationServer(lifetime=life) as server,
            tempfile.TemporaryDirectory(prefix="secret-refresher-show-") as folder,
        ):
            account = cluster.service_account(cluster.namespace())
            yield Stage(cluster, account, server, Path(folder))
    finally:
        cluster.stop()


def figures(title: str, found: Mapping[str, object]) -> None:
    """Prints them, one a line, and once more as JSON for programs."""
    print(title)
    width = max(map(len, found))
    for name, value in found.items():
        shown = f"{value:.3f}" if isinstance(value, float) else value
        print(f"  {name:<{width}}  {shown}")
    print(json.dumps({"what": title, **found}))
