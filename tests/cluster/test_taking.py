"""Whose Secret is it: first taking, with and without force, and repair once it is ours."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from secret_refresher.errors import Lane, Reason
from secret_refresher.ports import Finding, Held, Wrote
from support.cluster import Cluster, Object, ServiceAccount
from support.cluster_faults import Answer, FaultyWay
from support.fences import Shutting
from support.replica import SOURCE, Replica, eventually, refusal

PREFIX = "secret-refresher.io/"
ONE = "tokens: [{name: partner-api, sinks: [{secret: {name: wanted}}]}]"
FORCED = "tokens: [{name: partner-api, sinks: [{secret: {name: wanted, force: true}}]}]"


def secret(namespace: str, **parts: Object) -> Object:
    """A Secret of somebody else."""
    more = parts.pop("metadata", {})
    metadata = {"name": "wanted", "namespace": namespace, **more}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **parts}


def token_in(cluster: Cluster, namespace: str) -> str:
    """What a consumer reads."""
    data = cluster.admin.get("secrets", "wanted", namespace)["data"]
    return base64.b64decode(data["token"]).decode()


THEIRS = {"token": "dGhlaXJz"}
OWNED = {"annotations": {PREFIX + "owner": "elsewhere/refresher"}}
ANOTHER = {
    "annotations": {
        PREFIX + "owner": "default/secret-refresher",
        PREFIX + "token-name": "other-api",
    }
}
CONTROLLED = {
    "ownerReferences": [
        {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "name": "x",
            "uid": "9c6bb2f4-0000-4000-8000-000000000000",
            "controller": True,
        }
    ]
}
CASES = [
    ({"data": THEIRS}, "has a value under key token, managed by them"),
    ({"metadata": OWNED}, "belongs to elsewhere/refresher, by its annotation"),
    ({"metadata": ANOTHER}, "holds token other-api of this installation"),
    ({"metadata": CONTROLLED}, "is managed by a controller, by its ownerReferences"),
]


@pytest.mark.parametrize(("there", "why"), CASES)
def test_somebody_elses(
    cluster: Cluster,
    account: ServiceAccount,
    namespace: str,
    tmp_path: Path,
    *,
    there: dict[str, Object],
    why: str,
) -> None:
    """Refused with who it is that has it and what to do, before a token is asked for."""
    cluster.admin.create(secret(namespace, **there), manager="them")
    before = cluster.admin.get("secrets", "wanted", namespace)
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    for act in (lambda: sink.inspect(SOURCE), lambda: sink.publish(replica.token())):
        fault = refusal(act)
        assert (fault.reason, fault.lane) == (Reason.CONFLICT, Lane.PERMANENT)
        assert why in fault.summary
        assert f"{namespace}/wanted" in fault.summary
        assert "force: true" in fault.advice
    assert not sink.remove()
    assert cluster.admin.get("secrets", "wanted", namespace) == before


@pytest.mark.parametrize(("there", "why"), CASES)
def test_force(
    cluster: Cluster,
    account: ServiceAccount,
    namespace: str,
    tmp_path: Path,
    *,
    there: dict[str, Object],
    why: str,
) -> None:
    """With force each of these is taken, and is ours from then on, force or not."""
    cluster.admin.create(secret(namespace, **there), manager="them")
    replica = Replica(cluster, account, tmp_path, FORCED)
    sink = replica.sink()
    assert sink.inspect(SOURCE) == Finding(Held.FOREIGN), why
    assert sink.publish(replica.token()) is Wrote.WRITTEN
    assert token_in(cluster, namespace) == "token-1"
    assert Replica(cluster, account, tmp_path, ONE).sink().inspect(SOURCE).held is Held.OURS


@pytest.mark.parametrize(
    "parts", [{"data": {"token": ""}}, {"data": {}, "metadata": {"annotations": {}, "labels": {}}}]
)
def test_an_empty_place_is_free(
    cluster: Cluster,
    account: ServiceAccount,
    namespace: str,
    tmp_path: Path,
    parts: dict[str, Object],
) -> None:
    """A Secret that others made for us, the key in it without a value, needs no force."""
    place = secret(namespace, **parts)
    cluster.admin.apply(place, manager="helm")
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)
    assert sink.publish(replica.token()) is Wrote.WRITTEN
    assert token_in(cluster, namespace) == "token-1"


@pytest.mark.parametrize("times", [0, 1])
def test_each_write_asks_the_fence(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path, times: int
) -> None:
    """A token that may be another replica's by now is not written, at the second go either."""
    cluster.admin.apply(secret(namespace, data={"token": ""}), manager="helm")
    before = cluster.admin.get("secrets", "wanted", namespace)
    fence = Shutting(times)
    sink = (replica := Replica(cluster, account, tmp_path, ONE, fence=fence)).sink()
    sink.inspect(SOURCE)
    assert refusal(lambda: sink.publish(replica.token())).reason is Reason.NOT_HELD
    assert fence.times == -1
    assert cluster.admin.get("secrets", "wanted", namespace) == before


def test_a_write_that_is_sent_again_asks_the_fence_again(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """While refused credentials are read anew, the token may have become another replica's."""
    fence = Shutting(1)
    with FaultyWay(cluster) as way:
        way.put(Answer(401), method="PATCH", times=1)
        replica = Replica(cluster, account, tmp_path, ONE, server=way.url, fence=fence)
        assert refusal(lambda: replica.sink().publish(replica.token())).reason is Reason.NOT_HELD
    assert fence.times == -1
    assert not cluster.admin.list("secrets", namespace)


def test_a_label_of_others_is_not_taken(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A label that we want and another manages otherwise is a conflict that names both."""
    cluster.admin.create(secret(namespace, metadata={"labels": {"team": "red"}}), manager="them")
    text = ONE.replace("name: wanted", "name: wanted, labels: {team: blue}")
    sink = (replica := Replica(cluster, account, tmp_path, text)).sink()
    sink.inspect(SOURCE)
    fault = refusal(lambda: sink.publish(replica.token()))
    assert fault.reason is Reason.CONFLICT
    assert "field .metadata.labels.team" in fault.summary
    assert "managed by them" in fault.summary
    labels = cluster.admin.get("secrets", "wanted", namespace)["metadata"]["labels"]
    assert labels == {"team": "red"}


def test_two_installations_with_force_settle(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """Who is taken from does not take back, force or not: two never write in turn for ever."""
    us = Replica(cluster, account, tmp_path, FORCED)
    them = Replica(
        cluster,
        account,
        tmp_path,
        FORCED + "\nkubernetes: {owner: elsewhere/refresher, fieldManager: elsewhere}",
    )
    ours, theirs = us.sink(), them.sink()
    ours.inspect(SOURCE)
    ours.publish(us.token())
    assert theirs.inspect(SOURCE) == Finding(Held.FOREIGN)
    assert theirs.publish(them.token("theirs")) is Wrote.WRITTEN
    fault = refusal(lambda: ours.inspect(SOURCE))
    assert fault.reason is Reason.CONFLICT
    assert "was taken from us by elsewhere/refresher" in fault.summary
    assert refusal(lambda: ours.publish(us.token("again"))).reason is Reason.CONFLICT
    assert not ours.remove()
    assert token_in(cluster, namespace) == "theirs"


def test_another_type(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A Secret of another type cannot become ours, force or not, and the remedy is said."""
    there = secret(namespace, data={"password": ""}) | {"type": "kubernetes.io/basic-auth"}
    cluster.admin.create(there)
    sink = (replica := Replica(cluster, account, tmp_path, FORCED)).sink()
    for act in (lambda: sink.inspect(SOURCE), lambda: sink.publish(replica.token())):
        fault = refusal(act)
        assert (fault.reason, fault.lane) == (Reason.IMMUTABLE, Lane.PERMANENT)
        assert "another type" in fault.summary
        assert "delete the Secret" in fault.advice


def test_immutable(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """An immutable Secret is named as such, is not made anew, and can be removed as a whole."""
    text = ONE.replace("sinks", "refresh: {onExpired: delete}, sinks")
    sink = (replica := Replica(cluster, account, tmp_path, text)).sink()
    sink.inspect(SOURCE)
    sink.publish(replica.token(age=10))
    cluster.admin.patch("secrets", "wanted", {"immutable": True}, namespace)
    # Its token lives on and is adopted; only a change is refused.
    assert sink.inspect(SOURCE).held is Held.OURS
    fault = refusal(lambda: sink.publish(replica.token("token-2")))
    assert (fault.reason, fault.lane) == (Reason.IMMUTABLE, Lane.PERMANENT)
    assert fault.summary.endswith("is immutable")
    assert "delete it" in fault.advice
    assert token_in(cluster, namespace) == "token-1"
    assert refusal(lambda: sink.inspect("another source")).reason is Reason.IMMUTABLE
    cluster.admin.patch("secrets", "wanted", {"metadata": {"labels": {"a": "b"}}}, namespace)
    assert refusal(sink.remove).reason is Reason.IMMUTABLE
    cluster.admin.patch("secrets", "wanted", {"metadata": {"labels": {"a": None}}}, namespace)
    assert sink.remove()
    assert not cluster.admin.list("secrets", namespace)


def test_being_deleted(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A Secret that only a finalizer still holds is waited for, and then made anew."""
    metadata = {"finalizers": ["example.com/wait"]}
    cluster.admin.create(secret(namespace, metadata=metadata))
    cluster.admin.delete("secrets", "wanted", namespace)
    sink = (replica := Replica(cluster, account, tmp_path, ONE)).sink()
    fault = refusal(lambda: sink.inspect(SOURCE))
    assert (fault.reason, fault.lane) == (Reason.TERMINATING, Lane.TRANSIENT)
    assert "finalizers" in fault.advice
    cluster.admin.patch("secrets", "wanted", {"metadata": {"finalizers": None}}, namespace)
    assert sink.inspect(SOURCE) == Finding(Held.NOTHING)
    assert sink.publish(replica.token()) is Wrote.WRITTEN


# --- repair: what others do to a Secret that is ours -----------------------------------------


def edit(cluster: Cluster, namespace: str) -> None:
    """As `kubectl edit` does: an update of the whole object as it was read."""
    there = cluster.admin.get("secrets", "wanted", namespace)
    there["data"]["token"] = THEIRS["token"]
    cluster.admin.replace(there, manager="kubectl-edit")


def plain(namespace: str) -> str:
    """A manifest of theirs that knows nothing of us."""
    return yaml.safe_dump(secret(namespace, data=THEIRS))


def client_side_apply(cluster: Cluster, namespace: str) -> None:
    """`kubectl apply` as it is by default."""
    cluster.kubectl("apply", "-f", "-", text=plain(namespace))


def server_side_apply(cluster: Cluster, namespace: str) -> None:
    """`kubectl apply --server-side --force-conflicts`."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=plain(namespace))


def replace(cluster: Cluster, namespace: str) -> None:
    """`kubectl replace`, which drops our labels and annotations with the owner among them."""
    cluster.kubectl("replace", "-f", "-", text=plain(namespace))


def argo_cd(cluster: Cluster, namespace: str) -> None:
    """Argo CD's ServerSideApply=true: its own manager, with force, and a tracking label."""
    labels = {"labels": {"argocd.argoproj.io/instance": "app"}}
    document = secret(namespace, metadata=labels, data=THEIRS)
    cluster.admin.apply(document, manager="argocd-controller", force=True)


def clear_managed_fields(cluster: Cluster, namespace: str) -> None:
    """Somebody wipes managedFields, and then the content."""
    wipe: Object = {"metadata": {"managedFields": [{}]}}
    cluster.admin.patch("secrets", "wanted", wipe, namespace)
    cluster.admin.patch("secrets", "wanted", {"data": THEIRS}, namespace, manager="them")


@pytest.mark.parametrize(
    "act",
    [edit, client_side_apply, server_side_apply, replace, argo_cd, clear_managed_fields],
)
def test_repair(
    cluster: Cluster,
    account: ServiceAccount,
    namespace: str,
    tmp_path: Path,
    act: Callable[[Cluster, str], None],
) -> None:
    """Whatever others do to our key is noticed, and put right from memory without force."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink, token = replica.sink(), replica.token()
    replica.follow()
    try:
        sink.inspect(SOURCE)
        sink.publish(token)
        act(cluster, namespace)
        assert token_in(cluster, namespace) == "theirs"
        eventually(sink.disturbed)
        assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)
        assert sink.publish(token) is Wrote.WRITTEN
    finally:
        replica.adapter.stop()
    found = cluster.admin.get("secrets", "wanted", namespace)
    assert found["data"] == {"token": base64.b64encode(b"token-1").decode()}
    assert found["metadata"]["annotations"][PREFIX + "owner"] == "default/secret-refresher"
    assert found["metadata"]["labels"][PREFIX + "managed"] == "true"
    assert sink.inspect(SOURCE) == Finding(Held.OURS, token.life)


def test_repair_after_adoption(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A Secret that was adopted is ours too: `kubectl replace` does not make it another's."""
    before = Replica(cluster, account, tmp_path, ONE)
    first = before.sink()
    first.inspect(SOURCE)
    first.publish(before.token())
    sink = (replica := Replica(cluster, account, tmp_path, ONE)).sink()
    assert sink.inspect(SOURCE).held is Held.OURS
    replace(cluster, namespace)
    assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)
    assert sink.publish(replica.token("token-2")) is Wrote.WRITTEN


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart with a Secret of the same name."""
    folder = tmp_path / "theirs"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: theirs\nversion: 1.0.0\n")
    (folder / "templates" / "secret.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: wanted, labels: {rev: '{{ .Values.rev }}'}}"
        "\ndata: {{ .Values.data | toJson }}\n"
    )
    (folder / "values.yaml").write_text("rev: a\ndata: {}\n")
    return folder


@pytest.fixture
def release(cluster: Cluster, namespace: str, chart: Path) -> Iterator[Callable[..., str]]:
    """Installs the chart, and returns how to upgrade it."""
    cluster.helm("install", "theirs", str(chart), "-n", namespace)

    def upgrade(*arguments: str) -> str:
        return cluster.helm("upgrade", "theirs", str(chart), "-n", namespace, *arguments)

    yield upgrade
    cluster.helm("uninstall", "theirs", "-n", namespace)


def test_helm(
    cluster: Cluster,
    account: ServiceAccount,
    namespace: str,
    tmp_path: Path,
    release: Callable[..., str],
) -> None:
    """A release that holds the Secret is upgraded without conflict and without loss, both ways."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink, token = replica.sink(), replica.token()
    assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)
    sink.publish(token)
    found = cluster.admin.get("secrets", "wanted", namespace)
    assert found["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    release("--set", "rev=b")
    found = cluster.admin.get("secrets", "wanted", namespace)
    assert found["metadata"]["labels"]["rev"] == "b"
    assert token_in(cluster, namespace) == "token-1"
    assert sink.inspect(SOURCE) == Finding(Held.OURS, token.life)
    # A chart that comes to hold the key too, and overwrites it, is put right.
    release("--set-json", "data=" + json.dumps(THEIRS), "--force-conflicts")
    assert token_in(cluster, namespace) == "theirs"
    assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)
    assert sink.publish(token) is Wrote.WRITTEN
    assert token_in(cluster, namespace) == "token-1"
