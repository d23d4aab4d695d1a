"""The least Kubernetes rights that a configuration needs (Kubernetes RBAC). Pure.

With server-side apply `create` obeys `resourceNames` as `patch` does, and `list` and `watch` obey
them when a `metadata.name` field selector names the object; a label selector does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

from secret_refresher.config.consumers import RolloutConsumer
from secret_refresher.config.model import (
    Config,
    Drift,
    OnExpired,
    SecretSink,
    State,
    TokenConfig,
)
from secret_refresher.election.shards import lease_name

MOST_WATCHES = 64
"""Secrets that are watched one by one; above that each is read in turn."""
EVERYWHERE = ""
"""In the place of a namespace: all of them, by a ClusterRole."""


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a Role: `verbs` on `resource`; `names` empty means any, `group` the core's."""

    resource: str
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()
    group: str = ""


def rights(config: Config, home: str) -> Mapping[str, tuple[Rule, ...]]:
    """Rules by namespace, `EVERYWHERE` among them only for selectors.

    `home` is the namespace of the pod, where sinks without a namespace go.
    """
    watched = {"list", "watch"} if watches(config) else set()
    by_name: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for token, sink in secret_sinks(config):
        for namespace in _namespaces(sink, home):
            by_name[namespace][sink.name] |= _verbs(token, sink) | watched
    restarted: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for rollout in rollouts(config):
        restarted[rollout.namespace or home][rollout.kind.resource].add(rollout.name)
    leases: dict[str, tuple[str, ...]] = defaultdict(tuple)
    election = config.election
    if election.enabled:
        every = tuple(lease_name(election.name, shard) for shard in range(election.shards))
        leases[election.namespace or home] = every
    return {
        namespace: (
            *_rules(namespace, by_name[namespace], config.kubernetes.drift),
            *_restarts(restarted[namespace]),
            *_leases(leases[namespace]),
            Rule("events", ("create",)),
        )
        for namespace in sorted(by_name.keys() | restarted.keys() | leases.keys())
    }


def secret_sinks(config: Config) -> Iterable[tuple[TokenConfig, SecretSink]]:
    """Every Secret sink with its token."""
    for token in config.tokens:
        for sink in token.sinks:
            if isinstance(sink, SecretSink):
                yield token, sink


def rollouts(config: Config) -> Iterable[RolloutConsumer]:
    """Every workload that is restarted for a token."""
    for token in config.tokens:
        if token.state is State.PRESENT:
            yield from (each for each in token.notify if isinstance(each, RolloutConsumer))


def watches(config: Config) -> bool:
    """Whether Secrets are watched one by one.

    A selected Secret needs one watch for all namespaces, any other one of its own.
    """
    if config.kubernetes.drift is not Drift.AUTO:
        return False
    targets = {
        (namespace, sink.name)
        for _, sink in secret_sinks(config)
        for namespace in _namespaces(sink, "")
    }
    return len(targets) <= MOST_WATCHES


def _namespaces(sink: SecretSink, home: str) -> tuple[str, ...]:
    if sink.namespace_selector is not None:
        return (EVERYWHERE,)
    return tuple(namespace or home for namespace in sink.fixed_namespaces)


def _verbs(token: TokenConfig, sink: SecretSink) -> set[str]:
    """What is done to one Secret by its name."""
    verbs = {"get", "patch"}
    if token.state is State.PRESENT:
        verbs.add("create")
    # An object that we created goes as a whole once nothing else is in it.
    selected = sink.namespace_selector is not None
    if selected or token.state is State.ABSENT or token.refresh.on_expired is OnExpired.DELETE:
        verbs.add("delete")
    return verbs


def _rules(namespace: str, names: Mapping[str, set[str]], drift: Drift) -> Iterable[Rule]:
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, wanted in sorted(names.items()):
        alike[tuple(sorted(wanted))].append(name)
    for verbs, together in alike.items():
        yield Rule("secrets", verbs, tuple(together))
    if drift is Drift.NAMESPACE and names:
        yield Rule("secrets", ("list", "watch"))
    if namespace == EVERYWHERE:
        yield Rule("namespaces", ("list", "watch"))


def _leases(names: tuple[str, ...]) -> Iterable[Rule]:
    if names:
        verbs = ("create", "get", "patch")
        yield Rule("leases", verbs, tuple(sorted(names)), "coordination.k8s.io")


def _restarts(workloads: Mapping[str, set[str]]) -> Iterable[Rule]:
    for resource, names in sorted(workloads.items()):
        yield Rule(resource, ("get", "patch"), tuple(sorted(names)), "apps")


def manifests(config: Config, service_account: str, home: str) -> list[dict[str, Any]]:
    """Roles with their bindings, and a ClusterRole for selectors, ready to be applied."""
    found = []
    for namespace, rules in rights(config, home).items():
        kind = "ClusterRole" if namespace == EVERYWHERE else "Role"
        where = {} if namespace == EVERYWHERE else {"namespace": namespace}
        # Away from home, installations of several namespaces may meet.
        name = service_account if namespace == home else f"{home}-{service_account}"
        group = "rbac.authorization.k8s.io"
        head = {"apiVersion": f"{group}/v1"}
        metadata = {"name": name, **where}
        found.append({**head, "kind": kind, "metadata": metadata, "rules": list(map(_rule, rules))})
        found.append(
            {
                **head,
                "kind": f"{kind}Binding",
                "metadata": dict(metadata),
                "roleRef": {"apiGroup": group, "kind": kind, "name": name},
                "subjects": [
                    {"kind": "ServiceAccount", "name": service_account, "namespace": home}
                ],
            }
        )
    return found


def _rule(rule: Rule) -> dict[str, Any]:
    names = {"resourceNames": list(rule.names)} if rule.names else {}
    groups, resources = [rule.group], [rule.resource]
    return {"apiGroups": groups, "resources": resources, **names, "verbs": list(rule.verbs)}
