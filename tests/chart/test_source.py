"""The token source: what its pod is made of, and what follows from the configuration."""

import json
from typing import Any

import pytest

from support.chart import (
    CHART,
    Object,
    ci_values,
    every,
    file_token,
    helm,
    one,
    render,
    secret_token,
    source_values,
)

RESTART = "secret-refresher.io/restart-for"


def pod(values: object, *arguments: str) -> Object:
    """The pod template of the Deployment."""
    found: Object = one(render(values, *arguments), "Deployment")["spec"]["template"]
    return found


def container(values: object) -> Object:
    """The daemon's container."""
    [found] = pod(values)["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def volume(values: object, name: str) -> Object:
    """One volume of the pod."""
    [found] = [one for one in pod(values)["spec"]["volumes"] if one["name"] == name]
    assert isinstance(found, dict)
    return found


def credentials(values: object) -> list[tuple[str, dict[str, str]]]:
    """The Secrets behind the credentials mount, each with its keys by file."""
    sources = volume(values, "credentials")["projected"]["sources"]
    assert all(source["secret"]["optional"] for source in sources)
    return [
        (
            source["secret"]["name"],
            {item["path"]: item["key"] for item in source["secret"]["items"]},
        )
        for source in sources
    ]


def test_credentials_follow_from_the_configuration() -> None:
    """Each token's Secret is mounted below its name, with the files that the token reads."""
    values = source_values(
        secret_token("a"),
        {**secret_token("b"), "auth": {"clientId": "b"}},
        {
            **secret_token("c"),
            "auth": {
                "previousClientSecretFile": "/etc/secret-refresher/credentials/{name}/previous"
            },
        },
        {**secret_token("d"), "state": "absent"},
    )
    assert credentials(values) == [
        ("a-oauth", {"a/client_id": "client_id", "a/client_secret": "client_secret"}),
        ("b-oauth", {"b/client_secret": "client_secret"}),
        (
            "c-oauth",
            {
                "c/client_id": "client_id",
                "c/client_secret": "client_secret",
                "c/previous": "previous",
            },
        ),
    ]


def test_keys_can_be_called_otherwise() -> None:
    """`keys` maps the file that the daemon reads to the key that the Secret has."""
    values = source_values(secret_token("a"))
    values["credentials"]["a"]["keys"] = {"client_secret": "password"}
    assert credentials(values) == [
        ("a-oauth", {"a/client_id": "client_id", "a/client_secret": "password"})
    ]


def test_tokens_can_share_credentials() -> None:
    """Two tokens that read the same files need one entry, and it is mounted once."""
    folder = "/etc/secret-refresher/credentials/shared"
    values = source_values(secret_token("a"), secret_token("b"))
    values["config"]["defaults"]["auth"] = {
        "clientIdFile": f"{folder}/client_id",
        "clientSecretFile": f"{folder}/client_secret",
    }
    values["credentials"] = {"shared": {"secretName": "s"}}
    assert credentials(values) == [
        ("s", {"shared/client_id": "client_id", "shared/client_secret": "client_secret"})
    ]


@pytest.mark.parametrize(
    ("own", "defaults", "files"),
    [
        ({"clientId": "x"}, {"clientIdFile": "/etc/secret-refresher/credentials/z/id"}, []),
        (
            {"clientIdFile": "/etc/secret-refresher/credentials/a/id"},
            {"clientId": "x"},
            ["a/id"],
        ),
        (None, {"clientId": "x"}, ["a/client_id"]),
        ({"clientId": None}, {"clientId": "x"}, ["a/client_id"]),
        ({}, {"clientId": "x"}, []),
    ],
)
def test_defaults_merge_as_in_the_daemon(own: Any, defaults: Object, files: list[str]) -> None:
    """A token's client id removes the default's file and the other way round; null removes."""
    values = source_values({**secret_token("a"), "auth": own})
    values["config"]["defaults"]["auth"] = defaults
    [(_, items)] = credentials(values)
    assert sorted(items) == sorted([*files, "a/client_secret"])


def test_authorities_come_from_configmaps_or_secrets() -> None:
    """tls.caFile below the folder `ca` is mounted from what caBundles names."""
    values = ci_values()["many"]
    assert volume(values, "ca")["projected"]["sources"] == [
        {
            "configMap": {
                "name": "corporate-ca",
                "optional": True,
                "items": [{"key": "ca.crt", "path": "corporate/ca.crt"}],
            }
        }
    ]
    [source] = volume(ci_values()["everything"], "ca")["projected"]["sources"]
    assert source["secret"]["items"] == [{"key": "bundle.pem", "path": "corporate/ca.crt"}]


def test_restricted_by_default() -> None:
    """Nothing has to be hardened afterwards."""
    values = ci_values()["source"]
    assert pod(values)["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(values)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(mount["readOnly"] for mount in container(values)["volumeMounts"])


def test_only_the_group_reads_credentials() -> None:
    """Files are for the pod's group, and for all where the platform chooses the group."""
    assert volume(ci_values()["source"], "credentials")["projected"]["defaultMode"] == 0o440
    values = ci_values()["openshift"]
    assert volume(values, "credentials")["projected"]["defaultMode"] == 0o444
    assert pod(values)["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_probes() -> None:
    """The kubelet asks what it should ask of a token source."""
    found = container(ci_values()["source"])
    assert found["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "metrics"}
    assert found["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
    assert "startupProbe" not in found


@pytest.mark.parametrize(
    ("address", "port"), [(None, 9797), (":9000", 9000), ("[::]:1234", 1234), ("0.0.0.0:80", 80)]
)
def test_the_port_is_the_configurations(address: str | None, port: int) -> None:
    """Probes and monitors find the daemon where server.address has it listen."""
    values = source_values(secret_token(), serviceMonitor={"enabled": True})
    if address:
        values["config"]["server"] = {"address": address}
    assert container(values)["ports"] == [{"name": "metrics", "containerPort": port}]
    assert one(render(values), "Service")["spec"]["ports"][0]["port"] == port


def test_no_downtime() -> None:
    """An upgrade starts the new pod before it ends the old one."""
    spec = one(render(ci_values()["source"]), "Deployment")["spec"]
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    }


def test_what_restarts() -> None:
    """A change that the daemon takes while running leaves the pod alone; others restart it."""
    before = pod(source_values(secret_token("a")))
    taken = source_values(secret_token("a"))
    taken["config"]["log"] = {"level": "debug"}
    taken["config"]["defaults"]["request"] = {"scope": ["read"]}
    assert pod(taken) == before
    for section in ({"server": {"address": ":1"}}, {"kubernetes": {"drift": "namespace"}}):
        changed = source_values(secret_token("a"))
        changed["config"] |= section
        annotations = pod(changed)["metadata"]["annotations"]
        assert annotations[RESTART] != before["metadata"]["annotations"][RESTART]


def test_a_new_chart_alone_does_not_restart() -> None:
    """No label of the pod has the chart's version in it."""
    labels = pod(ci_values()["source"])["metadata"]["labels"]
    assert set(labels) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}


def test_image() -> None:
    """Tag and digest; the tag is the chart's own unless given."""
    values = source_values(secret_token())
    repository = "ghcr.io/secret-refresher/secret-refresher"
    assert container(values)["image"] == f"{repository}:0.1.0"
    values["image"] = {"tag": "x"}
    assert container(values)["image"] == f"{repository}:x"
    digest = "sha256:" + 64 * "0"
    values["image"]["digest"] = digest
    assert container(values)["image"] == f"{repository}@{digest}"


def test_selectors_survive_labels() -> None:
    """A label of the user's own cannot take the place of one by which pods are found."""
    mine = {"app.kubernetes.io/name": "mine", "app.kubernetes.io/instance": "mine"}
    values = source_values(secret_token(), commonLabels=mine, podLabels=mine)
    spec = one(render(values), "Deployment")["spec"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert spec["selector"]["matchLabels"]["app.kubernetes.io/instance"] == "sr"


def test_everything_carries_common_labels() -> None:
    """Common labels and annotations are on every object but the user's own."""
    objects = render(ci_values()["everything"])
    for found in objects:
        if found["metadata"]["name"].startswith("extra-"):
            continue
        assert found["metadata"]["labels"]["team"] == "blue"
        assert found["metadata"]["annotations"]["example.com/contact"] == "blue"


def test_extra_objects() -> None:
    """Mappings stand as they are, texts are templates."""
    names = [
        found["metadata"]["name"] for found in every(render(ci_values()["everything"]), "ConfigMap")
    ]
    assert {"extra-mapping", "extra-sr"} <= set(names)


def test_files_on_a_volume_of_ones_own() -> None:
    """A token source may write files where a volume is mounted for them."""
    values = source_values(
        file_token("a", path="/shared/{name}"),
        volumes=[{"name": "shared", "persistentVolumeClaim": {"claimName": "shared"}}],
        volumeMounts=[{"name": "shared", "mountPath": "/shared"}],
    )
    mounts = {mount["name"]: mount["mountPath"] for mount in container(values)["volumeMounts"]}
    assert mounts["shared"] == "/shared"


def test_spreading_selects_the_release() -> None:
    """A constraint without a selector gets the release's; one that has its own keeps it."""
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    own = {**spread, "labelSelector": {"matchLabels": {"a": "b"}}}
    first, second = pod(source_values(secret_token(), topologySpreadConstraints=[spread, own]))[
        "spec"
    ]["topologySpreadConstraints"]
    assert first["labelSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "sr"
    assert second == own


def test_disruption_budget_only_for_several() -> None:
    """One replica has no budget, which could only hold up a node; several, with election, have."""
    assert not every(render(source_values(secret_token())), "PodDisruptionBudget")
    values = source_values(secret_token(), replicas=2)
    values["config"]["election"] = {"enabled": True}
    objects = render(values, "--skip-schema-validation")
    assert one(objects, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ({}, "Nothing was installed: config.tokens and injection.profiles are empty"),
        ({"serviceMonitor": {"enabled": True}}, "serviceMonitor was left out"),
        (
            source_values(secret_token(), rbac={"create": False}),
            "secret-refresher rbac --config config.yaml --service-account sr-secret-refresher",
        ),
        (source_values(secret_token(), replicas=0), "replicas is 0: no token is refreshed"),
        (
            source_values(secret_token()) | {"credentials": {n: {"secretName": n} for n in "ab"}},
            "credentials.b: is read by no token",
        ),
        (
            source_values(secret_token(), caBundles={"x": {"secretName": "x"}}),
            "caBundles.x: is read by no token",
        ),
        (
            source_values(
                secret_token(),
                podMonitor={"enabled": True},
                networkPolicy={
                    "enabled": True,
                    "egress": [{"cidr": "1.2.3.4/32", "ports": [443]}],
                    "apiServer": {"cidrs": ["10.0.0.1/32"]},
                },
            ),
            "networkPolicy.metricsFrom is empty: Prometheus cannot scrape",
        ),
    ],
)
def test_notes_warn(values: Object, warning: str) -> None:
    """NOTES say what was left out, and what only run time can know."""
    assert warning in notes(values)


def test_notes_say_what_to_do_next() -> None:
    """With nothing to warn of, NOTES have commands and no warning."""
    text = notes(source_values(secret_token()))
    assert "kubectl -n home logs deployment/sr-secret-refresher" in text
    assert "keeps 1 token fresh" in text
    assert "WARNING" not in text


def notes(values: Object) -> str:
    """NOTES as `helm install` prints them, with no cluster at hand."""
    return helm(
        *("install", "sr", CHART, "--namespace", "home", "--dry-run=client", "--values", "-"),
        text=json.dumps(values),
    ).partition("NOTES:")[2]
