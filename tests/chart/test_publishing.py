"""From `helm install` to a published Secret: the daemon with what the chart installed."""

import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.authorization_server import AuthorizationServer
from support.chart import CHART, Object
from support.cluster import Cluster, ServiceAccount
from support.cluster_daemon import held
from support.daemon import Daemon, credentials, until

NAME = "sr-secret-refresher"
ROLES = "rbac.authorization.k8s.io/v1/roles"


@dataclass
class Place:
    """An installed release, and the daemon that runs with it outside of any pod.

    `folder` is where the pod would have its mounts: credentials, and `config` for the ConfigMap.
    """

    cluster: Cluster
    server: AuthorizationServer
    namespace: str
    folder: Path
    port: int

    def values(self, *tokens: Object) -> Object:
        """Values of a release; files are read where a test can put them."""
        auth = credentials(self.folder)
        return {
            "config": {
                "defaults": {
                    "tokenUrl": self.server.token_url,
                    "auth": auth,
                    "request": {"format": "json"},
                },
                "server": {"address": f"0.0.0.0:{self.port}"},
                "log": {"format": "json", "level": "debug"},
                "tokens": [*tokens],
            },
            "volumes": [{"name": "client", "secret": {"secretName": "client"}}],
            "volumeMounts": [{"name": "client", "mountPath": str(self.folder)}],
        }

    def helm(self, command: str, *tokens: Object) -> None:
        """`helm install` or `helm upgrade`, then what the kubelet does: mount the ConfigMap."""
        self.cluster.helm(
            *(command, "sr", CHART, "--namespace", self.namespace, "--values", "-"),
            text=json.dumps(self.values(*tokens)),
        )
        data = self.cluster.admin.get("configmaps", NAME, self.namespace)["data"]
        mount = self.folder / "config"
        mount.mkdir(exist_ok=True)
        for name, content in data.items():
            (self.folder / "new").write_text(content)
            os.replace(self.folder / "new", mount / name)

    def daemon(self, *arguments: str) -> Daemon:
        """As the Deployment's container runs it, with the installed ServiceAccount's token."""
        account = ServiceAccount(self.cluster.admin, self.cluster.keys.ca, self.namespace, NAME)
        account.kubeconfig(str(self.folder / "kubeconfig"))
        return Daemon(
            self.folder,
            {},
            arguments=arguments,
            environment={"KUBECONFIG": str(self.folder / "kubeconfig")},
            config=self.folder / "config",
        )

    def held(self, name: str, namespace: str | None = None) -> str | None:
        """The token in a Secret; None where there is none."""
        return held(self.cluster, namespace or self.namespace, name)


@pytest.fixture
def place(cluster: Cluster, tmp_path: Path) -> Iterator[Place]:
    """A namespace and an authorization server; nothing is installed yet."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with AuthorizationServer() as server:
        yield Place(cluster, server, cluster.namespace(), tmp_path, port)


def token(name: str, **sink: Any) -> Object:
    """A token that goes to the Secret of its name."""
    return {"name": name, "sinks": [{"secret": {"name": name, **sink}}]}


def test_installed_and_published(place: Place, record_testsuite_property: Any) -> None:
    """One command, and the Secret is there; an upgrade brings another token while it runs."""
    began = time.monotonic()
    place.helm("install", token("one"))
    installed = time.monotonic()
    other = place.cluster.namespace()
    with place.daemon() as daemon:
        first = until(lambda: place.held("one"), "the first Secret")
        record_testsuite_property("install_seconds", round(installed - began, 2))
        record_testsuite_property("published_seconds", round(time.monotonic() - began, 2))
        place.helm("upgrade", token("one"), token("two", namespaces=[other]))
        second = until(lambda: place.held("two", other), "the second Secret")
        assert daemon.get("/readyz")[0] == 200
        assert daemon.stop() == 0
    assert place.server.tokens == [first, second]
    owner = f"{place.namespace}/{NAME}"
    annotations = place.cluster.admin.get("secrets", "two", other)["metadata"]["annotations"]
    assert annotations["secret-refresher.io/owner"] == owner


def test_a_rollback_is_taken(place: Place) -> None:
    """After `helm rollback` the daemon goes on with the first token, and asks for none anew."""
    place.helm("install", token("one"))
    with place.daemon() as daemon:
        first = until(lambda: place.held("one"), "the first Secret")
        place.helm("upgrade", token("one"), token("two"))
        until(lambda: place.held("two"), "the second Secret")
        place.cluster.helm("rollback", "sr", "1", "--namespace", place.namespace)
        config = place.cluster.admin.get("configmaps", NAME, place.namespace)["data"]["config.yaml"]
        (place.folder / "config" / "config.yaml").write_text(config)
        until(lambda: daemon.metric("token_healthy", token="two") is None, "the end of two")
        assert daemon.metric("token_healthy", token="one") == 1
    assert place.held("one") == first
    assert len(place.server.tokens) == 2


def test_a_restart_asks_for_nothing(place: Place) -> None:
    """The pod of an upgrade finds live tokens and leaves them."""
    place.helm("install", token("one"))
    for _ in range(2):
        with place.daemon() as daemon:
            until(lambda: place.held("one"), "the Secret")
            until(lambda: daemon.metric("token_healthy", token="one") == 1, "a healthy token")
    assert len(place.server.tokens) == 1


@pytest.mark.parametrize("verb", ["get", "patch", "create"])
def test_one_verb_fewer(place: Place, verb: str) -> None:
    """Each verb of the installed Role is needed: without it nothing is published."""
    place.helm("install", token("one"))
    role = place.cluster.admin.get(ROLES, NAME, place.namespace)
    verbs = [one for one in role["rules"][0]["verbs"] if one != verb]
    change = [{"op": "replace", "path": "/rules/0/verbs", "value": verbs}]
    place.cluster.admin.patch(ROLES, NAME, change, place.namespace, kind="json")
    account = ServiceAccount(place.cluster.admin, place.cluster.keys.ca, place.namespace, NAME)
    until(
        lambda: (
            not place.cluster.can(account, verb, "secrets", namespace=place.namespace, name="one")
        ),
        "the right's end",
    )
    with place.daemon("--once") as daemon:
        assert daemon.ended(60) == 1
        assert "permission" in daemon.text()
    assert place.held("one") is None


def test_one_name_fewer(place: Place) -> None:
    """A Role for another Secret gives nothing; the installed one is enough, to the end."""
    place.helm("install", token("one"))
    role = place.cluster.admin.get(ROLES, NAME, place.namespace)
    change = [{"op": "replace", "path": "/rules/0/resourceNames", "value": ["other"]}]
    place.cluster.admin.patch(ROLES, NAME, change, place.namespace, kind="json")
    account = ServiceAccount(place.cluster.admin, place.cluster.keys.ca, place.namespace, NAME)
    where = {"namespace": place.namespace, "name": "one"}
    until(lambda: not place.cluster.can(account, "create", "secrets", **where), "the right's end")
    with place.daemon("--once") as daemon:
        assert daemon.ended(60) == 1
        assert "permission" in daemon.text()
    place.cluster.admin.patch(ROLES, NAME, {"rules": role["rules"]}, place.namespace, kind="merge")
    until(lambda: place.cluster.can(account, "create", "secrets", **where), "the right")
    with place.daemon("--once") as daemon:
        assert daemon.ended(60) == 0, daemon.text()
    assert place.held("one") == place.server.tokens[-1]
