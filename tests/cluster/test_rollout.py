"""Workloads are restarted for a new token, on a real API server."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from secret_refresher.adapters.kubernetes import Cluster as Adapter
from secret_refresher.adapters.kubernetes.rollouts import FOR_TOKEN, RESTARTED_AT
from secret_refresher.config.consumers import RolloutConsumer, WorkloadKind
from secret_refresher.config.model import Kubernetes
from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.ports import Fence, Heard
from secret_refresher.rights import manifests
from secret_refresher.tokens.token import Life
from support.cluster import Cluster, Object, ServiceAccount
from support.cluster_daemon import employ, to_secrets
from support.daemon import settings, until
from support.fences import Shutting
from support.replica import OffClock, config
from tools.show.stage import Stage

TEXT = """
tokens:
- name: a
  sinks: [{file: {path: /x}}]
  notify:
  - rollout: {kind: KIND, name: app}
"""
Actor = Callable[..., Adapter]
"""Makes a process of ours that acts as the account; keyword `off`: its clock is wrong."""


def workload(cluster: Cluster, namespace: str, kind: str = "Deployment", name: str = "app") -> None:
    """One with a pod template of its own."""
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels, "annotations": {"mine": "stays"}},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
    }
    spec: Object = {"selector": {"matchLabels": labels}, "template": template}
    if kind == "StatefulSet":
        spec["serviceName"] = "app"
    metadata = {"name": name, "namespace": namespace}
    cluster.admin.create(
        {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}
    )


def found(cluster: Cluster, namespace: str, kind: str = "Deployment") -> Object:
    """The workload as it is."""
    return cluster.admin.get(f"apps/v1/{kind.lower()}s", "app", namespace)


def annotations(cluster: Cluster, namespace: str, kind: str = "Deployment") -> dict[str, str]:
    """Those of its pods."""
    given: dict[str, str] = found(cluster, namespace, kind)["spec"]["template"]["metadata"][
        "annotations"
    ]
    return given


def life(age: float = 5.0, off: float = 0.0) -> Life:
    """A token that was issued so many seconds ago, as a clock that is wrong has it."""
    clock = OffClock(off)
    issued = clock.now() - age
    return Life(issued, issued + 3000, issued + 4000, int((clock.wall() - age) * 1000) / 1000)


def consumer(kind: str = "Deployment", interval: float = 600.0) -> RolloutConsumer:
    """The workload in the pod's own namespace."""
    return RolloutConsumer(kind=WorkloadKind(kind), name="app", min_interval=interval)


@pytest.fixture
def actor(cluster: Cluster, account: ServiceAccount, tmp_path: Path) -> Actor:
    """With the rights that the configuration asks for, and no others."""

    def make(kind: str = "Deployment", off: float = 0.0, fence: Fence | None = None) -> Adapter:
        given = manifests(config(TEXT.replace("KIND", kind)), account.name, account.namespace)
        cluster.grant(given)
        path = str(tmp_path / f"kubeconfig-{off}")
        account.kubeconfig(path)
        return Adapter(Kubernetes(), OffClock(off), {"KUBECONFIG": path}, fence=fence)

    return make


def fault(rollouts: Adapter, of: RolloutConsumer) -> Fault:
    """Why it was not restarted."""
    with pytest.raises(Trouble) as failed:
        rollouts.rollouts.tell(of, {"a": life()})
    return failed.value.fault


class Shut:
    """A fence that is shut for some tokens."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def open(self, token: str) -> bool:
        """Whether it is none of them."""
        return token not in self.names


def test_what_may_be_another_replicas_restarts_nothing(
    cluster: Cluster, namespace: str, actor: Actor
) -> None:
    """Who lost a token's Lease meanwhile leaves the workload to whoever has it now."""
    workload(cluster, namespace)
    before = found(cluster, namespace)
    refused = fault(actor(fence=Shut("a")), consumer())
    assert (refused.reason, "token a may be" in refused.summary) == (Reason.NOT_HELD, True)
    assert found(cluster, namespace) == before
    assert fault(actor(fence=Shutting(1)), consumer()).reason is Reason.NOT_HELD
    assert found(cluster, namespace) == before  # it was lost just before the restart was sent
    of = {"a": life(), "b": life()}
    assert actor(fence=Shut("a")).rollouts.tell(consumer(), of) == Heard()
    given = annotations(cluster, namespace)
    assert (FOR_TOKEN + "a" in given, FOR_TOKEN + "b" in given) == (False, True)


class Meanwhile:
    """A fence that is open, after something else has been done."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def open(self, token: str) -> bool:
        """Asked right before a write."""
        self._act()
        return bool(token)


def test_two_at_once_restart_once(cluster: Cluster, namespace: str, actor: Actor) -> None:
    """Who has read a workload before another restarted it does not restart it again."""
    workload(cluster, namespace)
    of = {"a": life()}
    other = actor()
    told: list[Heard] = []
    late = actor(fence=Meanwhile(lambda: told.append(other.rollouts.tell(consumer(), of))))
    assert late.rollouts.tell(consumer(), of) == Heard(knew=True)
    assert told.count(Heard()) == 1
    assert found(cluster, namespace)["metadata"]["generation"] == 2


def test_a_workload_that_others_change_all_the_time(
    cluster: Cluster, namespace: str, actor: Actor
) -> None:
    """It is not written over: the next attempt reads it anew."""
    workload(cluster, namespace)
    edits = iter(range(9))

    def edit() -> None:
        place = {"name": "app", "namespace": namespace, "annotations": {"n": str(next(edits))}}
        cluster.admin.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": place})

    refused = fault(actor(fence=Meanwhile(edit)), consumer())
    assert (refused.reason, refused.lane) == (Reason.CONFLICT, Lane.TRANSIENT)
    assert annotations(cluster, namespace) == {"mine": "stays"}


@pytest.mark.parametrize("kind", list(WorkloadKind))
def test_every_kind(cluster: Cluster, namespace: str, actor: Actor, kind: str) -> None:
    """The pod template gets kubectl's annotation and ours; the rest of it stays as it was."""
    workload(cluster, namespace, kind)
    before = found(cluster, namespace, kind)
    assert actor(kind).rollouts.tell(consumer(kind), {"a": life()}) == Heard()
    after = found(cluster, namespace, kind)
    given = after["spec"]["template"]["metadata"].pop("annotations")
    assert set(given) == {"mine", RESTARTED_AT, FOR_TOKEN + "a"}
    restarted = datetime.fromisoformat(given[RESTARTED_AT])
    assert abs(restarted.timestamp() - time.time()) < 60
    assert restarted.utcoffset() is not None
    before["spec"]["template"]["metadata"].pop("annotations")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    managers = [one["manager"] for one in after["metadata"]["managedFields"]]
    assert "secret-refresher" in managers


def test_once_a_token_whoever_tells(cluster: Cluster, namespace: str, actor: Actor) -> None:
    """Neither a restarted daemon nor a replica an hour off restarts the pods for it again."""
    workload(cluster, namespace)
    token = life()
    assert actor().rollouts.tell(consumer(), {"a": token}) == Heard()
    before = found(cluster, namespace)
    assert actor().rollouts.tell(consumer(), {"a": token}) == Heard(knew=True)
    late = actor(off=3600.0)
    seen = life(off=3600.0)
    late.rollouts.tell(consumer(), {"a": seen})  # learns the API server's time
    older = life(age=60.0, off=3600.0)
    assert late.rollouts.tell(consumer(), {"a": older}) == Heard(knew=True)
    assert found(cluster, namespace) == before


def test_several_tokens_in_one_restart(cluster: Cluster, namespace: str, actor: Actor) -> None:
    """What one go tells of is one restart, and each token is noted."""
    workload(cluster, namespace)
    rollouts = actor().rollouts
    assert rollouts.tell(consumer(), {"a": life(), "b": life(3), "c": life(4)}) == Heard()
    assert found(cluster, namespace)["metadata"]["generation"] == 2
    assert {FOR_TOKEN + name for name in "abc"} < set(annotations(cluster, namespace))


def test_not_more_often_than_asked(cluster: Cluster, namespace: str, actor: Actor) -> None:
    """A workload that was restarted lately, by a person too, is left alone for what remains."""
    workload(cluster, namespace)
    rollouts = actor().rollouts
    cluster.kubectl("rollout", "restart", "deployment/app", "-n", namespace)
    heard = rollouts.tell(consumer(), {"a": life()})
    assert 500 < heard.wait <= 601
    assert FOR_TOKEN + "a" not in annotations(cluster, namespace)
    short = consumer(interval=3.0)
    until(lambda: rollouts.tell(short, {"a": life()}).wait == 0, "the restart")
    assert FOR_TOKEN + "a" in annotations(cluster, namespace)
    assert rollouts.tell(consumer(), {"b": life()}).wait > 500


@pytest.mark.parametrize(
    "strange", ["yesterday", "2020-01-01T00:00:00", "2999-01-01T00:00:00Z", ""]
)
def test_what_stands_there_may_be_strange(
    cluster: Cluster, namespace: str, actor: Actor, strange: str
) -> None:
    """An instant that is none, or lies ahead, holds nothing up."""
    workload(cluster, namespace)
    patch = {RESTARTED_AT: strange, FOR_TOKEN + "a": strange}
    change = json.dumps({"spec": {"template": {"metadata": {"annotations": patch}}}})
    cluster.kubectl("patch", "deployment/app", "-n", namespace, "-p", change)
    assert actor().rollouts.tell(consumer(), {"a": life()}) == Heard()


def test_no_such_workload(actor: Actor) -> None:
    """It says so, and what to correct."""
    failed = fault(actor(), consumer())
    assert failed.reason is Reason.NOT_FOUND
    assert "no such workload" in failed.summary
    assert "rollout.kind" in failed.advice


@pytest.mark.parametrize("missing", ["get", "patch", "name"])
def test_each_right_is_needed(
    cluster: Cluster, namespace: str, account: ServiceAccount, tmp_path: Path, missing: str
) -> None:
    """Without one of the two verbs, or for another name, nothing is restarted, and it is told."""
    workload(cluster, namespace)
    given = manifests(config(TEXT.replace("KIND", "Deployment")), account.name, namespace)
    (rule,) = [rule for rule in given[0]["rules"] if rule["resources"] == ["deployments"]]
    assert rule["apiGroups"] == ["apps"]
    assert rule["resourceNames"] == ["app"]
    assert sorted(rule["verbs"]) == ["get", "patch"]
    if missing == "name":
        rule["resourceNames"] = ["another"]
    else:
        rule["verbs"].remove(missing)
    cluster.grant(given)
    account.kubeconfig(str(tmp_path / "kubeconfig"))
    adapter = Adapter(Kubernetes(), OffClock(), {"KUBECONFIG": str(tmp_path / "kubeconfig")})
    failed = fault(adapter, consumer())
    assert (failed.reason, failed.lane) == (Reason.PERMISSION, Lane.PERMANENT)
    assert "secret-refresher rbac" in failed.advice
    assert RESTARTED_AT not in annotations(cluster, namespace)


def test_a_daemon_restarts_a_workload(cluster: Cluster, stand: Stage) -> None:
    """With what `rbac` prints: the Secret, Reloader's annotation, the restart, its Event."""
    namespace = stand.account.namespace
    workload(cluster, namespace)
    reloader = {"reloader.stakater.com/match": "true"}
    rollout = {"rollout": {"kind": "Deployment", "name": "app"}}
    token = to_secrets(
        stand.server.token_url,
        stand.folder,
        {"name": "t", "namespace": namespace, "annotations": reloader},
        notify=[rollout],
    )
    daemon = employ(cluster, stand.account, stand.folder, settings(token))
    with daemon:
        line = daemon.wait("consumer told")
        assert line["target"] == "Deployment app"
        assert daemon.metric("notifications_total", kind="rollout", result="success") == 1
        secret = cluster.admin.get("secrets", "t", namespace)
        assert secret["metadata"]["annotations"].items() >= reloader.items()
        issued = secret["metadata"]["annotations"]["secret-refresher.io/issued-at"]
        assert annotations(cluster, namespace)[FOR_TOKEN + "partner-api"] == issued
        until(lambda: _restarts(cluster, namespace), "the Event")
        daemon.kill()
        daemon.start()  # the token is young, and so told again, which the workload knows
        daemon.wait("consumer knew")
        assert daemon.metric("notifications_total", kind="rollout", result="unchanged") == 1
        assert daemon.stop() == 0
    assert found(cluster, namespace)["metadata"]["generation"] == 2


def test_short_lived_tokens_restart_nothing(cluster: Cluster, stand: Stage) -> None:
    """Below minLife the workload is left alone, with a warning that says how to change that."""
    namespace = stand.account.namespace
    workload(cluster, namespace)
    stand.server.lifetime = 600.0
    token = to_secrets(
        stand.server.token_url,
        stand.folder,
        {"name": "t", "namespace": namespace},
        notify=[{"rollout": {"kind": "Deployment", "name": "app"}}],
    )
    with employ(cluster, stand.account, stand.folder, settings(token)) as daemon:
        line = daemon.wait("consumer skipped", level="warning")
        assert line["reason"] == "short_lived"
        assert "minLife" in line["advice"]
        assert daemon.metric("notifications_total", kind="rollout", result="skipped") == 1
    assert found(cluster, namespace)["metadata"]["generation"] == 1


def _restarts(cluster: Cluster, namespace: str) -> list[Object]:
    return [
        one
        for one in cluster.admin.list("events", namespace)
        if one["reason"] == "Restarted" and one["involvedObject"]["kind"] == "Deployment"
    ]


def test_a_look_changes_nothing(cluster: Cluster, namespace: str, actor: Actor) -> None:
    """What `doctor` does: whether it is there, and when it was restarted last."""
    workload(cluster, namespace)
    rollouts = actor().rollouts
    before = found(cluster, namespace)
    assert rollouts.examine(consumer()) == "it is there"
    assert found(cluster, namespace) == before
    rollouts.tell(consumer(), {"a": life()})
    assert "it was restarted last at 20" in rollouts.examine(consumer())
