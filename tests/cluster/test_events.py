"""Kubernetes Events on the Secret of a token."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from secret_refresher.adapters.kubernetes import Cluster as Adapter
from secret_refresher.adapters.kubernetes.kube_events import AGAIN, WAITING
from secret_refresher.config.model import Kubernetes
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.state import Work
from secret_refresher.ports import Subject
from secret_refresher.tokens.token import Life
from support.cluster import Cluster, Object, ServiceAccount
from support.replica import OffClock, Replica, eventually

ONE = "tokens: [{name: partner-api, sinks: [{secret: {name: wanted}}]}]"
FAULT = Fault(Reason.CONFLICT, "something is wrong", "do something", Lane.PERMANENT)
LIFE = Life(0.0, 70.0, 100.0, 1_800_000_000.0)


def failed(sink: int = 0, failures: int = 1) -> events.SinkTrouble:
    """Work on a sink failed for the so-manieth time in a row."""
    return events.SinkTrouble(1, sink, Work.PUBLISH, FAULT, failures, 1.0, 0.0)


def recovered(sink: int = 0, after: int = 2) -> events.Published:
    """A sink holds the token, after so many failures."""
    return events.Published(1, sink, LIFE, unchanged=False, repaired=False, after=after)


@pytest.fixture
def replica(cluster: Cluster, account: ServiceAccount, tmp_path: Path) -> Iterator[Replica]:
    """One with the rights for one Secret and for Events."""
    replica = Replica(cluster, account, tmp_path, ONE)
    yield replica
    replica.adapter.stop()


def about(*targets: str) -> Subject:
    """A token with these Secrets."""
    return Subject("partner-api", tuple(("secret", target) for target in targets))


def seen(cluster: Cluster, namespace: str) -> list[Object]:
    """The Events of a namespace, in the order in which they were made."""
    found = cluster.admin.list("events", namespace)
    return sorted(found, key=lambda one: int(one["metadata"]["resourceVersion"]))


def test_what_is_said(cluster: Cluster, namespace: str, replica: Replica) -> None:
    """The first failure, recovery, expiry; nothing of what is between, and with a remedy."""
    sink = replica.sink()
    sink.publish(replica.token("very-secret"))
    notice, subject = replica.adapter.events.notice, about(f"{namespace}/wanted")
    for fact in (
        failed(),
        failed(failures=2),
        recovered(),
        recovered(after=0),
        events.Lapsed(0),
        events.FetchFailed(1, FAULT, 1, 1.0, 0.0),
        events.FetchFailed(2, FAULT, 2, 1.0, 0.0),
        events.Drifted(0),
    ):
        notice(subject, fact)
    eventually(lambda: len(seen(cluster, namespace)) == 4)
    said = seen(cluster, namespace)
    assert [(one["type"], one["reason"]) for one in said] == [
        ("Warning", "PublishFailed"),
        ("Normal", "Recovered"),
        ("Warning", "Expired"),
        ("Warning", "FetchFailed"),
    ]
    assert said[0]["message"] == (
        "Cannot publish token partner-api: something is wrong; do something"
    )
    assert "2027-01-15T" in said[1]["message"]
    uid = cluster.admin.get("secrets", "wanted", namespace)["metadata"]["uid"]
    for one in said:
        assert one["involvedObject"]["uid"] == uid
        assert one["source"]["component"] == "secret-refresher"
        assert "very-secret" not in str(one)
    shown = cluster.kubectl("events", "--for", "secret/wanted", "-n", namespace)
    assert "PublishFailed" in shown
    by_uid = cluster.kubectl(
        "get", "events", "-n", namespace, "--field-selector", f"involvedObject.uid={uid}"
    )
    assert "Recovered" in by_uid


def test_a_secret_that_is_not_there(cluster: Cluster, namespace: str, replica: Replica) -> None:
    """What cannot be created still has an Event under its name; so has the pod's own namespace."""
    replica.adapter.events.notice(about("wanted"), failed())
    eventually(lambda: seen(cluster, namespace))
    [one] = seen(cluster, namespace)
    assert one["involvedObject"]["name"] == "wanted"
    assert "uid" not in one["involvedObject"]


def test_other_sinks_are_left_out(cluster: Cluster, namespace: str, replica: Replica) -> None:
    """A sink's trouble is told of that Secret alone, and files have no Events."""
    subject = Subject(
        "partner-api",
        (("file", "/tokens/a"), ("secret", f"{namespace}/wanted"), ("secret", f"{namespace}/x")),
    )
    replica.adapter.events.notice(subject, failed(0))
    replica.adapter.events.notice(subject, failed(1))
    replica.adapter.events.notice(None, failed(1))
    eventually(lambda: seen(cluster, namespace))
    assert [one["involvedObject"]["name"] for one in seen(cluster, namespace)] == ["wanted"]


def test_the_same_is_not_said_again(cluster: Cluster, namespace: str, replica: Replica) -> None:
    """A sink that flaps says each thing once in ten minutes."""
    subject = about(f"{namespace}/wanted")
    for _ in range(50):
        replica.adapter.events.notice(subject, failed())
        replica.adapter.events.notice(subject, recovered())
    eventually(lambda: len(seen(cluster, namespace)) == 2)
    replica.clock.ahead += AGAIN + 1
    replica.adapter.events.notice(subject, failed())
    eventually(lambda: len(seen(cluster, namespace)) == 3)
    reasons = [one["reason"] for one in seen(cluster, namespace)]
    assert reasons == ["PublishFailed", "Recovered", "PublishFailed"]


def test_a_flood_is_bounded(cluster: Cluster, namespace: str, replica: Replica) -> None:
    """However many Secrets fail at once: two Events a second, and so many wait at most."""
    mark = cluster.mark()
    for number in range(WAITING * 3):
        replica.adapter.events.notice(about(f"{namespace}/s{number}"), failed())
    threading.Event().wait(4)
    replica.adapter.stop()
    made = cluster.asked(mark, verb="create", resource="events", namespace=namespace)
    assert 2 <= len(made) <= 9


def test_refused_events_are_harmless(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """Without the right nothing comes, nothing breaks, and later Events are tried."""
    replica = Replica(cluster, account, tmp_path, ONE, granted=False)
    mark = cluster.mark()
    for number in range(2):
        replica.adapter.events.notice(about(f"{namespace}/s{number}"), failed())
    asked = {"verb": "create", "resource": "events", "namespace": namespace}
    eventually(lambda: len(cluster.asked(mark, **asked)) == 2)
    assert {one.status for one in cluster.asked(mark, **asked)} == {403}
    replica.adapter.stop()
    eventually(lambda: "events" not in {thread.name for thread in threading.enumerate()})


def test_without_a_cluster_events_are_harmless(tmp_path: Path) -> None:
    """Where there is no API server the sender goes on quietly, and ends when it is told to."""
    adapter = Adapter(Kubernetes(), OffClock(), {"KUBECONFIG": str(tmp_path / "none")})
    adapter.events.notice(about("wanted"), failed())
    threading.Event().wait(1.5)
    assert "events" in {thread.name for thread in threading.enumerate()}
    adapter.stop()
    eventually(lambda: "events" not in {thread.name for thread in threading.enumerate()})
