"""Injection on a real API server: pods are created, and what was stored is read."""

import copy
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.mounts import MountReader
from support.chart import CHART, Object, ci_values, file_token, source_values
from support.cluster import ApiError, Cluster, ClusterError

LABEL = "secret-refresher.io/inject"
NAME = "secret-refresher"
IMAGE = "ghcr.io/secret-refresher/secret-refresher:0.1.0"
MOUNT = {"name": NAME, "mountPath": "/var/run/secret-refresher", "readOnly": True}
HARD = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def container(name: str, **more: Any) -> Object:
    """Some container that `restricted` takes."""
    return {
        "name": name,
        "image": "docker.io/library/busybox:1.37",
        "securityContext": HARD,
        **more,
    }


def pod(namespace: str, profile: str | None = "partner-api", **spec: Any) -> Object:
    """Some pod that `restricted` takes, with one container."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "app-",
            "namespace": namespace,
            "labels": {} if profile is None else {LABEL: profile},
        },
        "spec": {
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container("app")],
            # As an admission plugin of every cluster sets it, but of ours.
            "serviceAccountName": "default",
            **spec,
        },
    }


def attempt(cluster: Cluster, manifest: Object) -> Object | str:
    """The pod as it was stored, or why it was refused."""
    try:
        return cluster.admin.create(copy.deepcopy(manifest))
    except ApiError as error:
        return error.message


def injected(answer: Object | str) -> bool:
    """Whether a pod was stored with an init container."""
    return not isinstance(answer, str) and "initContainers" in answer["spec"]


def soon(cluster: Cluster, manifest: Object, fits: Callable[[Object | str], bool]) -> Any:
    """What becomes of a pod once the policies that were just written have been noticed."""
    deadline = time.monotonic() + 30
    while not fits(answer := attempt(cluster, manifest)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert fits(answer), answer
    return answer


def untouched(answer: Object | str) -> bool:
    """Whether a pod was stored as it was sent."""
    return not isinstance(answer, str) and not injected(answer)


def refused(answer: Object | str) -> bool:
    """Whether a pod was refused for its profile."""
    return isinstance(answer, str) and "there is no profile" in answer


def refusal(cluster: Cluster, manifest: Object) -> str:
    """Why a pod is refused."""
    answer = attempt(cluster, manifest)
    assert isinstance(answer, str)
    return answer


def names(containers: list[Object]) -> list[str]:
    """Names of containers, in order."""
    return [one["name"] for one in containers]


@pytest.fixture(scope="module")
def app(running_cluster: Cluster) -> Iterator[str]:
    """A namespace that enforces `restricted` and is served with the profiles of `ci`."""
    running_cluster.heal()
    release = running_cluster.namespace(prefix="release")
    values = ci_values()["injection"]
    values["injection"]["namespaceSelector"] = {"matchLabels": {"served-by": release}}
    running_cluster.helm(
        *("install", "sr", CHART, "--namespace", release, "--values", "-"),
        text=json.dumps(values),
    )
    namespace = running_cluster.namespace(
        {"pod-security.kubernetes.io/enforce": "restricted", "served-by": release}
    )
    probe = pod(
        namespace, "grouped", securityContext={**pod("")["spec"]["securityContext"], "fsGroup": 1}
    )
    soon(running_cluster, probe, injected)
    soon(running_cluster, pod(namespace, "nobody"), refused)
    yield namespace
    running_cluster.helm("uninstall", "sr", "--namespace", release)


def test_a_labelled_pod_gets_a_sidecar(cluster: Cluster, app: str) -> None:
    """A native sidecar and a mount for the application to read; nothing else is changed."""
    plain = cluster.admin.create(pod(app, None))["spec"]
    spec = cluster.admin.create(pod(app))["spec"]
    [sidecar] = spec.pop("initContainers")
    added = spec.pop("volumes")
    assert spec["containers"][0].pop("volumeMounts") == [MOUNT]
    assert spec == {key: value for key, value in plain.items() if key != "volumes"}
    assert [volume["name"] for volume in added] == [
        NAME,
        f"{NAME}-ca",
        f"{NAME}-credentials",
    ]
    assert added[0]["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Mi"}
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["image"] == IMAGE
    assert sidecar["startupProbe"]["httpGet"]["path"] == "/startupz"
    assert sidecar["securityContext"]["readOnlyRootFilesystem"] is True
    [source] = added[2]["projected"]["sources"]
    assert source["secret"]["name"] == "partner-api-oauth"
    mounts = {mount["mountPath"]: mount.get("readOnly", False) for mount in sidecar["volumeMounts"]}
    assert mounts == {
        "/var/run/secret-refresher": False,
        "/etc/secret-refresher/credentials": True,
        "/etc/secret-refresher/ca": True,
    }


def test_the_configuration_arrives(cluster: Cluster, app: str) -> None:
    """Quotes, backslashes and dollar signs come through Helm, CEL and Kubernetes unharmed."""
    sidecar = cluster.admin.create(pod(app))["spec"]["initContainers"][0]
    text = {entry["name"]: entry["value"] for entry in sidecar["env"]}[
        "SECRET_REFRESHER_CONFIG_YAML"
    ].replace("$$", "$")
    [token] = ConfigSource(MountReader(), path=None, text=text).load().config.tokens
    assert token.auth.client_id == 'quotes " and $(HOME) and \\ and <&>'


def test_init_containers_read_the_token_too(cluster: Cluster, app: str) -> None:
    """The sidecar is first, and every other container has the mount beside its own."""
    other = {"name": "data", "mountPath": "/data"}
    manifest = pod(
        app,
        initContainers=[container("one"), container("two", volumeMounts=[other])],
        containers=[container("app"), container("proxy", volumeMounts=[other])],
        volumes=[{"name": "data", "emptyDir": {}}],
    )
    spec = cluster.admin.create(manifest)["spec"]
    assert names(spec["initContainers"]) == [NAME, "one", "two"]
    assert names(spec["containers"]) == ["app", "proxy"]
    mounts = {
        one["name"]: one["volumeMounts"]
        for one in (*spec["initContainers"][1:], *spec["containers"])
    }
    assert mounts == {
        "one": [MOUNT],
        "two": [other, MOUNT],
        "app": [MOUNT],
        "proxy": [other, MOUNT],
    }
    assert names(spec["volumes"])[0] == "data"


def test_a_mount_of_ones_own_stays(cluster: Cluster, app: str) -> None:
    """A container that mounts the folder already is left as it is."""
    own = {**MOUNT, "recursiveReadOnly": "IfPossible"}
    manifest = pod(app, containers=[container("app", volumeMounts=[own]), container("other")])
    spec = cluster.admin.create(manifest)["spec"]
    assert [one["volumeMounts"] for one in spec["containers"]] == [[own], [MOUNT]]


def test_never_twice(cluster: Cluster, app: str) -> None:
    """A pod that has the sidecar already, as a copy of an injected one, is not injected again."""
    first = cluster.admin.create(pod(app))
    again = {**pod(app), "spec": first["spec"]}
    assert cluster.admin.create(again)["spec"] == first["spec"]


def test_pods_without_the_label_are_untouched(cluster: Cluster, app: str) -> None:
    """Whatever their containers are called."""
    manifest = pod(app, None, containers=[container(NAME)])
    spec = cluster.admin.create(manifest)["spec"]
    assert "initContainers" not in spec
    assert "volumeMounts" not in spec["containers"][0]


def test_another_profile(cluster: Cluster, app: str) -> None:
    """Profiles have their own ports, credentials and files."""
    security = {**pod(app)["spec"]["securityContext"], "fsGroup": 1000}
    spec = cluster.admin.create(pod(app, "grouped", securityContext=security))["spec"]
    sidecar = spec["initContainers"][0]
    assert sidecar["ports"][0]["containerPort"] == 9799
    assert sidecar["livenessProbe"]["httpGet"]["port"] == 9799
    [volume] = [one for one in spec["volumes"] if one["name"] == f"{NAME}-credentials"]
    sources = volume["projected"]["sources"]
    paths = {
        item["path"]: item["key"]
        for source in sources
        for item in source.get("secret", {}).get("items", [])
    }
    assert paths["grey/client_secret"] == "grey_secret"
    told = {"audience": "https://id.example.com", "expirationSeconds": 3600}
    assert {"serviceAccountToken": {**told, "path": "violet/assertion"}} in sources


def test_unknown_profiles_are_refused(cluster: Cluster, app: str) -> None:
    """The sentence names the profile and those that there are."""
    for profile in ("nobody", ""):
        said = refusal(cluster, pod(app, profile))
        assert f"label {LABEL}: there is no profile '{profile}'" in said
        assert "choose of grouped, partner-api, or add it to injection.profiles" in said


def test_foreign_images_are_refused(cluster: Cluster, app: str) -> None:
    """Nobody gets the credentials by calling a container as the sidecar."""
    foreign = container(NAME, image="evil.example.com/x", restartPolicy="Always")
    said = refusal(cluster, pod(app, initContainers=[foreign]))
    assert f"container {NAME}: may only have the image {IMAGE}" in said
    said = refusal(cluster, pod(app, containers=[container("app"), container(NAME)]))
    assert f"container {NAME}: may only have the image" in said


def test_mirrors_are_allowed_by_name(cluster: Cluster, app: str) -> None:
    """What injection.allowedImages names may stand in the sidecar's place."""
    mirror = container(
        NAME, image="mirror.example.com/secret-refresher:0.1.0", restartPolicy="Always"
    )
    spec = cluster.admin.create(pod(app, initContainers=[mirror]))["spec"]
    assert names(spec["initContainers"]) == [NAME]


def test_a_container_in_the_sidecars_place_is_refused(cluster: Cluster, app: str) -> None:
    """One of that name that is no native sidecar would leave the pod without a token."""
    said = refusal(cluster, pod(app, initContainers=[container(NAME, image=IMAGE)]))
    assert "the pod has no native sidecar called secret-refresher" in said


def test_a_group_is_needed_for_0440(cluster: Cluster, app: str) -> None:
    """Another user could not read the file; the sentence says what to set."""
    said = refusal(cluster, pod(app, "grouped"))
    assert "profile grouped writes a token that only the pod's group can read" in said
    assert "set spec.securityContext.fsGroup, or a mode of 0444" in said


def test_updates_of_older_pods_go_on(cluster: Cluster, app: str) -> None:
    """A pod stays changeable after its profile or image went; a new foreign image is refused."""
    made = cluster.admin.create(pod(app))
    name = made["metadata"]["name"]
    image = {"spec": {"initContainers": [{"name": NAME, "image": "evil.example.com/x"}]}}
    with pytest.raises(ApiError, match="may only have the image"):
        cluster.admin.patch("pods", name, image, app, kind="strategic")
    with pytest.raises(ApiError, match="there is no profile"):
        cluster.admin.patch("pods", name, {"metadata": {"labels": {LABEL: "x"}}}, app)
    cluster.admin.patch("pods", name, {"metadata": {"labels": {LABEL: None}}}, app)
    cluster.admin.patch("pods", name, {"metadata": {"annotations": {"a": "b"}}}, app)


def test_profiles_come_and_go(cluster: Cluster) -> None:
    """What new pods get changes with the release; pods of before stay changeable."""
    release = cluster.namespace(prefix="release")
    namespace = cluster.namespace({"mine": release})
    chosen = {"matchLabels": {"mine": release}}

    def values(profile: str, tag: str) -> str:
        one = source_values(file_token("a"))
        return json.dumps(
            {
                "image": {"tag": tag},
                "injection": {"profiles": {profile: one}, "namespaceSelector": chosen},
            }
        )

    helm = (CHART, "--namespace", release, "--values", "-")
    cluster.helm("install", "sr", *helm, text=values("old", "1"))
    before = soon(cluster, pod(namespace, "old"), injected)
    cluster.helm("upgrade", "sr", *helm, text=values("new", "2"))
    after = soon(cluster, pod(namespace, "new"), injected)
    assert after["spec"]["initContainers"][0]["image"].endswith(":2")
    soon(cluster, pod(namespace, "old"), refused)
    finalizers = {"metadata": {"finalizers": ["example.com/x"]}}
    cluster.admin.patch("pods", before["metadata"]["name"], finalizers, namespace)
    cluster.helm("uninstall", "sr", "--namespace", release)
    for profile in ("new", "old"):
        gone = soon(cluster, pod(namespace, profile), untouched)
        assert "volumes" not in gone["spec"]


def test_a_large_configuration_fits(cluster: Cluster) -> None:
    """A profile nearly as large as the API server takes works as a small one."""
    release = cluster.namespace(prefix="release")
    namespace = cluster.namespace({"served-by": release})
    tokens = [
        {**file_token(f"t{number}"), "request": {"headers": {"X": 700 * "x"}}}
        for number in range(90)
    ]
    values = {
        "injection": {
            "profiles": {"large": source_values(*tokens)},
            "namespaceSelector": {"matchLabels": {"served-by": release}},
        }
    }
    cluster.helm(
        *("install", "sr", CHART, "--namespace", release, "--values", "-"),
        text=json.dumps(values),
    )
    made = soon(cluster, pod(namespace, "large"), injected)
    [entry] = made["spec"]["initContainers"][0]["env"]
    assert len(entry["value"]) > 60_000
    cluster.helm("uninstall", "sr", "--namespace", release)


def test_two_releases_share_a_cluster(cluster: Cluster) -> None:
    """Each serves the namespaces that it selects, and knows nothing of the other's profiles."""
    made = {}
    notes = ""
    for name in ("one", "two"):
        release = cluster.namespace(prefix="release")
        namespace = cluster.namespace({"served-by": release})
        values = {
            "injection": {
                "profiles": {f"{name}-profile": source_values(file_token("a"))},
                "namespaceSelector": {"matchLabels": {"served-by": release}},
            }
        }
        notes = cluster.helm(
            *("install", "sr", CHART, "--namespace", release, "--values", "-"),
            text=json.dumps(values),
        )
        made[name] = (release, namespace)
    first, _ = made["one"]
    assert f"another release has a policy inject.{first}-sr-secret-refresher" in notes
    for name, other in (("one", "two"), ("two", "one")):
        _, namespace = made[name]
        soon(cluster, pod(namespace, f"{name}-profile"), injected)
        soon(cluster, pod(namespace, f"{other}-profile"), refused)
    for release, _ in made.values():
        cluster.helm("uninstall", "sr", "--namespace", release)


def test_nothing_is_half_installed(cluster: Cluster) -> None:
    """A profile that cannot work is named before anything is made, the token source included."""
    release = cluster.namespace(prefix="release")
    values = {**source_values(file_token("a"), injection={"profiles": {"x": {"config": {}}}})}
    with pytest.raises(ClusterError, match=r"injection\.profiles\.x\.config\.tokens: is missing"):
        cluster.helm(
            *("install", "sr", CHART, "--namespace", release, "--values", "-"),
            text=json.dumps(values),
        )
    assert not cluster.admin.list("configmaps", release)
