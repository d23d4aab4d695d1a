"""The rights that `rights.py` asks for are enough, and each of them is needed."""

import copy
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import final

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.kubernetes.access import Access
from secret_refresher.adapters.kubernetes.api import Api
from secret_refresher.adapters.kubernetes.drift import Drift
from secret_refresher.adapters.kubernetes.kube_events import KubernetesEvents
from secret_refresher.adapters.kubernetes.namespaces import Namespaces
from secret_refresher.adapters.kubernetes.secret_form import Installation
from secret_refresher.adapters.kubernetes.secret_sink import SecretSink
from secret_refresher.config.model import Drift as DriftMode
from secret_refresher.errors import Fault, Reason, Trouble
from secret_refresher.lifecycle.events import SinkTrouble
from secret_refresher.lifecycle.state import Work
from secret_refresher.ports import Subject, WatchFailed
from secret_refresher.rights import manifests, secret_sinks
from support.cluster import ApiError, Cluster, Object, ServiceAccount
from support.replica import SOURCE, Replica, config, eventually

BY_NAME = "tokens: [{name: a, refresh: {onExpired: delete}, sinks: [{secret: {name: wanted}}]}]"
BY_NAMESPACE = BY_NAME + "\nkubernetes: {drift: namespace}"
SELECTED = (
    "tokens: [{name: a, sinks: [{secret: {name: wanted, namespaceSelector: {matchLabels: {for:"
    " LABEL}}}}]}]"
)
READS = frozenset({"look", "create", "change", "remove"})


@final
class Trial:
    """All that a daemon does with a Secret, each thing for itself, as one account.

    `label` is that of a selector's namespaces, empty where there is none.
    """

    def __init__(self, cluster: Cluster, replica: Replica, namespace: str, label: str) -> None:
        self._cluster = cluster
        self._replica = replica
        self._namespace = namespace
        self._label = label
        self._stop = Event()
        self._clock = SystemClock()
        self._admin = Api(Access({"KUBECONFIG": cluster.admin_kubeconfig}), self._clock)
        self._api = Api(Access({"KUBECONFIG": replica.kubeconfig}), self._clock)

    def failing(self) -> set[str]:
        """What could not be done."""
        acts: dict[str, Callable[[], bool]] = {
            "look": lambda: _allowed(lambda: self._sink().inspect(SOURCE)),
            "create": self._create,
            "change": self._change,
            "remove": self._remove,
            "notice": self._notice,
            "tell": self._tell,
        }
        if self._label:
            acts["select"] = self._select
        try:
            return {name for name, act in acts.items() if not act()}
        finally:
            self._stop.set()

    def _sink(self, api: Api | None = None, drift: Drift | None = None) -> SecretSink:
        [(token, spec)] = secret_sinks(self._replica.config)
        api = api or self._api
        return SecretSink(
            token.name,
            spec,
            namespace=self._namespace,
            us=Installation("secret-refresher", "default/secret-refresher"),
            api=api,
            drift=drift or Drift(api, self._clock, self._stop),
            clock=self._clock,
        )

    def _looked(self) -> SecretSink:
        """One that was looked into, as each is before its first token is fetched."""
        sink = self._sink()
        sink.inspect("source")
        return sink

    def _clear(self) -> None:
        try:
            self._cluster.admin.delete("secrets", "wanted", self._namespace)
        except ApiError as missing:
            if missing.status != 404:
                raise

    def _written(self) -> None:
        self._clear()
        self._sink(self._admin).publish(self._replica.token(age=20))

    def _create(self) -> bool:
        self._clear()
        return _allowed(lambda: self._looked().publish(self._replica.token()))

    def _change(self) -> bool:
        self._written()
        return _allowed(lambda: self._sink().publish(self._replica.token("next")))

    def _remove(self) -> bool:
        self._written()
        return _allowed(self._sink().remove)

    def _notice(self) -> bool:
        """Whether a watch is had; without one Secrets are read in turn, and that is told."""
        self._written()
        failed: list[WatchFailed] = []
        drift = Drift(self._api, self._clock, self._stop)
        whole = self._replica.config.kubernetes.drift is DriftMode.NAMESPACE
        drift.use(by_name=not whole, by_namespace=whole)
        drift.start(failed.append)
        place = self._namespace, "wanted"
        drift.follow(place, wide=bool(self._label))
        eventually(lambda: failed or drift.latest(place))
        # The list has told it; now the watch.
        Event().wait(0.5)
        self._cluster.admin.delete("secrets", "wanted", self._namespace)
        eventually(lambda: failed or drift.latest(place) == "")
        drift.stop()
        assert {each.fault.reason for each in failed} <= {Reason.PERMISSION}
        return not failed

    def _tell(self) -> bool:
        """Whether an Event comes; that it does not is no trouble."""
        events = KubernetesEvents(self._api, self._clock, self._stop)
        fault = Fault(Reason.KUBERNETES, "something", "do something")
        trouble = SinkTrouble(1, 0, Work.PUBLISH, fault, 1, 1.0, 0.0)
        target = f"{self._namespace}/wanted"
        mark = self._cluster.mark()
        events.notice(Subject("a", (("secret", target),)), trouble)
        asked = {"resource": "events", "namespace": self._namespace, "verb": "create"}
        eventually(lambda: self._cluster.asked(mark, **asked))
        [one] = self._cluster.asked(mark, **asked)
        assert one.status in {201, 403}
        return one.status == 201

    def _select(self) -> bool:
        failed: list[WatchFailed] = []
        namespaces = Namespaces(self._api, self._clock)
        query = f"for={self._label}"
        namespaces.matching(query)
        namespaces.start(lambda: None, failed.append)
        eventually(lambda: failed or self._namespace in namespaces.matching(query))
        Event().wait(0.5)
        another = self._cluster.namespace({"for": self._label})
        eventually(lambda: failed or another in namespaces.matching(query))
        namespaces.stop()
        assert {each.fault.reason for each in failed} <= {Reason.PERMISSION}
        return not failed


def _allowed(act: Callable[[], object]) -> bool:
    try:
        act()
    except Trouble as trouble:
        fault = trouble.fault
    else:
        return True
    assert fault.reason is Reason.PERMISSION
    assert "secret-refresher rbac" in fault.advice
    return False


def without(given: list[Object], resource: str, verb: str) -> list[Object]:
    """The same manifests with one verb fewer."""
    left = copy.deepcopy(given)
    found = [
        rule
        for role in left
        for rule in role.get("rules", [])
        if resource in rule["resources"] and verb in rule["verbs"]
    ]
    assert found, f"{verb} {resource} was never asked for"
    for rule in found:
        rule["verbs"].remove(verb)
    for role in left:
        if "rules" in role:
            role["rules"] = [rule for rule in role["rules"] if rule["verbs"]]
    return left


def asked_for(given: list[Object]) -> set[tuple[str, str]]:
    """Every resource and verb in some manifests."""
    return {
        (rule["resources"][0], verb)
        for role in given
        for rule in role.get("rules", [])
        for verb in rule["verbs"]
    }


NAMED = {
    ("secrets", "get"): READS,
    ("secrets", "create"): {"create"},
    ("secrets", "patch"): {"create", "change"},
    ("secrets", "delete"): {"remove"},
    ("secrets", "list"): {"notice"},
    ("secrets", "watch"): {"notice"},
    ("events", "create"): {"tell"},
}
SELECTING = {**NAMED, ("namespaces", "list"): {"select"}, ("namespaces", "watch"): {"select"}}
TABLE = [
    (text, right, fails)
    for text, each in ((BY_NAME, NAMED), (BY_NAMESPACE, NAMED), (SELECTED, SELECTING))
    for right, fails in [(None, set[str]()), *each.items()]
]


@pytest.mark.parametrize(
    ("text", "right", "fails"),
    TABLE,
    ids=[f"{n}-{right and '-'.join(right)}" for n, (_, right, _) in enumerate(TABLE)],
)
def test_one_verb_fewer(
    cluster: Cluster,
    account: ServiceAccount,
    tmp_path: Path,
    *,
    text: str,
    right: tuple[str, str] | None,
    fails: set[str],
) -> None:
    """With all of the rights everything works; without one of them just what it is for fails."""
    label = account.namespace if "LABEL" in text else ""
    text = text.replace("LABEL", label)
    namespace = cluster.namespace({"for": label}) if label else account.namespace
    given = manifests(config(text), account.name, account.namespace)
    cluster.grant(given if right is None else without(given, *right))
    replica = Replica(cluster, account, tmp_path, text, granted=False)
    assert Trial(cluster, replica, namespace, label).failing() == fails


@pytest.mark.parametrize(
    ("text", "table"), [(BY_NAME, NAMED), (BY_NAMESPACE, NAMED), (SELECTED, SELECTING)]
)
def test_no_verb_in_vain(text: str, table: dict[tuple[str, str], set[str]]) -> None:
    """The table above has every verb that is asked for."""
    assert asked_for(manifests(config(text.replace("LABEL", "x")), "sr", "home")) == table.keys()


def test_only_these_names(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """No other Secret can be read, written, listed or removed with them."""
    Replica(cluster, account, tmp_path, BY_NAME)
    for verb in ("get", "patch", "create", "delete", "list", "watch", "update"):
        for name in ("other", ""):
            assert not cluster.can(account, verb, "secrets", namespace=namespace, name=name), verb
    assert not cluster.can(account, "update", "secrets", namespace=namespace, name="wanted")
    assert not cluster.can(account, "list", "namespaces")


def test_a_removed_token_needs_no_create(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """`state: absent` clears the Secret with its own, smaller rights."""
    present = "tokens: [{name: a, sinks: [{secret: {name: wanted}}]}]"
    given = manifests(config(present), account.name, account.namespace)
    replica = Replica(cluster, account, tmp_path, present)
    replica.sink().publish(replica.token())
    cluster.revoke(given)
    absent = Replica(
        cluster, account, tmp_path, present.replace("name: a,", "name: a, state: absent,")
    )
    assert not cluster.can(account, "create", "secrets", namespace=namespace, name="wanted")
    assert absent.sink().remove()
    assert not cluster.admin.list("secrets", namespace)
