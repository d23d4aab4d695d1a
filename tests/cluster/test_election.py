"""Replicas at a real API server: who serves which token, and what a failover costs."""

import json
import signal
import time
from collections.abc import Iterator

import pytest

from support.cluster_daemon import found, held, to_secrets
from support.cluster_faults import Cut, FaultyWay, Late
from support.crew import QUICK, Crew, leader
from support.daemon import Daemon, until
from tools.show.stage import Stage

NAMES = [f"token-{number}" for number in range(6)]
PATIENCE = 40.0


@pytest.fixture
def crew(stand: Stage) -> Iterator[Crew]:
    """Nobody yet; six tokens of an hour, each for a Secret of its name."""
    namespace = stand.account.namespace
    tokens = [
        to_secrets(
            stand.server.token_url, stand.folder, {"name": name, "namespace": namespace}, name=name
        )
        for name in NAMES
    ]
    crew = Crew(stand, tokens, QUICK)
    with crew.at_work():
        yield crew


def published(crew: Crew) -> bool:
    """Whether every Secret has a token."""
    return all(held(crew.stand.cluster, crew.stand.account.namespace, name) for name in NAMES)


def versions(crew: Crew) -> list[str]:
    """The resourceVersion of every Secret."""
    secrets = [found(crew.stand.cluster, crew.stand.account.namespace, name) for name in NAMES]
    return [str(secret["metadata"]["resourceVersion"]) for secret in secrets if secret]


def adopted(daemon: Daemon, times: int = len(NAMES)) -> None:
    """Waits until a daemon goes on with tokens that it found."""
    daemon.wait("live token adopted", times, PATIENCE)


def pair(crew: Crew) -> tuple[Daemon, Daemon]:
    """A leader that has published everything, and a standby that is ready."""
    crew.lease()
    first, second = crew.hire(), crew.hire()
    first.start()
    first.wait("shard taken", patience=PATIENCE)
    second.start()
    until(lambda: published(crew), "the tokens", PATIENCE)
    until(lambda: second.get("/readyz")[0] == 200, "the standby", PATIENCE)
    return first, second


def test_a_standby_takes_over_from_the_dead(crew: Crew) -> None:
    """After kill -9 another replica goes on within 15 s, with no token request and no write."""
    first, second = pair(crew)
    before = versions(crew)
    assert second.metric("leader", shard="0") == 0
    assert second.metric("token_healthy", token=NAMES[0]) is None
    first.kill()
    at = time.monotonic()
    second.wait("shard taken", patience=15)
    assert time.monotonic() - at < 15
    adopted(second)
    assert versions(crew) == before
    assert len(crew.stand.server.requests) == len(NAMES)
    assert second.metric("leader", shard="0") == 1
    assert second.metric("handovers_total", shard="0", change="taken") == 1
    assert second.metric("token_healthy", token=NAMES[0]) == 1


def test_one_that_stops_gives_up_at_once(crew: Crew) -> None:
    """SIGTERM costs no token request, and another leads before the Lease could have run out."""
    first, second = pair(crew)
    assert first.stop() == 0
    assert first.logs("shard released", shard=0)
    second.wait("shard taken", patience=PATIENCE)
    adopted(second)
    assert len(crew.stand.server.requests) == len(NAMES)
    lease = crew.stand.cluster.admin.get(
        "coordination.k8s.io/v1/leases", "secret-refresher", crew.stand.account.namespace
    )
    members = [key for key in lease["metadata"]["annotations"] if key.startswith("members.")]
    assert len(members) == 1
    told = until(
        lambda: [
            event["reason"]
            for event in crew.stand.cluster.admin.list("events", crew.stand.account.namespace)
            if event["involvedObject"]["kind"] == "Lease"
        ],
        "the Events",
    )
    assert "ShardTaken" in told


def test_a_leader_that_is_cut_off_stops(crew: Crew) -> None:
    """Partitioned from the API server it gives up before another begins; both go on after that."""
    crew.lease()
    crew.stand.server.lifetime = 12
    with FaultyWay(crew.stand.cluster) as way:
        mark = crew.stand.cluster.mark()
        first, second = crew.hire(server=way.url), crew.hire()
        first.start()
        first.wait("shard taken", patience=PATIENCE)
        second.start()
        until(lambda: published(crew), "the tokens", PATIENCE)
        way.put(Cut())
        lost = first.wait("shard lost", patience=PATIENCE)
        assert lost["because"] == "it could not be renewed in time"
        taken = second.wait("shard taken", patience=PATIENCE)
        assert lost["timestamp"] < taken["timestamp"]
        assert first.metric("token_healthy", token=NAMES[0]) is None
        asked = len(first.logs("token fetched"))
        until(lambda: len(second.logs("token fetched")) >= len(NAMES), "its refreshes", PATIENCE)
        assert len(first.logs("token fetched")) == asked
        way.clear()
        first.wait("taking part in the election again", patience=PATIENCE)
        assert leader([first, second]) is second
        assert crew.strangers(mark) == []
        assert crew.overlaps() == []


def test_a_leader_that_sleeps(crew: Crew) -> None:
    """Stopped for longer than its Lease and continued, it writes nothing that is not its own."""
    first, second = pair(crew)
    before = versions(crew)
    first.send(signal.SIGSTOP)
    second.wait("shard taken", patience=15)
    adopted(second)
    for name in NAMES:
        crew.stand.cluster.admin.delete("secrets", name, crew.stand.account.namespace)
    second.wait("sink put right", len(NAMES), PATIENCE)
    mark = crew.stand.cluster.mark()
    first.send(signal.SIGCONT)
    first.wait("shard lost", patience=PATIENCE)
    user = crew.accounts[0]
    assert not crew.stand.cluster.asked(mark, user=user, resource="secrets", verb="patch")
    assert versions(crew) != before


def test_a_write_that_arrives_late(crew: Crew) -> None:
    """A leader's write that is held up until another has written undoes nothing."""
    crew.lease()
    crew.stand.server.lifetime = 10
    with FaultyWay(crew.stand.cluster) as way:
        first, second = crew.hire(server=way.url), crew.hire()
        first.start()
        first.wait("token published", len(NAMES), PATIENCE)
        second.start()
        way.put(Late(15.0), method="PATCH", part="/secrets/")
        until(lambda: any(isinstance(one.fault, Late) for one in way.passed), "a write", PATIENCE)
        first.kill()
        held_up = [one.target for one in way.passed if isinstance(one.fault, Late)]
        second.wait("token published", len(NAMES), PATIENCE)
        mark = crew.stand.cluster.mark()
        crew.stand.server.lifetime = 3600
        until(
            lambda: crew.stand.cluster.asked(mark, user=crew.accounts[0], verb="patch"),
            "the late write",
            PATIENCE,
        )
        late = crew.stand.cluster.asked(mark, user=crew.accounts[0], verb="patch")
        assert {one.target for one in late} <= set(held_up)
        assert {one.status for one in late} == {409}


def test_shards_are_shared(crew: Crew) -> None:
    """Two replicas serve each token once between them; a third gets its share without a request."""
    crew.lease(3)
    mark = crew.stand.cluster.mark()
    daemons = [crew.hire(3).start() for _ in range(2)]
    until(lambda: published(crew), "the tokens", PATIENCE)
    daemons.append(crew.hire(3).start())
    until(lambda: sorted(map(led, daemons)) == [1, 1, 1], "balance", PATIENCE)
    until(lambda: sorted(name for daemon in daemons for name in names(daemon)) == NAMES, "all")
    assert len(crew.stand.server.requests) == len(NAMES)
    assert crew.strangers(mark) == []


def led(daemon: Daemon) -> int:
    """How many shards a daemon leads."""
    return int(sum(value for (name, _), value in daemon.metrics().items() if "_leader" in name))


def names(daemon: Daemon) -> list[str]:
    """The tokens that a daemon looks after, by its series."""
    return [
        dict(labels)["token"]
        for (name, labels) in daemon.metrics()
        if name == "secret_refresher_token_healthy"
    ]


def test_a_rolling_change_of_shards(crew: Crew) -> None:
    """From one shard to three, replica by replica: no token request, and no two owners."""
    crew.lease()
    mark = crew.stand.cluster.mark()
    old = [crew.hire(1).start() for _ in range(2)]
    until(lambda: published(crew), "the tokens", PATIENCE)
    new = []
    for one in old:
        late = crew.hire(3).start()
        new.append(late)
        until(lambda daemon=late: daemon.get("/readyz")[0] == 200, "readiness", PATIENCE)  # type: ignore[misc]
        assert not late.logs("shard taken")
        assert one.stop() == 0
    for name in NAMES:
        until(lambda token=name: any(token in names(daemon) for daemon in new), name, PATIENCE)  # type: ignore[misc]
    assert len(crew.stand.server.requests) == len(NAMES)
    assert crew.strangers(mark) == []


def test_a_lease_of_somebody_else(crew: Crew) -> None:
    """A Lease that is not ours is left alone, and log, metric and readiness say so."""
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "secret-refresher", "namespace": crew.stand.account.namespace},
        "spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 1},
    }
    before = crew.stand.cluster.admin.create(lease)
    daemon = crew.hire().start()
    told = daemon.wait("cannot take part in the election", patience=PATIENCE)
    assert "election.name" in told["advice"]
    assert daemon.get("/readyz")[0] == 503
    assert daemon.get("/livez")[0] == 200
    assert daemon.metric("election_failures_total", reason="conflict") == 1
    after = crew.stand.cluster.admin.get(
        "coordination.k8s.io/v1/leases", "secret-refresher", crew.stand.account.namespace
    )
    assert json.dumps(after) == json.dumps(before)
    assert not crew.stand.server.requests


def test_without_the_right_to_leases(crew: Crew) -> None:
    """It leads nothing, says which right is missing, and goes on once it is granted."""
    crew.lease()
    daemon = crew.hire()
    namespace = crew.stand.account.namespace
    [role] = [
        one
        for one in crew.stand.cluster.admin.list("rbac.authorization.k8s.io/v1/roles", namespace)
        if one["metadata"]["name"].endswith("replica-0")
    ]
    less = [rule for rule in role["rules"] if rule["resources"] != ["leases"]]
    where = "rbac.authorization.k8s.io/v1/roles", role["metadata"]["name"]
    crew.stand.cluster.admin.patch(*where, {"rules": less}, namespace)
    until(
        lambda: (
            not crew.stand.cluster.can(
                crew.accounts[0],
                "get",
                "leases",
                group="coordination.k8s.io",
                namespace=namespace,
                name="secret-refresher",
            )
        ),
        "the right to go",
    )
    daemon.start()
    told = daemon.wait("cannot take part in the election", patience=PATIENCE)
    assert told["reason"] == "permission"
    assert "rbac" in told["advice"]
    assert daemon.get("/readyz")[0] == 503
    crew.stand.cluster.admin.patch(*where, {"rules": role["rules"]}, namespace)
    daemon.wait("shard taken", patience=PATIENCE)
    until(lambda: daemon.get("/readyz")[0] == 200, "readiness", PATIENCE)


def test_only_leases_by_name(crew: Crew) -> None:
    """Of Leases nothing is asked but get and patch, by name, and no update at all."""
    mark = crew.stand.cluster.mark()
    daemon = crew.hire(2).start()
    daemon.wait("shard taken", 2, PATIENCE)
    daemon.stop()
    asked = crew.stand.cluster.asked(mark, user=crew.accounts[0], resource="leases")
    assert {one.verb for one in asked} == {"get", "patch"}
    assert {one.name for one in asked} == {"secret-refresher", "secret-refresher-1"}
    assert {one.status for one in asked} <= {200, 201, 404, 422}


def test_once_is_refused(crew: Crew) -> None:
    """A run beside the election would ask for tokens that replicas look after."""
    daemon = crew.hire()
    daemon._arguments += ("--once",)  # noqa: SLF001 - the same daemon, once
    daemon.start()
    assert daemon.ended() == 2
    assert "takes no part in an election" in daemon.text()
