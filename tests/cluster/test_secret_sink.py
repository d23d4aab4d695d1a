"""The Secret sink on a real API server: what it writes, finds, leaves alone and removes."""

import base64
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import final

import pytest

from secret_refresher.adapters.kubernetes.access import Access
from secret_refresher.adapters.kubernetes.api import Api
from secret_refresher.adapters.kubernetes.drift import Drift
from secret_refresher.adapters.kubernetes.secret_form import Installation
from secret_refresher.adapters.kubernetes.secret_sink import SecretSink
from secret_refresher.errors import Lane, Reason, Trouble
from secret_refresher.ports import Finding, Held, Wrote
from secret_refresher.tokens.rendering import Render
from support.cluster import Cluster, Object, ServiceAccount
from support.cluster_faults import Cut, Delay, FaultyWay
from support.replica import SOURCE, OffClock, Replica, eventually, refusal, spec_of
from support.sink_contract import RAW, Place, SinkContract

PREFIX = "secret-refresher.io/"
HOURS = 3600.0
ONE = "tokens: [{name: partner-api, sinks: [{secret: {name: wanted}}]}]"


@final
class SecretPlace(Place):
    """A Secret on the real API server; what is done to it is noticed when a method returns."""

    def __init__(self, cluster: Cluster, account: ServiceAccount, folder: object) -> None:
        self._cluster = cluster
        self._namespace = account.namespace
        text = (
            "tokens: [{name: a, refresh: {onExpired: delete}, sinks: [{secret: {name: wanted}}]}]"
        )
        replica = Replica(cluster, account, folder, text)
        self._spec = spec_of(text)
        self.stopped = threading.Event()
        self._api = Api(Access({"KUBECONFIG": replica.kubeconfig}), self.clock)
        self._drift = Drift(self._api, self.clock, self.stopped)
        self._drift.use(by_name=True, by_namespace=False)
        self._drift.start(lambda _: None)

    def sink(self, render: Render = RAW) -> SecretSink:
        """As the daemon makes it."""
        return SecretSink(
            "a",
            replace(self._spec, data={"token": render}),
            namespace=None,
            us=Installation("secret-refresher", "default/secret-refresher"),
            api=self._api,
            drift=self._drift,
            clock=self.clock,
        )

    def content(self) -> bytes | None:
        """The key's value."""
        for found in self._cluster.admin.list("secrets", self._namespace):
            if "token" in found.get("data", {}):
                return base64.b64decode(found["data"]["token"])
        return None

    def version(self) -> object:
        """The resourceVersion."""
        return read(self._cluster, self._namespace)["metadata"]["resourceVersion"]

    def edit(self, content: bytes) -> None:
        """As kubectl does."""
        self._patch({"data": {"token": base64.b64encode(content).decode()}})

    def erase(self) -> None:
        """Deletes the Secret."""
        self._cluster.admin.delete("secrets", "wanted", self._namespace)
        self._noticed("")

    def spoil_record(self) -> None:
        """One annotation is enough."""
        self._patch({"metadata": {"annotations": {PREFIX + "expires-at": "later"}}})

    def close(self) -> None:
        """Ends the threads."""
        self.stopped.set()
        self._drift.stop()

    def _patch(self, body: Object) -> None:
        done = self._cluster.admin.patch("secrets", "wanted", body, self._namespace)
        self._noticed(done["metadata"]["resourceVersion"])

    def _noticed(self, version: str) -> None:
        eventually(lambda: self._drift.latest((self._namespace, "wanted")) == version)


class TestSecrets(SinkContract):
    """Secrets keep what every sink keeps."""

    @pytest.fixture
    def place(
        self, cluster: Cluster, account: ServiceAccount, tmp_path: Path
    ) -> Iterator[SecretPlace]:
        """In a namespace of its own."""
        place = SecretPlace(cluster, account, tmp_path)
        yield place
        place.close()


def read(cluster: Cluster, namespace: str, name: str = "wanted") -> Object:
    """The Secret as it is."""
    return cluster.admin.get("secrets", name, namespace)


def content(cluster: Cluster, namespace: str, key: str = "token") -> str:
    """What a consumer reads."""
    return base64.b64decode(read(cluster, namespace)["data"][key]).decode()


def ours(secret: Object) -> dict[str, str]:
    """Our annotations, without the prefix."""
    annotations = secret["metadata"].get("annotations", {})
    return {k.removeprefix(PREFIX): v for k, v in annotations.items() if k.startswith(PREFIX)}


def secret(namespace: str, **parts: Object) -> Object:
    """A Secret of somebody else."""
    more = parts.pop("metadata", {})
    metadata = {"name": "wanted", "namespace": namespace, **more}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **parts}


def managers(secret: Object, field: str = "f:token") -> set[str]:
    """Who manages a key of `data`."""
    entries = secret["metadata"]["managedFields"]
    return {one["manager"] for one in entries if field in one["fieldsV1"].get("f:data", {})}


def test_what_is_written(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """The token, our annotations and labels, those asked for, and nothing else."""
    replica = Replica(
        cluster,
        account,
        tmp_path,
        """
        tokens:
          - name: partner-api
            sinks:
              - secret:
                  name: wanted
                  labels: {team: blue}
                  annotations: {example.com/about: partner}
        """,
    )
    sink = replica.sink()
    assert sink.inspect(SOURCE) == Finding(Held.NOTHING)
    assert sink.publish(replica.token()) is Wrote.WRITTEN
    found = read(cluster, namespace)
    assert found["type"] == "Opaque"
    assert found["data"] == {"token": base64.b64encode(b"token-1").decode()}
    assert found["metadata"]["labels"] == {
        PREFIX + "managed": "true",
        "app.kubernetes.io/managed-by": "secret-refresher",
        "team": "blue",
    }
    assert found["metadata"]["annotations"]["example.com/about"] == "partner"
    assert len(found["metadata"]["annotations"]) == 8
    said = ours(found)
    assert said["owner"] == "default/secret-refresher"
    assert said["token-name"] == "partner-api"
    assert said["rendering"].startswith("sha256:")
    assert SOURCE in said["fingerprint"]
    assert said["issued-at"] < said["refresh-at"] < said["expires-at"]
    assert managers(found) == {"secret-refresher"}
    assert "token-1" not in str(said)


def test_requests_of_a_publish(cluster: Cluster, account: ServiceAccount, tmp_path: Path) -> None:
    """One look and one apply for a first token, one apply for each later one, signed as ours."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    mark = cluster.mark()
    sink.inspect(SOURCE)
    sink.publish(replica.token())
    sink.publish(replica.token("token-2"))
    asked = cluster.asked(mark, user=account)
    assert [one.verb for one in asked] == ["get", "patch", "patch"]
    assert all("fieldManager=secret-refresher" in one.target for one in asked[1:])
    assert all(one.agent.startswith("secret-refresher/") for one in asked)


def test_created_meanwhile(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """What somebody created since the look is never overwritten unseen: an apply only creates."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    sink.inspect(SOURCE)
    theirs = {"apiVersion": "v1", "kind": "Secret", "data": {"token": "dGhlaXJz"}}
    theirs["metadata"] = {"name": "wanted", "namespace": namespace}
    # The name of our own field manager, so that no conflict of fields protects it.
    created = cluster.admin.apply(theirs, manager="secret-refresher")
    annotations = {"metadata": {"annotations": {"secret-refresher.io/owner": "other/installation"}}}
    cluster.admin.patch("secrets", "wanted", annotations, namespace)
    with pytest.raises(Trouble) as caught:
        sink.publish(replica.token())
    assert caught.value.fault.reason is Reason.CONFLICT
    assert cluster.admin.get("secrets", "wanted", namespace)["data"] == created["data"]


def test_unchanged(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """What is there already is not written again, and not even asked for."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink, token = replica.sink(), replica.token()
    sink.inspect(SOURCE)
    sink.publish(token)
    version = read(cluster, namespace)["metadata"]["resourceVersion"]
    mark = cluster.mark()
    assert sink.publish(token) is Wrote.UNCHANGED
    assert not cluster.asked(mark, user=account)
    assert read(cluster, namespace)["metadata"]["resourceVersion"] == version


def test_delayed_write(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A write that was on its way while another replica was faster does not undo its newer one."""
    slow, fast = (Replica(cluster, account, tmp_path, ONE) for _ in range(2))
    old = slow.token("old", age=30)
    slow_sink, fast_sink = slow.sink(), fast.sink()
    slow_sink.inspect(SOURCE)
    slow_sink.publish(slow.token("older", age=60))
    fast_sink.inspect(SOURCE)
    fast_sink.publish(fast.token("new"))
    assert slow_sink.publish(old) is Wrote.SUPERSEDED
    assert content(cluster, namespace) == "new"
    found = slow_sink.inspect(SOURCE)
    assert found.held is Held.OURS
    assert found.life is not None
    assert found.life.remaining(slow.clock.now()) == pytest.approx(600, abs=5)


def test_newer_one_of_ours_may_be_dead(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """Only a live newer token is left alone."""
    one, other = (Replica(cluster, account, tmp_path, ONE) for _ in range(2))
    sink, others = one.sink(), other.sink()
    sink.inspect(SOURCE)
    others.inspect(SOURCE)
    others.publish(other.token("brief", life=2.0, age=1.0))
    time.sleep(1.5)
    assert sink.publish(one.token("living", age=30)) is Wrote.WRITTEN
    assert content(cluster, namespace) == "living"


def test_recreated_under_our_feet(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A Secret that was deleted and made anew by others is looked at again, and not taken."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    sink.inspect(SOURCE)
    sink.publish(replica.token())
    cluster.admin.delete("secrets", "wanted", namespace)
    cluster.admin.create(secret(namespace, data={"token": "dGhlaXJz"}), manager="them")
    fault = refusal(lambda: sink.publish(replica.token("token-2")))
    assert fault.reason is Reason.CONFLICT
    assert "under key token, managed by them" in fault.summary
    assert content(cluster, namespace) == "theirs"


def test_deleted_under_our_feet(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A Secret that was deleted is created again by the next publish, as ours."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    sink.inspect(SOURCE)
    sink.publish(replica.token())
    cluster.admin.delete("secrets", "wanted", namespace)
    assert sink.publish(replica.token("token-2")) is Wrote.WRITTEN
    assert content(cluster, namespace) == "token-2"
    assert "app.kubernetes.io/managed-by" in read(cluster, namespace)["metadata"]["labels"]


def test_answer_lost(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A write whose answer was lost is found done, and not done again."""
    with FaultyWay(cluster) as way:
        replica = Replica(cluster, account, tmp_path, ONE, server=way.url)
        sink = replica.sink()
        sink.inspect(SOURCE)
        sink.publish(replica.token(age=10))
        token = replica.token("token-2")
        way.put(Cut(after=0), method="PATCH", times=1)
        assert refusal(lambda: sink.publish(token)).reason is Reason.NETWORK
        version = read(cluster, namespace)["metadata"]["resourceVersion"]
        assert sink.publish(token) is Wrote.UNCHANGED
        assert read(cluster, namespace)["metadata"]["resourceVersion"] == version
        assert content(cluster, namespace) == "token-2"


def test_others_keep_what_is_theirs(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """Keys, labels and annotations of others survive, and managed-by stays off their Secret."""
    theirs = {
        "labels": {"team": "red", "app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"a": "b"},
    }
    cluster.admin.create(secret(namespace, metadata=theirs, data={"ca": "Y2E="}), manager="helm")
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)
    sink.publish(replica.token())
    sink.publish(replica.token("token-2"))
    found = read(cluster, namespace)
    assert found["data"].keys() == {"ca", "token"}
    assert found["metadata"]["labels"] == {**theirs["labels"], PREFIX + "managed": "true"}
    assert found["metadata"]["annotations"]["a"] == "b"
    assert managers(found, "f:ca") == {"helm"}
    assert sink.remove()
    left = read(cluster, namespace)
    assert left["data"] == {"ca": "Y2E="}
    assert left["metadata"]["labels"] == theirs["labels"]
    assert left["metadata"]["annotations"] == theirs["annotations"]


@pytest.mark.parametrize("off", [0.0, 7 * HOURS, -7 * HOURS])
def test_adoption(cluster: Cluster, account: ServiceAccount, tmp_path: Path, off: float) -> None:
    """A later process finds the live token, with what is left of its life, whatever its clock."""
    before = Replica(cluster, account, tmp_path, ONE)
    sink = before.sink()
    sink.inspect(SOURCE)
    token = before.token(age=100)
    sink.publish(token)
    after = Replica(cluster, account, tmp_path, ONE, clock=OffClock(off))
    finding = after.sink().inspect(SOURCE)
    assert finding.held is Held.OURS
    assert finding.life is not None
    assert finding.life.remaining(after.clock.now()) == pytest.approx(500, abs=3)
    assert finding.life.refresh - finding.life.issued == pytest.approx(420, abs=0.01)
    # Its own idea of the wall clock is what it is shown by.
    assert finding.life.expires_at == pytest.approx(after.clock.wall() + 500, abs=3)


@pytest.mark.parametrize(
    "patch",
    [
        {"data": {"token": "ZWRpdGVk"}},
        {"data": {"token": None}},
        {"metadata": {"annotations": {PREFIX + "rendering": "sha256:0"}}},
        {"metadata": {"annotations": {PREFIX + "fingerprint": "another"}}},
        {"metadata": {"annotations": {PREFIX + "issued-at": "2099-01-01T00:00:00.000Z"}}},
        {"metadata": {"annotations": {PREFIX + "expires-at": "2099-01-01T00:00:00.000Z"}}},
        {"metadata": {"annotations": {PREFIX + "refresh-at": "soon"}}},
        {"metadata": {"annotations": {PREFIX + "expires-at": None}}},
    ],
)
def test_not_adopted(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path, patch: Object
) -> None:
    """What was edited, forged or is of another source is no token of ours, and is put right."""
    before = Replica(cluster, account, tmp_path, ONE)
    sink = before.sink()
    sink.inspect(SOURCE)
    sink.publish(before.token())
    cluster.admin.patch("secrets", "wanted", patch, namespace, manager="kubectl-edit")
    after = Replica(cluster, account, tmp_path, ONE)
    again = after.sink()
    assert again.inspect(SOURCE) == Finding(Held.FOREIGN)
    assert again.publish(after.token("token-2")) is Wrote.WRITTEN
    assert content(cluster, namespace) == "token-2"
    assert after.sink().inspect(SOURCE).held is Held.OURS


def test_dead_token_is_known_as_dead(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path
) -> None:
    """A token that died meanwhile is judged by the API server's clock, not by ours."""
    before = Replica(cluster, account, tmp_path, ONE)
    sink = before.sink()
    sink.inspect(SOURCE)
    sink.publish(before.token(life=100, age=200))
    # By this clock it would still live for hours.
    after = Replica(cluster, account, tmp_path, ONE, clock=OffClock(-7 * HOURS))
    life = after.sink().inspect(SOURCE).life
    assert life is not None
    assert not life.alive(after.clock.now())


def test_replicas_with_opposite_clocks(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """Records are written in the API server's time, so that wrong clocks never fight."""
    early, late = (
        Replica(cluster, account, tmp_path, ONE, clock=OffClock(off))
        for off in (-5 * HOURS, 5 * HOURS)
    )
    sinks = early.sink(), late.sink()
    for sink in sinks:
        sink.inspect(SOURCE)
    first = early.token("first", age=10)
    assert sinks[0].publish(first) is Wrote.WRITTEN
    written = ours(read(cluster, namespace))["issued-at"]
    assert written[:10] == time.strftime("%Y-%m-%d", time.gmtime(time.time() - 10))
    assert sinks[1].publish(late.token("second", age=5)) is Wrote.WRITTEN
    for _ in range(3):
        # The early one offers what it has, as after drift: the newer one stays.
        finding = sinks[0].inspect(SOURCE)
        assert finding.life is not None
        assert finding.life.remaining(early.clock.now()) == pytest.approx(595, abs=5)
        assert sinks[0].publish(first) is Wrote.SUPERSEDED
    assert content(cluster, namespace) == "second"
    assert sinks[1].inspect(SOURCE).held is Held.OURS


def test_own_token_is_found_as_it_was(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path
) -> None:
    """Looked at again, our own token has the very life that it was published with."""
    replica = Replica(cluster, account, tmp_path, ONE, clock=OffClock(4321.0))
    sink, token = replica.sink(), replica.token()
    sink.inspect(SOURCE)
    sink.publish(token)
    assert sink.inspect(SOURCE) == Finding(Held.OURS, token.life)


def test_labels_and_owner_are_put_on_again(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """What somebody took off around a live token comes back without another token."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink, token = replica.sink(), replica.token()
    sink.inspect(SOURCE)
    sink.publish(token)
    before = read(cluster, namespace)
    taken_off = {
        "labels": {PREFIX + "managed": None},
        "annotations": {PREFIX + "owner": None, PREFIX + "token-name": "nobody"},
    }
    cluster.admin.patch("secrets", "wanted", {"metadata": taken_off}, namespace)
    assert sink.inspect(SOURCE) == Finding(Held.OURS, token.life)
    after = read(cluster, namespace)
    assert after["data"] == before["data"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"]
    mark = cluster.mark()
    sink.inspect(SOURCE)
    assert [one.verb for one in cluster.asked(mark, user=account)] == ["get"]


def test_settings_change_over_a_restart(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """New labels are put on at the next start, and the live token is adopted all the same."""
    before = Replica(cluster, account, tmp_path, ONE)
    sink = before.sink()
    sink.inspect(SOURCE)
    sink.publish(before.token())
    text = ONE.replace("name: wanted", "name: wanted, labels: {team: blue}")
    after = Replica(cluster, account, tmp_path, text)
    assert after.sink().inspect(SOURCE).held is Held.OURS
    found = read(cluster, namespace)
    assert found["metadata"]["labels"]["team"] == "blue"
    assert content(cluster, namespace) == "token-1"


def test_keys_of_an_earlier_configuration_go(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A key that is no longer wanted leaves with the next token; the last removal takes all."""
    text = ONE.replace("name: wanted", "name: wanted, data: {old: {format: raw}}")
    before = Replica(cluster, account, tmp_path, text)
    sink = before.sink()
    sink.inspect(SOURCE)
    sink.publish(before.token())
    after = Replica(cluster, account, tmp_path, ONE)
    again = after.sink()
    assert again.inspect(SOURCE) == Finding(Held.FOREIGN)
    again.publish(after.token("token-2"))
    assert read(cluster, namespace)["data"].keys() == {"token"}
    absent = "tokens: [{name: partner-api, state: absent, sinks: [{secret: {name: wanted, data:"
    gone = Replica(cluster, account, tmp_path, absent + " {other: {format: raw}}}}]}]")
    assert gone.sink().remove()
    assert not cluster.admin.list("secrets", namespace)


def test_removal(cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path) -> None:
    """A Secret that we created goes as a whole; a second removal finds nothing."""
    replica = Replica(
        cluster,
        account,
        tmp_path,
        "tokens: [{name: partner-api, refresh: {onExpired: delete}, sinks: [{secret: {name:"
        " wanted}}]}]",
    )
    sink = replica.sink()
    assert not sink.remove()
    sink.inspect(SOURCE)
    sink.publish(replica.token())
    assert sink.remove()
    assert not cluster.admin.list("secrets", namespace)
    assert not sink.remove()
    assert sink.publish(replica.token("token-2")) is Wrote.WRITTEN


@pytest.mark.parametrize(
    "addition",
    [
        {"data": {"other": "MQ=="}},
        {"metadata": {"labels": {"team": "red"}}},
        {"metadata": {"annotations": {"note": "mine"}}},
        {"metadata": {"finalizers": ["example.com/wait"]}},
    ],
)
def test_removal_leaves_what_others_added(
    cluster: Cluster,
    account: ServiceAccount,
    namespace: str,
    tmp_path: Path,
    addition: Object,
) -> None:
    """Where others have put something into our Secret, only what is ours is taken out."""
    replica = Replica(cluster, account, tmp_path, ONE.replace("sinks", "state: absent, sinks"))
    writer = Replica(cluster, account, tmp_path, ONE)
    sink = writer.sink()
    sink.inspect(SOURCE)
    sink.publish(writer.token())
    cluster.admin.patch("secrets", "wanted", addition, namespace)
    assert replica.sink().remove()
    left = read(cluster, namespace)
    assert "token" not in left.get("data", {})
    assert not ours(left)
    assert not {key for key in left["metadata"].get("labels", {}) if key != "team"}
    if "finalizers" in addition.get("metadata", {}):
        cluster.admin.patch("secrets", "wanted", {"metadata": {"finalizers": None}}, namespace)


def test_removal_leaves_a_key_that_others_took(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A key of ours that somebody else writes now is theirs, and so is the Secret."""
    replica = Replica(
        cluster, account, tmp_path, ONE.replace("sinks", "refresh: {onExpired: delete}, sinks")
    )
    sink = replica.sink()
    sink.inspect(SOURCE)
    sink.publish(replica.token())
    edited = {"data": {"token": "dGhlaXJz"}}
    cluster.admin.patch("secrets", "wanted", edited, namespace, manager="them")
    assert sink.remove()
    left = read(cluster, namespace)
    assert left["data"] == {"token": "dGhlaXJz"}
    assert not ours(left)
    # What was given up is not taken back by a later publish.
    fault = refusal(lambda: sink.publish(replica.token("token-2")))
    assert fault.reason is Reason.CONFLICT
    assert content(cluster, namespace) == "theirs"


TWO_KEYS = """
tokens:
  - name: partner-api
    refresh: {onExpired: delete}
    sinks: [{secret: {name: wanted, data: {token: {format: raw}, header: {format: bearer}}}}]
"""


@pytest.mark.parametrize("restarted", [False, True])
def test_a_dead_token_leaves_the_secret_ours(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path, *, restarted: bool
) -> None:
    """What somebody wrote over a key of it stays until the next token, which needs nobody."""
    replica = Replica(cluster, account, tmp_path, TWO_KEYS)
    sink = replica.sink()
    sink.inspect(SOURCE)
    sink.publish(replica.token(life=600, age=700))
    edited = {"data": {"token": "dGhlaXJz"}}
    cluster.admin.patch("secrets", "wanted", edited, namespace, manager="them")
    assert sink.remove(for_good=False)
    left = read(cluster, namespace)
    assert left["data"] == {"token": "dGhlaXJz"}
    assert ours(left)["owner"] == "default/secret-refresher"
    assert left["metadata"]["labels"][PREFIX + "managed"] == "true"
    # Nothing but the claim is left, and nothing is written for that.
    assert not sink.remove(for_good=False)
    assert read(cluster, namespace) == left
    if restarted:
        sink = replica.sink()
        assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)
    assert sink.publish(replica.token("token-2")) is Wrote.WRITTEN
    assert content(cluster, namespace) == "token-2"
    assert content(cluster, namespace, "header") == "Bearer token-2"


def test_a_dead_token_in_a_secret_with_other_things(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """Only our keys go with it; once nobody wants the token, so does all that is ours."""
    there = secret(namespace, data={"other": "MQ=="}, metadata={"labels": {"team": "red"}})
    cluster.admin.create(there, manager="them")
    sink = (replica := Replica(cluster, account, tmp_path, ONE)).sink()
    sink.publish(replica.token())
    assert sink.remove(for_good=False)
    left = read(cluster, namespace)
    assert left["data"] == {"other": "MQ=="}
    assert ours(left)["token-name"] == "partner-api"
    assert sink.remove()
    left = read(cluster, namespace)
    assert left["data"] == {"other": "MQ=="}
    assert left["metadata"]["labels"] == {"team": "red"}
    assert not ours(left)
    assert not sink.remove()


def test_removal_of_what_others_are_just_using(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """What somebody adds while we delete is not deleted with it."""
    with FaultyWay(cluster) as way:
        text = ONE.replace("sinks", "refresh: {onExpired: delete}, sinks")
        replica = Replica(cluster, account, tmp_path, text, server=way.url)
        sink = replica.sink()
        sink.inspect(SOURCE)
        sink.publish(replica.token())
        way.put(Delay(2), method="DELETE", times=1)
        removing = threading.Thread(target=sink.remove)
        removing.start()
        eventually(lambda: any(one.method == "DELETE" for one in way.passed))
        cluster.admin.patch("secrets", "wanted", {"data": {"other": "MQ=="}}, namespace)
        removing.join(30)
    assert read(cluster, namespace)["data"] == {"other": "MQ=="}


def test_too_large(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """More than 1 MiB is refused before it is sent, or, with others' keys, by the API server."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    sink.inspect(SOURCE)
    sink.publish(replica.token())
    mark = cluster.mark()
    fault = refusal(lambda: sink.publish(replica.token("x" * (1024 * 1024 + 1))))
    assert (fault.reason, fault.lane) == (Reason.RENDERING, Lane.PERMANENT)
    assert "1 MiB" in fault.summary
    assert not cluster.asked(mark, user=account)
    half = base64.b64encode(b"y" * 600_000).decode()
    cluster.admin.patch("secrets", "wanted", {"data": {"other": half}}, namespace)
    fault = refusal(lambda: sink.publish(replica.token("x" * 600_000)))
    assert (fault.reason, fault.lane) == (Reason.INVALID, Lane.PERMANENT)
    assert "1 MiB" in fault.advice
    assert content(cluster, namespace) == "token-1"


def test_dockerconfigjson(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A pull secret has its type and the key that the type asks for, without naming it."""
    text = (
        "tokens: [{name: partner-api, sinks: [{secret: {name: wanted, type:"
        " kubernetes.io/dockerconfigjson, data: {.dockerconfigjson: {format: dockerconfigjson,"
        " registries: [registry.example.com], username: robot}}}}]}]"
    )
    replica = Replica(cluster, account, tmp_path, text)
    sink = replica.sink()
    sink.inspect(SOURCE)
    assert sink.publish(replica.token()) is Wrote.WRITTEN
    found = read(cluster, namespace)
    assert found["type"] == "kubernetes.io/dockerconfigjson"
    assert "registry.example.com" in content(cluster, namespace, ".dockerconfigjson")


def test_identity_is_the_same_for_life(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """Once the pod's namespace is known the target names it; the sink is still the same one."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    before = sink.identity
    assert sink.target == "wanted"
    sink.inspect(SOURCE)
    assert sink.target == f"{namespace}/wanted"
    assert sink.identity == before == replica.sink().identity


def test_drift_is_noticed(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """Edits and deletions are noticed, once each; what we write ourselves is not."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    replica.follow()
    try:
        assert sink.inspect(SOURCE) == Finding(Held.NOTHING)
        sink.publish(replica.token())
        time.sleep(1.0)
        assert not sink.disturbed()
        edited = {"data": {"token": "ZWRpdGVk"}}
        cluster.admin.patch("secrets", "wanted", edited, namespace)
        eventually(sink.disturbed)
        assert not sink.disturbed()
        assert sink.inspect(SOURCE) == Finding(Held.FOREIGN)
        sink.publish(replica.token())
        cluster.admin.delete("secrets", "wanted", namespace)
        eventually(sink.disturbed)
        assert sink.inspect(SOURCE) == Finding(Held.NOTHING)
        time.sleep(1.0)
        assert not sink.disturbed()
        assert not replica.failures
    finally:
        replica.adapter.stop()
