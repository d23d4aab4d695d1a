"""The elector alone, at a real API server: wrong clocks, and a namespace that is not there."""

from pathlib import Path

import pytest

from secret_refresher.adapters.kubernetes.access import Access
from secret_refresher.adapters.kubernetes.elector import Elector
from secret_refresher.config.election import Election
from secret_refresher.config.model import Config, Kubernetes
from secret_refresher.election.move import Move
from secret_refresher.election.terms import Moved, Troubled, Turn
from secret_refresher.errors import Reason
from secret_refresher.ports import Defect
from secret_refresher.rights import manifests
from support.cluster import Cluster, ServiceAccount
from support.replica import OffClock, eventually

HOUR = 3600.0
QUICK = Election(enabled=True, lease_duration=2.5, renew_deadline=2.0, retry_period=0.4)


class Candidate:
    """An elector with a wall clock that is wrong by so many seconds, and what it has told."""

    def __init__(self, kubeconfig: str, off: float, election: Election = QUICK) -> None:
        self.clock = OffClock(off)
        self.turns: list[Turn] = []
        self.defects: list[Defect] = []
        settings = Kubernetes(owner="tests/elector")
        access = Access({"KUBECONFIG": kubeconfig})
        self.elector = Elector(election, settings, self.clock, access)

    def start(self) -> "Candidate":
        """Begins."""
        self.elector.start(self.turns.append, self.defects.append)
        return self

    def moves(self) -> list[Move]:
        """What has happened to its shard."""
        return [turn.move for turn in self.turns if isinstance(turn, Moved)]


@pytest.fixture
def kubeconfig(cluster: Cluster, account: ServiceAccount, tmp_path: Path) -> str:
    """Of an account with the rights that the configuration needs."""
    config = Config(tokens=(), election=QUICK)
    cluster.grant(manifests(config, account.name, account.namespace))
    path = str(tmp_path / "kubeconfig")
    account.kubeconfig(path)
    return path


def test_clocks_an_hour_apart(cluster: Cluster, account: ServiceAccount, kubeconfig: str) -> None:
    """Neither a clock that is ahead nor one that is behind takes a Lease from who renews it."""
    ahead = Candidate(kubeconfig, HOUR).start()
    eventually(lambda: ahead.moves() == [Move.TAKEN])
    behind, further = Candidate(kubeconfig, -HOUR).start(), Candidate(kubeconfig, 2 * HOUR).start()
    eventually(lambda: behind.elector.ready and further.elector.ready)
    lease = "coordination.k8s.io/v1/leases", "secret-refresher", account.namespace

    seen: set[str] = set()

    def often_renewed() -> bool:
        seen.add(cluster.admin.get(*lease)["spec"]["renewTime"])
        return len(seen) > 12

    eventually(often_renewed)
    assert ahead.elector.open("a-token")
    assert not behind.elector.open("a-token")
    assert not behind.moves()
    assert not further.moves()
    ahead.elector.stop(5)
    assert not ahead.elector.open("a-token")
    assert ahead.moves() == [Move.TAKEN, Move.RELEASED]
    eventually(lambda: behind.moves() + further.moves() == [Move.TAKEN])
    assert behind.elector.open("a-token") != further.elector.open("a-token")
    for candidate in (behind, further):
        candidate.elector.stop(5)
        assert not candidate.defects


def test_no_such_namespace(cluster: Cluster, account: ServiceAccount, kubeconfig: str) -> None:
    """A namespace that is not there, or not ours to use, is told with what to correct."""
    election = Election(
        enabled=True,
        namespace="nowhere",
        lease_duration=2.5,
        renew_deadline=2.0,
        retry_period=0.4,
    )
    cluster.grant(
        [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": f"leases-{account.namespace}"},
                "rules": [
                    {
                        "apiGroups": ["coordination.k8s.io"],
                        "resources": ["leases"],
                        "verbs": ["get", "patch", "create"],
                    }
                ],
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"leases-{account.namespace}"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": f"leases-{account.namespace}",
                },
                "subjects": [
                    {
                        "kind": "ServiceAccount",
                        "name": account.name,
                        "namespace": account.namespace,
                    }
                ],
            },
        ]
    )
    lost = Candidate(kubeconfig, 0.0, election).start()
    eventually(lambda: lost.turns)
    lost.elector.stop(5)
    [told] = lost.turns
    assert isinstance(told, Troubled)
    assert told.fault is not None
    assert told.fault.reason is Reason.NOT_FOUND
    assert not lost.elector.ready
