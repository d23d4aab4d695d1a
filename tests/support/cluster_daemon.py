"""The daemon as a cluster has it: a ServiceAccount, and exactly the rights that `rbac` prints."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from support.cluster import ApiError, Cluster, Object, ServiceAccount
from support.daemon import Daemon, Settings, entry

SOURCES = str(Path(__file__).parents[2] / "src")
"""For an interpreter that has the libraries only."""


def to_secrets(url: str, folder: Path, *sinks: Settings, **keys: object) -> Settings:
    """One token in the JSON dialect that goes to these Secrets; `keys` replace keys."""
    folder.mkdir(exist_ok=True)
    given = [{"secret": {"propagation": "0s", **sink}} for sink in sinks]
    token = entry(url, folder, request={"format": "json"}, sinks=given)
    return {**token, **keys}


def rights(account: ServiceAccount, config_file: Path) -> list[Object]:
    """What `secret-refresher rbac` prints for a configuration and this account."""
    command = [sys.executable, "-m", "secret_refresher", "rbac", "--config", str(config_file)]
    command += ["--service-account", account.name, "--namespace", account.namespace]
    printed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert printed.returncode == 0, printed.stderr
    return [manifest for manifest in yaml.safe_load_all(printed.stdout) if manifest]


def employ(
    cluster: Cluster,
    account: ServiceAccount,
    folder: Path,
    configuration: Settings,
    *,
    arguments: Sequence[str] = (),
    server: str | None = None,
    owner: str | None = None,
) -> Daemon:
    """A daemon, not yet started, that acts as the account by a token of the TokenRequest API.

    The account gets the rights that the daemon's own command prints, by kubectl, and has no
    other. `server` is another way to the API server. The token is at `folder/kubeconfig.token`.
    """
    folder.mkdir(exist_ok=True)
    kubernetes = {"owner": owner or f"{account.namespace}/{account.name}"}
    daemon = Daemon(
        folder,
        {"kubernetes": kubernetes, **configuration},
        arguments=arguments,
        environment={"KUBECONFIG": str(folder / "kubeconfig"), "PYTHONPATH": SOURCES},
    )
    permit(cluster, account, daemon)
    account.kubeconfig(str(folder / "kubeconfig"), server=server)
    return daemon


def permit(cluster: Cluster, account: ServiceAccount, daemon: Daemon) -> list[Object]:
    """Gives the account what the daemon's present configuration needs; returns the manifests."""
    manifests = rights(account, daemon.config_file)
    if manifests:
        cluster.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(manifests))
        cluster.grant(manifests)  # no change; returns once they are in force
    return manifests


def found(cluster: Cluster, namespace: str, name: str) -> Object | None:
    """A Secret as it is; None where there is none."""
    try:
        return cluster.admin.get("secrets", name, namespace)
    except ApiError as error:
        if error.status == 404:
            return None
        raise


def held(cluster: Cluster, namespace: str, name: str, key: str = "token") -> str | None:
    """What a key of a Secret holds; None where there is no such Secret or key."""
    encoded = ((found(cluster, namespace, name) or {}).get("data") or {}).get(key)
    return None if encoded is None else base64.b64decode(encoded).decode()
