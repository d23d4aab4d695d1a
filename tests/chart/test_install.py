"""The chart on a real API server: install, upgrade, rollback, uninstall, and what it may do."""

import copy
import json
import os
import secrets
import shutil
import time
from typing import Any

import pytest
import yaml

from support.chart import CHART, EXAMPLES, Object, ci_values, given, secret_token, source_values
from support.cluster import ApiError, Cluster, ClusterError, ServiceAccount

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
NAME = "sr-secret-refresher"


def install(cluster: Cluster, namespace: str, values: object, *arguments: str) -> str:
    """`helm install`; what it prints."""
    return cluster.helm(
        *("install", "sr", CHART, "--namespace", namespace, "--values", "-", *arguments),
        text=json.dumps(values),
    )


def upgrade(cluster: Cluster, namespace: str, values: object, *arguments: str) -> str:
    """`helm upgrade`; what it prints."""
    return cluster.helm(
        *("upgrade", "sr", CHART, "--namespace", namespace, "--values", "-", *arguments),
        text=json.dumps(values),
    )


def pod_of(deployment: Object) -> Object:
    """The pod that a Deployment's controllers would make."""
    template = copy.deepcopy(deployment["spec"]["template"])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **template["metadata"],
            "name": f"pod-{secrets.token_hex(4)}",
            "namespace": deployment["metadata"]["namespace"],
        },
        "spec": template["spec"],
    }


def config_of(cluster: Cluster, namespace: str) -> Object:
    """The configuration in the installed ConfigMap."""
    text = cluster.admin.get("configmaps", NAME, namespace)["data"]["config.yaml"]
    found: Object = yaml.safe_load(text)
    return found


def deployment_of(cluster: Cluster, namespace: str) -> Object:
    """The installed Deployment."""
    return cluster.admin.get("apps/v1/deployments", NAME, namespace)


def test_install_upgrade_rollback_uninstall(cluster: Cluster) -> None:
    """Each is one command; a rollback brings back configuration and rights, and nothing stays."""
    namespace = cluster.namespace(RESTRICTED)
    first, second = source_values(secret_token("a")), source_values(secret_token("b"))
    install(cluster, namespace, first)
    before = config_of(cluster, namespace)
    assert [token["name"] for token in before["tokens"]] == ["a"]
    upgrade(cluster, namespace, second)
    assert [token["name"] for token in config_of(cluster, namespace)["tokens"]] == ["b"]
    role = cluster.admin.get("rbac.authorization.k8s.io/v1/roles", NAME, namespace)
    assert role["rules"][0]["resourceNames"] == ["b-token"]
    cluster.helm("rollback", "sr", "1", "--namespace", namespace)
    assert config_of(cluster, namespace) == before
    role = cluster.admin.get("rbac.authorization.k8s.io/v1/roles", NAME, namespace)
    assert role["rules"][0]["resourceNames"] == ["a-token"]
    cluster.helm("uninstall", "sr", "--namespace", namespace)
    for resource in (
        "configmaps",
        "serviceaccounts",
        "apps/v1/deployments",
        "rbac.authorization.k8s.io/v1/roles",
        "rbac.authorization.k8s.io/v1/rolebindings",
    ):
        assert not [
            found
            for found in cluster.admin.list(resource, namespace)
            if found["metadata"]["name"] == NAME
        ]


def test_only_a_restart_changes_the_pod(cluster: Cluster) -> None:
    """Another log level is taken while running: the Deployment's generation stays."""
    namespace = cluster.namespace()
    values = source_values(secret_token())
    install(cluster, namespace, values)
    before = deployment_of(cluster, namespace)["metadata"]["generation"]
    values["config"]["log"] = {"level": "debug"}
    upgrade(cluster, namespace, values)
    assert config_of(cluster, namespace)["log"] == {"level": "debug"}
    assert deployment_of(cluster, namespace)["metadata"]["generation"] == before
    values["config"]["server"] = {"address": ":9800"}
    upgrade(cluster, namespace, values)
    assert deployment_of(cluster, namespace)["metadata"]["generation"] > before


@pytest.mark.parametrize("name", ["source", "many", "everything", "openshift"])
def test_pods_are_restricted(cluster: Cluster, name: str) -> None:
    """A namespace that enforces the Pod Security Standard `restricted` takes every pod."""
    namespace = cluster.namespace(RESTRICTED)
    values = ci_values()[name]
    for key in ("podMonitor", "fullnameOverride", "nameOverride"):
        values.pop(key, None)
    values["lookup"] = False
    install(cluster, namespace, values)
    made = cluster.admin.create(pod_of(deployment_of(cluster, namespace)))
    assert made["spec"]["containers"][0]["name"] == "secret-refresher"


def test_the_namespace_does_refuse(cluster: Cluster) -> None:
    """A pod that is less than restricted is refused there, so the test before means something."""
    namespace = cluster.namespace(RESTRICTED)
    values = source_values(secret_token(), securityContext={"allowPrivilegeEscalation": True})
    install(cluster, namespace, values)
    with pytest.raises(ApiError, match="violates PodSecurity"):
        cluster.admin.create(pod_of(deployment_of(cluster, namespace)))


def test_the_snippet_and_the_example_are_restricted(cluster: Cluster, tmp_path: Any) -> None:
    """Pods with a sidecar are taken as well."""
    namespace = cluster.namespace(RESTRICTED)
    with open(os.path.join(EXAMPLES, "sidecar-pod.yaml"), encoding="utf-8") as file:
        pod = yaml.safe_load(file)
    pod["metadata"]["namespace"] = namespace
    cluster.admin.create(pod)
    shutil.copytree(CHART, tmp_path / "charts" / "secret-refresher")
    leave = shutil.ignore_patterns("charts", "Chart.lock")
    shutil.copytree(
        os.path.join(EXAMPLES, "app-with-sidecar"), tmp_path / "examples" / "app", ignore=leave
    )
    app = str(tmp_path / "examples" / "app")
    cluster.helm("dependency", "update", app)
    cluster.helm("install", "app", app, "--namespace", namespace)
    cluster.admin.create(pod_of(cluster.admin.get("apps/v1/deployments", "app", namespace)))


VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
RESOURCES = ("secrets", "configmaps", "events", "pods", "serviceaccounts", "namespaces")


def matrix(namespaces: list[str], names: list[str]) -> list[tuple[str, str, str, str]]:
    """Everything that an account might do: namespace, verb, resource, name ("" for any)."""
    return [
        (namespace, verb, resource, name)
        for namespace in namespaces
        for verb in VERBS
        for resource in RESOURCES
        for name in (*names, "")
    ]


def allowed(account: ServiceAccount, asked: list[Any]) -> set[Any]:
    """What of it the authorizer lets the account do, asked by the account itself."""
    client = account.client()
    found = set()
    for namespace, verb, resource, name in asked:
        answer = client.create(
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {
                    "resourceAttributes": {
                        "namespace": namespace,
                        "verb": verb,
                        "resource": resource,
                        "name": name,
                    }
                },
            }
        )
        if answer["status"]["allowed"]:
            found.add((namespace, verb, resource, name))
    client.close()
    return found


def until_equal(account: ServiceAccount, asked: list[Any], wanted: set[Any]) -> None:
    """Waits while the authorizer's view of new Roles catches up, then compares."""
    deadline = time.monotonic() + 20
    while (found := allowed(account, asked)) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == wanted


def account_of(cluster: Cluster, namespace: str) -> ServiceAccount:
    """The installed ServiceAccount."""
    return ServiceAccount(cluster.admin, cluster.keys.ca, namespace, NAME)


def test_nothing_more_and_nothing_less(cluster: Cluster) -> None:
    """Over every verb, resource and name in question, the account may do what the daemon does."""
    namespace, other = cluster.namespace(), cluster.namespace()
    install(
        cluster,
        namespace,
        source_values(
            secret_token("a"),
            {**secret_token("b", namespaces=[other]), "refresh": {"onExpired": "delete"}},
        ),
    )
    asked = matrix([namespace, other], ["a-token", "b-token", "a-oauth", "sr-secret-refresher"])
    verbs = ("get", "patch", "create", "list", "watch")
    names = ("a-token", "b-token", "a-oauth", "sr-secret-refresher", "")
    wanted = {(namespace, verb, "secrets", "a-token") for verb in verbs}
    wanted |= {(other, verb, "secrets", "b-token") for verb in (*verbs, "delete")}
    wanted |= {(where, "create", "events", name) for where in (namespace, other) for name in names}
    until_equal(account_of(cluster, namespace), asked, wanted)


def test_rights_go_with_their_sink(cluster: Cluster) -> None:
    """After an upgrade that takes a sink away, its rights are gone in every namespace."""
    namespace, other = cluster.namespace(), cluster.namespace()
    install(cluster, namespace, source_values(secret_token("a", namespaces=[namespace, other])))
    account = account_of(cluster, namespace)
    asked = matrix([other], ["a-token"])
    until_equal(
        account,
        asked,
        {
            (other, verb, "secrets", "a-token")
            for verb in ("get", "patch", "create", "list", "watch")
        }
        | {(other, "create", "events", name) for name in ("a-token", "")},
    )
    upgrade(cluster, namespace, source_values(secret_token("a")))
    until_equal(account, asked, set())


def test_a_selector_needs_the_cluster(cluster: Cluster) -> None:
    """With namespaceSelector the Secret's name is granted everywhere, and no other Secret."""
    namespace, other = cluster.namespace(), cluster.namespace()
    install(cluster, namespace, source_values(secret_token("a", namespaceSelector={})))
    account = account_of(cluster, namespace)
    verbs = ("get", "patch", "create", "list", "watch", "delete")
    wanted = {(other, verb, "secrets", "a-token") for verb in verbs}
    wanted |= {
        (other, verb, "namespaces", name) for verb in ("list", "watch") for name in ("a-token", "")
    }
    wanted |= {(other, "create", "events", name) for name in ("a-token", "")}
    until_equal(account, matrix([other], ["a-token"]), wanted)
    cluster.helm("uninstall", "sr", "--namespace", namespace)


def test_a_namespace_that_is_not_there(cluster: Cluster) -> None:
    """It is named together with the sink, and nothing was made."""
    namespace = cluster.namespace()
    values = source_values(secret_token("a", namespaces=[namespace, "nowhere"]))
    sentence = (
        r"config\.tokens\[0\]\.sinks\[0\]\.secret: namespace nowhere does not exist; create it"
    )
    with pytest.raises(ClusterError, match=sentence):
        install(cluster, namespace, values)
    assert not cluster.admin.list("apps/v1/deployments", namespace)
    # Who grants rights otherwise is warned only: the Secret waits for its namespace.
    values["rbac"] = {"create": False}
    assert "namespace nowhere does not exist yet" in install(cluster, namespace, values)


def test_a_namespace_that_helm_makes(cluster: Cluster) -> None:
    """`--create-namespace` works, and other namespaces are looked at all the same."""
    namespace = f"made-{secrets.token_hex(4)}"
    values = source_values(secret_token("a", namespaces=[namespace, "nowhere"]))
    with pytest.raises(ClusterError, match="namespace nowhere does not exist"):
        install(cluster, namespace, values, "--create-namespace")
    values = source_values(secret_token("a", namespaces=[namespace, "default"]))
    install(cluster, namespace, values, "--create-namespace")
    assert config_of(cluster, namespace)["kubernetes"]["owner"] == f"{namespace}/{NAME}"


def test_credentials_that_are_not_there(cluster: Cluster) -> None:
    """NOTES name the value, the Secret and the key; with both there they say nothing."""
    namespace = cluster.namespace()
    values = source_values(secret_token("a"))
    notes = install(cluster, namespace, values)
    assert f"credentials.a: there is no Secret a-oauth in namespace {namespace} yet" in notes
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a-oauth", "namespace": namespace},
        "stringData": {"client_id": "x"},
    }
    cluster.admin.create(secret)
    notes = upgrade(cluster, namespace, values)
    assert "credentials.a: Secret a-oauth has no key client_secret" in notes
    cluster.admin.patch("secrets", "a-oauth", {"stringData": {"client_secret": "y"}}, namespace)
    assert "WARNING" not in upgrade(cluster, namespace, values)


def test_monitors_without_their_resources(cluster: Cluster) -> None:
    """Where Prometheus' resources are not installed, Helm says so and makes nothing."""
    namespace = cluster.namespace()
    values = source_values(secret_token(), serviceMonitor={"enabled": True})
    with pytest.raises(ClusterError, match="ServiceMonitor"):
        install(cluster, namespace, values)
    assert not cluster.admin.list("apps/v1/deployments", namespace)


def test_one_installs_without_seeing_namespaces(cluster: Cluster, tmp_path: Any) -> None:
    """Rights in one namespace are enough, with `lookup: false` where it would look further."""
    namespace = cluster.namespace()
    person = cluster.service_account(namespace, "installer")
    group = "rbac.authorization.k8s.io"
    everything: Object = {
        "apiVersion": f"{group}/v1",
        "kind": "Role",
        "metadata": {"name": "installer", "namespace": namespace},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    }
    binding: Object = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "installer", "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "installer"},
        "subjects": [{"kind": "ServiceAccount", "name": "installer", "namespace": namespace}],
    }
    cluster.grant([everything, binding])
    path = os.path.join(tmp_path, "config")
    person.kubeconfig(path)
    values = source_values(
        secret_token("a", namespaces=[namespace, "default"]), rbac={"create": False}
    )
    with pytest.raises(ClusterError, match='namespaces "default" is forbidden'):
        install(cluster, namespace, values, "--kubeconfig", path)
    install(cluster, namespace, {**values, "lookup": False}, "--kubeconfig", path)
    upgrade(cluster, namespace, source_values(secret_token()), "--kubeconfig", path)
    assert deployment_of(cluster, namespace)["spec"]["replicas"] == 1


def test_the_rendered_rights_are_the_installed_ones(cluster: Cluster) -> None:
    """What `helm get manifest` shows is what the cluster has."""
    namespace = cluster.namespace()
    install(cluster, namespace, source_values(secret_token()))
    manifest = cluster.helm("get", "manifest", "sr", "--namespace", namespace)
    shown = given([found for found in yaml.safe_load_all(manifest) if found])
    assert len(shown) == 6
