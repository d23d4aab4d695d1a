"""A selector's namespaces, as they come, change and go."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secret_refresher.errors import Lane, Reason, Trouble
from secret_refresher.ports import Finding, Held, Wrote
from support.cluster import Cluster, ServiceAccount
from support.cluster_faults import Answer, FaultyWay
from support.replica import SOURCE, Replica, eventually

TEXT = (
    "tokens: [{name: a, sinks: [{secret: {name: wanted, namespaceSelector: {matchLabels: {for:"
    " LABEL}}}}]}]"
)


@pytest.fixture
def label(account: ServiceAccount) -> str:
    """The value of a label that only this test's namespaces have."""
    return account.namespace


@pytest.fixture
def make(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path, label: str
) -> Iterator[Callable[..., Replica]]:
    """Makes replicas, and stops them at the end."""
    made: list[Replica] = []

    def one(server: str | None = None, text: str = TEXT) -> Replica:
        text = text.replace("LABEL", label)
        made.append(Replica(cluster, account, tmp_path, text, server=server))
        return made[-1]

    yield one
    for replica in made:
        replica.adapter.stop()


def targets(replica: Replica) -> set[str]:
    """The namespaces that it would write to."""
    return {sink.target.partition("/")[0] for sink in replica.sinks()}


def test_they_come_and_go(cluster: Cluster, make: Callable[..., Replica], label: str) -> None:
    """Those that match are told within seconds; so are a lost label and a deletion."""
    first = cluster.namespace({"for": label})
    cluster.namespace({"for": "others"})
    replica = make()
    assert targets(replica) == set()
    replica.follow()
    eventually(lambda: targets(replica) == {first})
    assert replica.changes == 1
    second = cluster.namespace({"for": label})
    third = cluster.namespace()
    eventually(lambda: targets(replica) == {first, second}, 10)
    cluster.admin.patch("namespaces", third, {"metadata": {"labels": {"for": label}}})
    eventually(lambda: targets(replica) == {first, second, third}, 10)
    cluster.admin.patch("namespaces", first, {"metadata": {"labels": {"for": "others"}}})
    eventually(lambda: targets(replica) == {second, third}, 10)
    # Without a controller it stays Terminating: that is enough.
    cluster.admin.delete("namespaces", second)
    eventually(lambda: targets(replica) == {third}, 10)
    # Changes that do not matter are not told.
    told = replica.changes
    cluster.admin.patch("namespaces", third, {"metadata": {"annotations": {"a": "b"}}})
    cluster.admin.patch("namespaces", first, {"metadata": {"annotations": {"a": "b"}}})
    fourth = cluster.namespace({"for": label})
    eventually(lambda: fourth in targets(replica), 10)
    assert replica.changes == told + 1
    assert not replica.failures


def test_each_is_written(cluster: Cluster, make: Callable[..., Replica], label: str) -> None:
    """With the rights for one name everywhere each namespace gets its Secret, and loses it."""
    names = [cluster.namespace({"for": label}) for _ in range(3)]
    replica = make()
    replica.adapter.list_namespaces()
    assert targets(replica) == set()
    replica.adapter.list_namespaces()
    assert targets(replica) == set(names)
    sinks, token = replica.sinks(), replica.token()
    replica.follow()
    for sink in sinks:
        assert sink.inspect(SOURCE) == Finding(Held.NOTHING)
        assert sink.publish(token) is Wrote.WRITTEN
    # One watch over all namespaces notices each.
    cluster.admin.delete("secrets", "wanted", names[1])
    lost = next(sink for sink in sinks if sink.target.startswith(names[1]))
    eventually(lost.disturbed)
    assert lost.inspect(SOURCE) == Finding(Held.NOTHING)
    assert lost.publish(token) is Wrote.WRITTEN
    for sink in sinks:
        assert sink.remove()
    for name in names:
        assert not cluster.admin.list("secrets", name)


def test_one_list_for_run_once(cluster: Cluster, make: Callable[..., Replica], label: str) -> None:
    """`list_namespaces` has them all when it returns, or raises what is wrong."""
    wanted = cluster.namespace({"for": label})
    with FaultyWay(cluster) as way:
        replica = make(way.url)
        assert targets(replica) == set()
        way.put(Answer(503), times=1)
        with pytest.raises(Trouble) as refused:
            replica.adapter.list_namespaces()
        assert refused.value.fault.reason is Reason.SERVER_ERROR
        replica.adapter.list_namespaces()
        assert targets(replica) == {wanted}


@pytest.mark.parametrize(
    "answer", [Answer(200, body=b"{}"), Answer(503), Answer(403, "Forbidden"), Answer(410)]
)
def test_an_outage_takes_nobody_off(
    cluster: Cluster, make: Callable[..., Replica], label: str, answer: Answer
) -> None:
    """While namespaces cannot be listed those that matched go on to; the trouble is told."""
    wanted = cluster.namespace({"for": label})
    with FaultyWay(cluster) as way:
        replica = make(way.url)
        targets(replica)
        replica.follow()
        eventually(lambda: targets(replica) == {wanted})
        eventually(lambda: any(one.watches for one in way.passed))
        way.put(answer)
        # That breaks the watch that there is.
        cluster.kill_api()
        eventually(lambda: len(replica.failures) >= 3, 60)
        cluster.restart_api()
        assert targets(replica) == {wanted}
        assert replica.changes == 1
        way.clear()
        replica.adapter.stop()


def test_without_the_right_it_is_told(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path
) -> None:
    """The right to list namespaces is missing: what, and where to get it."""
    replica = Replica(cluster, account, tmp_path, TEXT, granted=False)
    targets(replica)
    replica.follow()
    try:
        eventually(lambda: replica.failures)
    finally:
        replica.adapter.stop()
    failed = replica.failures[0]
    assert failed.path == "/api/v1/namespaces"
    assert (failed.fault.reason, failed.fault.lane) == (Reason.PERMISSION, Lane.PERMANENT)
    assert "secret-refresher rbac" in failed.fault.advice


def test_expressions(cluster: Cluster, make: Callable[..., Replica], label: str) -> None:
    """Every operator selects as Kubernetes says, on the API server itself."""
    blue, red, plain = (
        cluster.namespace({"for": label, **more})
        for more in ({"team": "blue"}, {"team": "red"}, {})
    )
    for expression, wanted in (
        ("{key: team, operator: In, values: [blue, green]}", {blue}),
        ("{key: team, operator: NotIn, values: [blue]}", {red, plain}),
        ("{key: team, operator: Exists}", {blue, red}),
        ("{key: team, operator: DoesNotExist}", {plain}),
    ):
        replica = make(
            text=TEXT.replace(
                "{matchLabels: {for: LABEL}}",
                f"{{matchLabels: {{for: LABEL}}, matchExpressions: [{expression}]}}",
            )
        )
        targets(replica)
        replica.adapter.list_namespaces()
        assert targets(replica) == wanted, expression


def test_a_selector_that_is_not_wanted_rests(
    cluster: Cluster, make: Callable[..., Replica], label: str
) -> None:
    """After a reload without it nothing is watched for it; what it matched is not forgotten."""
    wanted = cluster.namespace({"for": label})
    with FaultyWay(cluster) as way:
        replica = make(way.url)
        targets(replica)
        replica.follow()
        eventually(lambda: targets(replica) == {wanted})
        eventually(lambda: any(one.watches for one in way.passed))
        other = make(text="tokens: [{name: a, sinks: [{secret: {name: wanted}}]}]").config
        replica.adapter.prepare(other)
        asked = len(way.passed)
        another = cluster.namespace({"for": label})
        # Asked for again it matches what it matched, and soon all there is.
        assert targets(replica) == {wanted}
        eventually(lambda: targets(replica) == {wanted, another})
        assert len(way.passed) > asked
        replica.adapter.stop()
