"""Renders Helm charts, and looks into what came out."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from support.cluster_assets import tool

Object = dict[str, Any]
"""A Kubernetes object."""

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CHART = os.path.join(ROOT, "charts", "secret-refresher")
EXAMPLES = os.path.join(ROOT, "examples")
OLDEST, NEWEST = "1.29", "1.37"
"""The Kubernetes that the chart supports, as far as there are schemas of it."""
INJECTING = "1.36"
"""The first Kubernetes with mutating admission policies."""


class HelmError(Exception):
    """Helm refused; the text is what it said."""


def helm(*arguments: str, text: str = "") -> str:
    """What Helm prints, without a cluster; the test is skipped where there is no Helm."""
    done = subprocess.run(
        [tool(_folder(), "helm"), *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode != 0:
        raise HelmError(done.stderr)
    return done.stdout


def _folder() -> str:
    """Where the programs of a test cluster are, or would be."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    build = os.path.join(ROOT, "tools", "cluster", "build")
    return (
        named
        or subprocess.run(
            [build, "--where"], capture_output=True, text=True, check=False, timeout=30
        ).stdout.strip()
    )


def render(
    values: object,
    *arguments: str,
    namespace: str = "home",
    version: str = INJECTING,
    chart: str = CHART,
) -> list[Object]:
    """The objects of release `sr`. Raises `HelmError` for values that are refused."""
    text = helm(
        *("template", "sr", chart, "--namespace", namespace, "--kube-version", version),
        *("--values", "-", *arguments),
        text=json.dumps(values, ensure_ascii=False),
    )
    return [found for found in yaml.safe_load_all(text) if found]


def ci_values() -> dict[str, Object]:
    """The values in the chart's folder `ci`, by their names."""
    found = {}
    folder = os.path.join(CHART, "ci")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            found[name.removesuffix("-values.yaml")] = yaml.safe_load(file)
    return found


def one(objects: Sequence[Object], kind: str) -> Object:
    """The only object of a kind."""
    [found] = every(objects, kind)
    return found


def every(objects: Sequence[Object], kind: str) -> list[Object]:
    """All objects of a kind."""
    return [found for found in objects if found["kind"] == kind]


def given(objects: Sequence[Object]) -> set[tuple[str, str, str, str, str]]:
    """What RBAC objects give: namespace, verb, resource, name ("" for all), and to whom.

    The namespace is "" for the whole cluster.
    """
    roles = {
        (found["kind"], _namespace(found), found["metadata"]["name"]): found
        for found in objects
        if found["kind"] in {"Role", "ClusterRole"}
    }
    rights: set[tuple[str, str, str, str, str]] = set()
    bound = set()
    for binding in objects:
        if binding["kind"] not in {"RoleBinding", "ClusterRoleBinding"}:
            continue
        role = (binding["roleRef"]["kind"], _namespace(binding), binding["roleRef"]["name"])
        bound.add(role)
        [subject] = binding["subjects"]
        whom = f"{subject['kind']} {subject['namespace']}/{subject['name']}"
        for verb, resource, name in _of(roles[role]):
            rights.add((_namespace(binding), verb, resource, name, whom))
    assert bound == set(roles), "a role is bound to nobody"
    return rights


def _of(role: Object) -> Iterator[tuple[str, str, str]]:
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames", [""]):
                        yield verb, f"{group}/{resource}", name


def _namespace(found: Object) -> str:
    namespace: str = found["metadata"].get("namespace", "")
    return namespace


def source_values(*tokens: Object, **more: Any) -> Object:
    """Values of a token source; each token has an endpoint and credentials unless it says else."""
    return {
        "config": {"defaults": {"tokenUrl": "https://id.example.com/token"}, "tokens": [*tokens]},
        "credentials": {
            token["name"]: {"secretName": f"{token['name']}-oauth"} for token in tokens
        },
        **more,
    }


def secret_token(name: str = "a", **sink: Any) -> Object:
    """A token that goes to one Secret."""
    return {"name": name, "sinks": [{"secret": {"name": f"{name}-token", **sink}}]}


def file_token(name: str = "a", **sink: Any) -> Object:
    """A token that goes to one file."""
    return {"name": name, "sinks": [{"file": sink}]}
