"""Looks at the cluster: is it there, may we do what we will have to, does its clock agree?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from secret_refresher.adapters.kubernetes import Cluster
from secret_refresher.config.model import Config
from secret_refresher.doctor.check import Check, Verdict, failed, fine, warned
from secret_refresher.errors import Trouble
from secret_refresher.rights import EVERYWHERE, Rule, rights, secret_sinks

PART = "cluster"
MOST_SKEW = 2.0
"""Seconds; issue times of replicas are compared to the second or so."""
_ASKERS = 8
_NAMED = 3


def look_at_cluster(cluster: Cluster, config: Config) -> Iterator[Check]:
    """The API server, its clock, the namespaces, and every right that `rbac` would print."""
    tried = "reach the API server"
    try:
        home = cluster.home()
        told = cluster.version()
    except Trouble as trouble:
        yield failed(PART, tried, trouble.fault)
        return
    yield fine(PART, tried, f"it is a {told}, and our namespace is {home}")
    yield _clock(cluster.skew())
    if any(sink.namespace_selector is not None for _, sink in secret_sinks(config)):
        yield _namespaces(cluster)
    with ThreadPoolExecutor(_ASKERS) as askers:
        for namespace, rules in rights(config, home).items():
            for rule in rules:
                yield _granted(cluster, askers, namespace, rule)


def _namespaces(cluster: Cluster) -> Check:
    tried = "list the namespaces that selectors choose from"
    try:
        cluster.list_namespaces()
    except Trouble as trouble:
        return failed(PART, tried, trouble.fault)
    return fine(PART, tried, "done; their Secrets follow below")


def _clock(skew: float) -> Check:
    tried = "compare clocks with the API server"
    if abs(skew) <= MOST_SKEW:
        return fine(PART, tried, "they agree")
    way = "behind" if skew > 0 else "ahead of"
    return warned(
        PART,
        tried,
        f"ours is {abs(skew):.0f} s {way} it",
        "synchronise this machine's clock; expiries in Secrets are judged by the API server's",
    )


def _granted(cluster: Cluster, askers: ThreadPoolExecutor, namespace: str, rule: Rule) -> Check:
    """One rule: every verb on every name of it."""
    where = "all namespaces" if namespace == EVERYWHERE else f"namespace {namespace}"
    tried = f"{', '.join(rule.verbs)} {_what(rule)} in {where}"
    names: Sequence[str | None] = rule.names or (None,)
    wanted = [(verb, name) for verb in rule.verbs for name in names]
    ask = partial(_ask, cluster, namespace, rule)
    try:
        granted = list(askers.map(ask, wanted))
    except Trouble as trouble:
        return failed(PART, tried, trouble.fault)
    missing = [
        f"{verb} {name or ''}".strip()
        for (verb, name), ok in zip(wanted, granted, strict=True)
        if not ok
    ]
    if not missing:
        return fine(PART, tried, "granted")
    told = ", ".join(missing[:_NAMED])
    if len(missing) > _NAMED:
        told += f" and {len(missing) - _NAMED} more"
    optional = rule.resource == "events"
    return Check(
        PART,
        tried,
        Verdict.WARNING if optional else Verdict.FAILED,
        f"not granted: {told}",
        "without it nothing but Kubernetes Events is missing; `secret-refresher rbac` prints it"
        if optional
        else "apply what `secret-refresher rbac` prints, or install the chart with rbac.create",
    )


def _ask(cluster: Cluster, namespace: str, rule: Rule, wanted: tuple[str, str | None]) -> bool:
    verb, name = wanted
    return cluster.allowed(rule, verb, namespace, name)


def _what(rule: Rule) -> str:
    if not rule.names:
        return rule.resource
    told = ", ".join(rule.names[:_NAMED])
    more = len(rule.names) - _NAMED
    return f"{rule.resource} {told}" + (f" and {more} more" if more > 0 else "")
