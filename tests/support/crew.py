"""Replicas of one installation at a real API server, each with an account of its own."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, final

from secret_refresher.election.record import OWNER, SHARDS
from secret_refresher.election.shards import lease_name, shard_of
from support.cluster import ServiceAccount
from support.cluster_daemon import SOURCES, employ
from support.daemon import Daemon, Settings, settings
from tools.show.stage import Stage

QUICK = {"leaseDuration": "4s", "renewDeadline": "3s", "retryPeriod": "500ms"}
"""Seconds that tests have time for."""
OWNER_NAME = "tests/secret-refresher"


@final
@dataclass(frozen=True)
class Tenure:
    """A replica had a shard from one instant to another, in seconds since the epoch.

    `late`: at its end it was logged once the Leases were given back, up to a second after.
    """

    replica: int
    shard: int
    since: float
    until: float
    late: bool = False


@final
class Crew:
    """Daemons that share `tokens`; the count of shards is each one's own affair.

    `seconds`: leaseDuration and its fellows. Whoever is killed is `buried`, for a killed process
    logs nothing.
    """

    def __init__(self, stand: Stage, tokens: Sequence[Settings], seconds: Settings) -> None:
        self.stand = stand
        self.tokens = tokens
        self.seconds = seconds
        self.daemons: list[Daemon] = []
        self.accounts: list[ServiceAccount] = []
        self._shards: list[int] = []
        self._deaths: dict[int, list[float]] = defaultdict(list)

    def hire(
        self, shards: int = 1, *, server: str | None = None, trusted: bool = False, **keys: Any
    ) -> Daemon:
        """One more, not yet started; `server` is another way to the API server.

        It has the rights that `rbac` prints; `trusted`: all rights in its namespace, for where
        that would take too long.
        """
        number = len(self.daemons)
        namespace = self.stand.account.namespace
        account = self.stand.cluster.service_account(namespace, f"replica-{number}")
        election = {"enabled": True, "shards": shards, **self.seconds, **keys}
        folder = self.stand.folder / account.name
        configuration = settings(*self.tokens, election=election)
        if trusted:
            configuration["log"] = {"level": "info", "format": "json"}
            daemon = self._trusted(account, folder, configuration)
        else:
            daemon = employ(
                self.stand.cluster, account, folder, configuration, server=server, owner=OWNER_NAME
            )
        self.accounts.append(account)
        self.daemons.append(daemon)
        self._shards.append(shards)
        return daemon

    def _trusted(self, account: ServiceAccount, folder: Path, configuration: Settings) -> Daemon:
        folder.mkdir()
        group = "rbac.authorization.k8s.io"
        who = {"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}
        self.stand.cluster.admin.create(
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": {"name": account.name, "namespace": account.namespace},
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "admin-of-all"},
                "subjects": [who],
            }
        )
        account.kubeconfig(str(folder / "kubeconfig"))
        environment = {"KUBECONFIG": str(folder / "kubeconfig"), "PYTHONPATH": SOURCES}
        kubernetes = {"kubernetes": {"owner": OWNER_NAME}}
        return Daemon(folder, {**kubernetes, **configuration}, environment=environment)

    def trust(self) -> None:
        """Makes the role of trusted replicas."""
        rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
        self.stand.cluster.admin.create(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": "admin-of-all"},
                "rules": [rule],
            }
        )

    def lease(self, shards: int = 1) -> None:
        """Leases that were released once: nobody has to be waited for."""
        for shard in range(shards):
            annotations = {OWNER: OWNER_NAME, **({SHARDS: str(shards)} if shard == 0 else {})}
            self.stand.cluster.admin.create(
                {
                    "apiVersion": "coordination.k8s.io/v1",
                    "kind": "Lease",
                    "metadata": {
                        "name": lease_name("secret-refresher", shard),
                        "namespace": self.stand.account.namespace,
                        "annotations": annotations,
                    },
                    "spec": {"leaseTransitions": 1, "leaseDurationSeconds": 1},
                }
            )

    def buried(self, daemon: Daemon, at: float) -> None:
        """A daemon was killed."""
        self._deaths[self.daemons.index(daemon)].append(at)

    def tenures(self) -> list[Tenure]:
        """Who had which shard when, by all that each has logged; some are not over."""
        return [
            tenure
            for replica, daemon in enumerate(self.daemons)
            if daemon.log_file.exists()
            for tenure in _tenures(replica, daemon, [*self._deaths[replica], float("inf")])
        ]

    def strangers(self, mark: int) -> list[str]:
        """Writes to Secrets by replicas that did not have the token's shard at that time."""
        tenures = self.tenures()
        owners = {token["sinks"][0]["secret"]["name"]: token["name"] for token in self.tokens}
        found = []
        for replica, account in enumerate(self.accounts):
            asked = self.stand.cluster.asked(mark, user=account, resource="secrets", verb="patch")
            for one in asked:
                shard = shard_of(owners[one.name], self._shards[replica])
                held = any(
                    tenure.since <= one.received <= tenure.until
                    for tenure in tenures
                    if (tenure.replica, tenure.shard) == (replica, shard)
                )
                if one.status in {200, 201} and not held:
                    found.append(f"{one.received}: {account.name} wrote {one.name}")
        return found

    def overlaps(self) -> list[tuple[Tenure, Tenure]]:
        """Pairs of replicas that had the same shard at the same time."""
        tenures = sorted(self.tenures(), key=lambda tenure: (tenure.shard, tenure.since))
        return [
            (one, other)
            for one, other in itertools.pairwise(tenures)
            if one.shard == other.shard and other.since < one.until - one.late
        ]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Ends all of them."""
        try:
            yield
        finally:
            for daemon in self.daemons:
                daemon.kill()


def _tenures(replica: int, daemon: Daemon, ends: Sequence[float]) -> Iterator[Tenure]:
    since: dict[int, float] = {}
    stopping = False
    for line in _lines(daemon):
        match line["event"]:
            case "stopping":
                stopping = True
            case "taking part in the election":
                stopping = False
                yield from _ended(replica, since, ends)
                since = {}
            case "shard taken":
                since[line["shard"]] = _at(line)
            case "shard released" | "shard lost" if line["shard"] in since:
                yield Tenure(replica, line["shard"], since.pop(line["shard"]), _at(line), stopping)
    yield from _ended(replica, since, ends)


def _ended(replica: int, since: dict[int, float], ends: Sequence[float]) -> Iterator[Tenure]:
    for shard, instant in since.items():
        yield Tenure(replica, shard, instant, min(end for end in ends if end >= instant))


def _lines(daemon: Daemon) -> Iterator[dict[str, Any]]:
    """Whole lines of every process that wrote this log."""
    for line in daemon.log_file.read_text().splitlines():
        with suppress(ValueError):
            yield json.loads(line)


def _at(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["timestamp"]).timestamp()


def leader(daemons: Sequence[Daemon], shard: int = 0) -> Daemon | None:
    """Who has a shard, by the last line on it in the log of each that lives."""
    for daemon in daemons:
        if daemon.process is None or daemon.process.poll() is not None:
            continue
        lines = [line for line in daemon.logs(shard=shard) if line["event"].startswith("shard ")]
        if lines and lines[-1]["event"] == "shard taken":
            return daemon
    return None
