"""The harness itself: a test that trusts it should not have to look into it."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import requests
import yaml

from support.cluster import ApiError, Client, Cluster, ClusterError, Object, ServiceAccount


def secret(namespace: str, name: str = "wanted") -> Object:
    """A Secret's manifest."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"a": "MQ=="}}


def rbac(account: ServiceAccount, verbs: list[str], names: list[str]) -> list[Object]:
    """A Role for Secrets of these names, and its binding."""
    version = "rbac.authorization.k8s.io/v1"
    metadata = {"name": "secrets", "namespace": account.namespace}
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": verbs, "resourceNames": names}
    return [
        {"apiVersion": version, "kind": "Role", "metadata": metadata, "rules": [rule]},
        {
            "apiVersion": version,
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "Role",
                "name": "secrets",
            },
            "subjects": [
                {
                    "kind": "ServiceAccount",
                    "name": account.name,
                    "namespace": account.namespace,
                }
            ],
        },
    ]


def refused(status: int) -> pytest.RaisesExc[ApiError]:
    """The API server must say no with this status."""
    return pytest.raises(ApiError, check=lambda error: error.status == status)


def runs(pid: str) -> bool:
    """Whether a process is there and no zombie: those have no command line."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
            return bool(file.read())
    except FileNotFoundError:
        return False


def test_version(cluster: Cluster) -> None:
    """The server is a released Kubernetes and was up within the time that a test waits for it."""
    assert cluster.version.startswith("v1.")
    assert "$" not in cluster.version
    assert 0 < cluster.seconds_to_start < 90


def test_no_rights_by_default(client: Client, namespace: str) -> None:
    """A fresh ServiceAccount is known and may do nothing: RBAC is on."""
    with refused(403):
        client.list("secrets", namespace)
    with refused(403):
        client.apply(secret(namespace))


def test_unknown_token(cluster: Cluster) -> None:
    """A token that nobody issued is refused as such."""
    stranger = Client(cluster.url, cluster.keys.ca, "no-such-token")
    with refused(401):
        stranger.list("secrets", "default")
    stranger.close()


def test_token_names_the_account(client: Client, account: ServiceAccount) -> None:
    """A TokenRequest token acts as its ServiceAccount."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    assert client.create(review)["status"]["userInfo"]["username"] == account.username


def test_grant_is_in_force(cluster: Cluster, client: Client, account: ServiceAccount) -> None:
    """What is granted works at once, and what is revoked is refused at once."""
    manifests = rbac(account, ["get", "patch", "create"], ["wanted"])
    cluster.grant(manifests)
    client.apply(secret(account.namespace))
    assert cluster.can(account, "get", "secrets", namespace=account.namespace, name="wanted")
    cluster.revoke(manifests)
    with refused(403):
        client.get("secrets", "wanted", account.namespace)


def test_apply_obeys_resource_names(
    cluster: Cluster, client: Client, account: ServiceAccount
) -> None:
    """Server-side apply creates only the named Secret, and needs `create` and `patch` for it."""
    cluster.grant(rbac(account, ["patch"], ["wanted"]))
    with refused(403):
        client.apply(secret(account.namespace))
    cluster.grant(rbac(account, ["patch", "create"], ["wanted"]))
    client.apply(secret(account.namespace))
    with refused(403):
        client.apply(secret(account.namespace, "other"))
    with refused(403):
        client.create(secret(account.namespace, "other"))


def test_list_obeys_resource_names(
    cluster: Cluster, client: Client, account: ServiceAccount
) -> None:
    """`list` by name is allowed with a metadata.name selector only."""
    cluster.grant(rbac(account, ["list", "watch"], ["wanted"]))
    cluster.admin.create(secret(account.namespace))
    listed = client.list("secrets", account.namespace, fieldSelector="metadata.name=wanted")
    assert [one["metadata"]["name"] for one in listed] == ["wanted"]
    with refused(403):
        client.list("secrets", account.namespace)


def test_asked_counts(cluster: Cluster, client: Client, account: ServiceAccount) -> None:
    """Every request of an account is counted, refused ones too, and those of others are not."""
    cluster.grant(rbac(account, ["get", "patch", "create"], ["wanted"]))
    mark = cluster.mark()
    client.apply(secret(account.namespace))
    for _ in range(3):
        client.get("secrets", "wanted", account.namespace)
    with refused(403):
        client.delete("secrets", "wanted", account.namespace)
    cluster.admin.get("secrets", "wanted", account.namespace)
    found = cluster.asked(mark, user=account, resource="secrets", name="wanted")
    assert [(one.verb, one.status) for one in found] == [
        ("patch", 201),
        ("get", 200),
        ("get", 200),
        ("get", 200),
        ("delete", 403),
    ]


def test_open_watch_is_asked(cluster: Cluster, client: Client, account: ServiceAccount) -> None:
    """A watch that is still open is one request without a status."""
    cluster.grant(rbac(account, ["list", "watch"], ["wanted"]))
    mark = cluster.mark()
    watch = client.request(
        "GET",
        f"/api/v1/namespaces/{account.namespace}/secrets",
        params={"watch": "1", "fieldSelector": "metadata.name=wanted"},
        stream=True,
    )
    assert watch.status_code == 200
    [seen] = cluster.asked(mark, user=account, verb="watch")
    assert seen.status is None
    watch.close()


def test_restart_keeps_data(cluster: Cluster, client: Client, account: ServiceAccount) -> None:
    """A killed API server refuses connections, and comes back with data, tokens and rights."""
    cluster.grant(rbac(account, ["get"], ["wanted"]))
    before = cluster.admin.create(secret(account.namespace))
    with cluster.away(), pytest.raises(requests.ConnectionError):
        client.get("secrets", "wanted", account.namespace)
    after = client.get("secrets", "wanted", account.namespace)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def test_pause_is_silent(cluster: Cluster, client: Client, namespace: str) -> None:
    """A paused API server answers nobody, and goes on where it was."""
    path = f"/api/v1/namespaces/{namespace}/secrets"
    with cluster.paused(), pytest.raises(requests.ReadTimeout):
        client.request("GET", path, timeout=0.5)
    assert client.request("GET", path).status_code == 403


def test_heal(cluster: Cluster) -> None:
    """What one test leaves stopped, the next one finds running."""
    cluster.pause()
    cluster.heal()
    cluster.kill_api()
    cluster.heal()
    assert cluster.admin.request("GET", "/readyz").ok


def test_kubeconfig(cluster: Cluster, account: ServiceAccount, tmp_path: str) -> None:
    """A kubeconfig makes kubectl act as the account, and as another once its token is replaced."""
    path = os.path.join(tmp_path, "config")
    token_file = account.kubeconfig(path)
    whoami = ["--kubeconfig", path, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]
    assert cluster.kubectl(*whoami) == account.username
    other = cluster.service_account(account.namespace, "other")
    other.rotate(token_file)
    assert cluster.kubectl(*whoami) == other.username


def test_managed_fields(cluster: Cluster, namespace: str) -> None:
    """One sees with kubectl who owns which key."""
    cluster.admin.apply(secret(namespace), manager="somebody")
    shown = cluster.kubectl(
        "get", "secret", "wanted", "-n", namespace, "-o", "yaml", "--show-managed-fields"
    )
    [owner] = yaml.safe_load(shown)["metadata"]["managedFields"]
    assert owner["manager"] == "somebody"
    assert owner["operation"] == "Apply"
    assert "f:a" in owner["fieldsV1"]["f:data"]


def test_kubectl_speaks_up(cluster: Cluster, namespace: str) -> None:
    """A command that fails says what it said."""
    with pytest.raises(ClusterError, match="not found"):
        cluster.kubectl("get", "secret", "absent", "-n", namespace)


def test_helm(cluster: Cluster, namespace: str, tmp_path: str) -> None:
    """Helm installs a chart on this cluster."""
    chart = os.path.join(tmp_path, "chart")
    os.makedirs(os.path.join(chart, "templates"))
    for name, text in {
        "Chart.yaml": "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
        "templates/secret.yaml": json.dumps(secret(namespace, "{{ .Release.Name }}")),
    }.items():
        with open(os.path.join(chart, name), "w", encoding="utf-8") as file:
            file.write(text)
    cluster.helm("install", "wanted", chart, "--namespace", namespace)
    kept = cluster.admin.get("secrets", "wanted", namespace)["metadata"]
    assert kept["labels"]["app.kubernetes.io/managed-by"] == "Helm"


def test_mount(account: ServiceAccount, tmp_path: str) -> None:
    """The mounted files change all at once, by one symlink, and leave no older generation."""
    folder = os.path.join(tmp_path, "serviceaccount")
    account.mount(folder, token="old")
    first = os.readlink(os.path.join(folder, "..data"))
    account.mount(folder, token="new")
    assert os.readlink(os.path.join(folder, "..data")) != first
    contents = {}
    for name in ("token", "namespace"):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            contents[name] = file.read()
    assert contents == {"token": "new", "namespace": account.namespace}
    assert not os.path.exists(os.path.join(folder, first))


def test_dies_with_its_session(cluster: Cluster) -> None:
    """Servers, watchdog and data are gone soon after the session that started them is killed."""
    program = textwrap.dedent(f"""
        import sys, threading
        sys.path[:0] = {sys.path!r}
        from support.cluster import Cluster
        one = Cluster({cluster.assets!r})
        one.start()
        print(one.folder, *one.pids, flush=True)
        threading.Event().wait()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as session:
        assert session.stdout is not None
        folder, *pids = session.stdout.readline().split()
        assert len(pids) == 2
        assert all(runs(pid) for pid in pids)
        session.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while os.path.exists(folder) or any(runs(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)
