"""The API server away, slow, busy or strange; watches that break; and how much is asked of it."""

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast, final

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.kubernetes.access import Access
from secret_refresher.adapters.kubernetes.api import Api, Query, Stream
from secret_refresher.adapters.kubernetes.reflector import Listing, Patience, Reflector
from secret_refresher.errors import Lane, Reason
from secret_refresher.ports import Finding, Held, WatchFailed, Wrote
from support.cluster import Cluster, Object, ServiceAccount
from support.cluster_faults import (
    Answer,
    Cut,
    Delay,
    Drip,
    FaultyWay,
    gone,
    gone_in_watch,
    too_many,
)
from support.replica import SOURCE, OffClock, Replica, eventually, refusal

ONE = "tokens: [{name: partner-api, sinks: [{secret: {name: wanted}}]}]"


@pytest.fixture
def way(cluster: Cluster) -> Iterator[FaultyWay]:
    """Harmless as yet."""
    with FaultyWay(cluster) as way:
        yield way


@pytest.fixture
def replica(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path, way: FaultyWay
) -> Iterator[Replica]:
    """One that comes by that way."""
    replica = Replica(cluster, account, tmp_path, ONE, server=way.url)
    yield replica
    replica.adapter.stop()


# --- requests ----------------------------------------------------------------------------------


def test_away(cluster: Cluster, account: ServiceAccount, tmp_path: Path) -> None:
    """An API server that is gone is said to be; once it is back the same sink publishes."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    sink.inspect(SOURCE)
    sink.publish(replica.token(age=10))
    with cluster.away():
        fault = refusal(lambda: sink.publish(replica.token("token-2")))
        assert fault.lane is Lane.TRANSIENT
        assert fault.reason in {Reason.CONNECT, Reason.NETWORK}
        fault = refusal(lambda: sink.inspect(SOURCE))
        assert fault.reason is Reason.CONNECT
    token = replica.token("token-2")
    assert sink.publish(token) is Wrote.WRITTEN
    assert sink.inspect(SOURCE) == Finding(Held.OURS, token.life)


def test_silent(cluster: Cluster, account: ServiceAccount, tmp_path: Path) -> None:
    """An API server that takes connections and answers nothing holds a worker for seconds only."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    with cluster.paused():
        began = time.monotonic()
        fault = refusal(lambda: sink.inspect(SOURCE))
        assert (fault.reason, fault.lane) == (Reason.TIMEOUT, Lane.TRANSIENT)
        assert time.monotonic() - began < 25
    assert sink.inspect(SOURCE) == Finding(Held.NOTHING)


@pytest.mark.parametrize("off", [0.0, 1000.0])
def test_slow(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path, way: FaultyWay, off: float
) -> None:
    """A slow answer is waited for, and does not make us believe in another time."""
    replica = Replica(cluster, account, tmp_path, ONE, server=way.url, clock=OffClock(off))
    sink = replica.sink()
    sink.inspect(SOURCE)
    token = replica.token()
    sink.publish(token)
    way.put(Delay(6), times=1)
    assert sink.inspect(SOURCE) == Finding(Held.OURS, token.life)
    assert sink.publish(token) is Wrote.UNCHANGED


def test_dripping(cluster: Cluster, replica: Replica, way: FaultyWay, namespace: str) -> None:
    """An answer that comes a few bytes at a time does not hold a worker for ever."""
    metadata = {"name": "wanted", "namespace": namespace, "annotations": {"a": "x" * 20_000}}
    cluster.admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
    way.put(Drip(400), times=1)
    began = time.monotonic()
    assert refusal(lambda: replica.sink().inspect(SOURCE)).reason is Reason.TIMEOUT
    assert time.monotonic() - began < 40


def test_broken_off(replica: Replica, way: FaultyWay) -> None:
    """An answer that breaks off is a broken connection, whatever came before."""
    sink = replica.sink()
    sink.inspect(SOURCE)
    sink.publish(replica.token())
    way.put(Cut(after=900), times=1)
    assert refusal(lambda: sink.inspect(SOURCE)).reason is Reason.NETWORK
    assert sink.inspect(SOURCE).held is Held.OURS


def test_too_many_requests(replica: Replica, way: FaultyWay) -> None:
    """429 says when to come again, for reads and for writes."""
    sink = replica.sink()
    way.put(too_many(retry_after=7), times=1)
    fault = refusal(lambda: sink.inspect(SOURCE))
    assert (fault.reason, fault.lane) == (Reason.RATE_LIMITED, Lane.TRANSIENT)
    assert fault.retry_after == 7
    way.put(too_many(retry_after=9), method="PATCH", times=1)
    assert refusal(lambda: sink.publish(replica.token())).retry_after == 9


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, body=b"<html>Please log in</html>", headers={"Content-Type": "text/html"}),
        Answer(200, body=b"{}"),
        Answer(200, body=b'{"kind": "Status"}'),
        Answer(302, headers={"Location": "https://login.example.com/"}, body=b""),
        Answer(405),
        Answer(418),
    ],
)
def test_somebody_else_answers(
    cluster: Cluster, replica: Replica, way: FaultyWay, namespace: str, answer: Answer
) -> None:
    """What is no answer of an API server is no success, and nothing follows from it."""
    sink = replica.sink()
    sink.inspect(SOURCE)
    sink.publish(replica.token(age=10))
    way.put(answer)
    for act in (lambda: sink.inspect(SOURCE), lambda: sink.publish(replica.token("token-2"))):
        fault = refusal(act)
        assert fault.reason is Reason.KUBERNETES
        assert "no answer of a Kubernetes API server" in fault.summary
    assert refusal(sink.remove).reason is Reason.KUBERNETES
    way.clear()
    assert sink.inspect(SOURCE).held is Held.OURS
    assert cluster.admin.get("secrets", "wanted", namespace)


def test_namespace_missing(cluster: Cluster, account: ServiceAccount, tmp_path: Path) -> None:
    """A namespace that does not exist is named, at the look already where rights allow that."""
    text = ONE.replace("name: wanted", "name: wanted, namespace: nowhere-at-all")
    replica = Replica(cluster, account, tmp_path, ONE)
    rights = {"name": f"{account.namespace}-everywhere"}
    group = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch", "create"]}
    subject = {"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": rights["name"]}
    manifests: list[Object] = [
        {**group, "kind": "ClusterRole", "metadata": rights, "rules": [rule]},
        {
            **group,
            "kind": "ClusterRoleBinding",
            "metadata": rights,
            "roleRef": role,
            "subjects": [subject],
        },
    ]
    cluster.grant(manifests)
    try:
        lost = Replica(cluster, account, tmp_path, text, granted=False).sink()
        assert lost.inspect(SOURCE) == Finding(Held.NOTHING)
        fault = refusal(lambda: lost.publish(replica.token()))
        assert (fault.reason, fault.lane) == (Reason.NOT_FOUND, Lane.PERMANENT)
        assert "nowhere-at-all/wanted" in fault.summary
        assert "namespace does not exist" in fault.summary
    finally:
        cluster.revoke(manifests)


def test_namespace_terminating(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A namespace that is being deleted takes nothing new, and is said to go."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    sink.inspect(SOURCE)
    cluster.admin.delete("namespaces", namespace)
    fault = refusal(lambda: sink.publish(replica.token()))
    assert (fault.reason, fault.lane) == (Reason.TERMINATING, Lane.PERMANENT)
    assert "being deleted" in fault.summary


# --- watches -----------------------------------------------------------------------------------


@final
class Ears:
    """Hears all that a reflector tells; implements `reflector.Audience`."""

    def __init__(self) -> None:
        self.lists: list[list[str]] = []
        self.told: list[tuple[str, str]] = []
        self.failed: list[WatchFailed] = []

    def listed(self, metadata: Listing) -> None:
        """All that there is."""
        self.lists.append([str(item["name"]) for item in metadata])

    def changed(self, metadata: Mapping[str, Any]) -> None:
        """Added or modified."""
        self.told.append(("changed", str(metadata["name"])))

    def gone(self, metadata: Mapping[str, Any]) -> None:
        """Deleted."""
        self.told.append(("gone", str(metadata["name"])))

    def refused(self, failed: WatchFailed) -> None:
        """It failed."""
        self.failed.append(failed)


@final
class Wire:
    """The real Api, and every object that came over it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.came: list[Mapping[str, Any]] = []

    def request(self, *args: Any, **kwargs: Any) -> Any:
        """As the Api does."""
        answer = self._api.request(*args, **kwargs)
        self.came.append(answer.content)
        return answer

    def watch(
        self, path: str, query: Query, silence: float, stream: Stream
    ) -> Iterator[Mapping[str, Any]]:
        """As the Api does."""
        for event in self._api.watch(path, query, silence, stream):
            self.came.append(event)
            yield event


def reflector(
    replica: Replica, namespace: str, ears: Ears, patience: Patience | None = None
) -> tuple[Reflector, Wire]:
    """One that watches the Secret `wanted`."""
    wire = Wire(Api(Access({"KUBECONFIG": replica.kubeconfig}), SystemClock()))
    made = Reflector(
        cast(Api, wire),
        SystemClock(),
        f"/api/v1/namespaces/{namespace}/secrets",
        (("fieldSelector", "metadata.name=wanted"),),
        ears,
        patience=patience or Patience(),
    )
    return made, wire


def secret(namespace: str) -> Object:
    """The Secret that is watched, with content that must not travel."""
    metadata = {"name": "wanted", "namespace": namespace}
    data = {"token": "dmVyeS1zZWNyZXQ="}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def threads() -> list[str]:
    """Threads of ours."""
    return [t.name for t in threading.enumerate() if t.name in {"reflector", "drift", "events"}]


def test_watches_carry_no_content(cluster: Cluster, replica: Replica, namespace: str) -> None:
    """Neither lists nor watches transfer what is in a Secret: metadata is all that comes."""
    cluster.admin.create(secret(namespace))
    ears = Ears()
    watching, wire = reflector(replica, namespace, ears)
    watching.start()
    try:
        eventually(lambda: ears.lists)
        cluster.admin.patch("secrets", "wanted", {"data": {"b": "MQ=="}}, namespace)
        eventually(lambda: ears.told)
        cluster.admin.delete("secrets", "wanted", namespace)
        eventually(lambda: ("gone", "wanted") in ears.told)
    finally:
        watching.stop()
    assert len(wire.came) >= 3
    assert "dmVyeS1zZWNyZXQ=" not in str(wire.came)
    assert "'data'" not in str(wire.came)
    assert "PartialObjectMetadata" in str(wire.came[-1])


def test_stopped_at_once(replica: Replica, namespace: str) -> None:
    """A watch that is not wanted any more ends with its thread, though nothing comes on it."""
    before = len(threads())
    ears = Ears()
    watching, _ = reflector(replica, namespace, ears)
    watching.start()
    eventually(lambda: ears.lists)
    time.sleep(0.5)
    watching.stop()
    eventually(lambda: len(threads()) == before)
    assert not ears.failed


def test_threads_come_and_go_with_secrets(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path
) -> None:
    """Sinks that are closed leave neither threads nor connections; nor does the end."""
    names = ", ".join(f"{{secret: {{name: s{number}}}}}" for number in range(10))
    replica = Replica(cluster, account, tmp_path, f"tokens: [{{name: a, sinks: [{names}]}}]")
    before = len(threads())
    replica.follow()
    for _ in range(2):
        sinks = replica.sinks()
        for sink in sinks:
            sink.inspect(SOURCE)
        eventually(lambda: len(threads()) == before + 11)
        for sink in sinks:
            sink.close()
        eventually(lambda: len(threads()) == before + 1)
    replica.adapter.stop()
    eventually(lambda: len(threads()) == before)
    assert not replica.failures


def test_server_restarts(cluster: Cluster, account: ServiceAccount, tmp_path: Path) -> None:
    """A watch outlives a restart of the API server, and what happens afterwards is noticed."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    replica.follow()
    try:
        sink.inspect(SOURCE)
        sink.publish(replica.token())
        time.sleep(0.5)
        with cluster.away():
            eventually(lambda: replica.failures)
        cluster.admin.delete("secrets", "wanted", account.namespace)
        eventually(sink.disturbed, 60)
    finally:
        replica.adapter.stop()


@pytest.mark.parametrize("fault", [gone(), gone_in_watch()])
def test_too_old(
    cluster: Cluster, replica: Replica, way: FaultyWay, namespace: str, fault: Answer
) -> None:
    """A watch that is told 410 begins with a list, which tells of what was missed."""
    cluster.admin.create(secret(namespace))
    ears = Ears()
    way.put(fault, watch=True, times=2)
    watching, _ = reflector(replica, namespace, ears)
    watching.start()
    try:
        eventually(lambda: ears.lists)
        cluster.admin.delete("secrets", "wanted", namespace)
        eventually(lambda: ears.lists[-1] == [] or ("gone", "wanted") in ears.told)
        eventually(lambda: len([one for one in way.passed if one.watches]) == 3)
        eventually(lambda: len(ears.lists) == 3)
    finally:
        watching.stop()
    assert ears.lists[0] == ["wanted"]


def test_silent_watch(cluster: Cluster, replica: Replica, way: FaultyWay, namespace: str) -> None:
    """A watch on which nothing comes is opened anew, and goes on where it was: no list."""
    cluster.admin.create(secret(namespace))
    ears = Ears()
    watching, _ = reflector(replica, namespace, ears, Patience(silence=2.0))
    watching.start()
    try:
        eventually(lambda: any(one.watches for one in way.passed))
        way.hush()
        cluster.admin.delete("secrets", "wanted", namespace)
        eventually(lambda: ears.failed)
        assert ears.failed[0].fault.reason is Reason.TIMEOUT
        way.speak()
        eventually(lambda: ("gone", "wanted") in ears.told)
    finally:
        watching.stop()
    assert len(ears.lists) == 1


def test_strange_list(cluster: Cluster, replica: Replica, way: FaultyWay, namespace: str) -> None:
    """What is no list never says that everything is gone."""
    cluster.admin.create(secret(namespace))
    ears = Ears()
    way.put(Answer(200, body=b"{}"), watch=False, times=2)
    watching, _ = reflector(replica, namespace, ears)
    watching.start()
    try:
        eventually(lambda: ears.lists)
    finally:
        watching.stop()
    assert ears.lists == [["wanted"]]
    assert [failed.fault.reason for failed in ears.failed] == [Reason.KUBERNETES] * 2


def test_long_lists(cluster: Cluster, namespace: str) -> None:
    """A list of several pages is told as one."""
    for number in range(7):
        metadata = {"name": f"s{number}", "namespace": namespace}
        cluster.admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
    admin = Api(Access({"KUBECONFIG": cluster.admin_kubeconfig}), SystemClock())
    ears = Ears()
    path = f"/api/v1/namespaces/{namespace}/secrets"
    Reflector(admin, SystemClock(), path, (), ears, patience=Patience(page=3)).list_now()
    assert ears.lists == [[f"s{number}" for number in range(7)]]


# --- how much is asked -------------------------------------------------------------------------


def test_requests_of_an_idle_watch(
    cluster: Cluster, replica: Replica, way: FaultyWay, namespace: str
) -> None:
    """Idle, a Secret costs one request for each watch that ends, and never a list."""
    cluster.admin.create(secret(namespace))
    ears = Ears()
    # An hour in little: here a watch ends after 2 s, in life after 300 to 600.
    watching, _ = reflector(replica, namespace, ears, Patience(longest=(2, 2)))
    watching.start()
    try:
        eventually(lambda: len(way.passed) >= 5)
    finally:
        watching.stop()
    passed = way.passed[:5]
    assert [one.watches for one in passed] == [False, True, True, True, True]
    assert passed[4].at - passed[1].at > 5.5
    assert len(ears.lists) == 1
    assert not ears.failed
    assert 3600 / Patience().longest[0] <= 12


def test_requests_of_a_contested_publish(replica: Replica, way: FaultyWay) -> None:
    """However others write, one attempt is at most eight requests, and then it pauses."""
    sink = replica.sink()
    sink.inspect(SOURCE)
    sink.publish(replica.token(age=10))
    before = len(way.passed)
    way.put(Answer(409, "Conflict"), method="PATCH")
    fault = refusal(lambda: sink.publish(replica.token("token-2")))
    assert (fault.reason, fault.lane) == (Reason.CONFLICT, Lane.TRANSIENT)
    assert "changed by others all the time" in fault.summary
    assert len(way.passed) - before <= 8


def test_requests_of_a_refused_sink(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path, namespace: str
) -> None:
    """A Secret that is somebody else's costs one read an attempt, and no write."""
    cluster.admin.create(secret(namespace), manager="them")
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    mark = cluster.mark()
    for _ in range(3):
        refusal(lambda: sink.inspect(SOURCE))
    assert [one.verb for one in cluster.asked(mark, user=account)] == ["get"] * 3


@pytest.mark.parametrize(("number", "watched"), [(64, True), (65, False)])
def test_many_secrets(
    cluster: Cluster,
    account: ServiceAccount,
    tmp_path: Path,
    *,
    number: int,
    watched: bool,
) -> None:
    """64 Secrets are watched, 65 are read in turn; what happens to one is noticed either way."""
    names = ", ".join(f"{{secret: {{name: s{one}}}}}" for one in range(number))
    replica = Replica(cluster, account, tmp_path, f"tokens: [{{name: a, sinks: [{names}]}}]")
    sinks = replica.sinks()
    for sink in sinks:
        sink.publish(replica.token())
    mark = cluster.mark()
    replica.follow()
    try:
        time.sleep(3)
        asked = cluster.asked(mark, user=account)
        watches = [one for one in asked if one.verb == "watch"]
        assert len(watches) == (64 if watched else 0)
        for sink in (sinks[0], sinks[-1]):
            cluster.admin.delete("secrets", sink.target.partition("/")[2], account.namespace)
        for sink in (sinks[0], sinks[-1]):
            eventually(sink.disturbed, 60)
        assert [sink for sink in sinks if sink.disturbed()] == []
        if not watched:
            reads = [one for one in cluster.asked(mark, user=account) if one.verb == "get"]
            assert reads
            assert len(reads) <= 5 * 120
        assert not replica.failures
    finally:
        replica.adapter.stop()
