"""What RBAC manifests give to whom, and whether the authorizer knows it yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

from support.cluster_client import Client, Object

_RBAC = "rbac.authorization.k8s.io/v1"
_GROUPS = ["system:serviceaccounts", "system:authenticated"]


@final
@dataclass(frozen=True, slots=True)
class Right:
    """One thing that one user may do; an empty name or namespace means all of them."""

    user: str
    verb: str
    group: str
    resource: str
    namespace: str
    name: str


def rights(admin: Client, manifests: Sequence[Object]) -> list[Right]:
    """All that the bindings among the manifests give to ServiceAccounts and users.

    Their roles may be among the manifests or in the cluster. A `*` is asked for as it is, and
    groups and rules for paths that are no resources are left out.
    """
    given = {(one["kind"], _where(one), one["metadata"]["name"]): one for one in manifests}
    found: list[Right] = []
    for binding in manifests:
        if not binding["kind"].endswith("Binding"):
            continue
        namespace = _where(binding)
        kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
        home = namespace if kind == "Role" else ""
        role = given.get((kind, home, name)) or admin.get(
            f"{_RBAC}/{kind.lower()}s", name, home or None
        )
        for subject in binding.get("subjects", []):
            if subject["kind"] == "Group":
                continue
            found += _of(role, _user(subject, namespace), namespace)
    return found


def permitted(admin: Client, right: Right) -> bool:
    """What the authorizer says now."""
    answer = admin.create(
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": right.user,
                "groups": _groups(right.user),
                "resourceAttributes": {
                    "verb": right.verb,
                    "group": right.group,
                    "resource": right.resource.partition("/")[0],
                    "subresource": right.resource.partition("/")[2],
                    "namespace": right.namespace,
                    "name": right.name,
                },
            },
        }
    )
    return bool(answer["status"]["allowed"])


def _of(role: Object, user: str, namespace: str) -> Iterator[Right]:
    for rule in role.get("rules") or []:
        for verb in rule["verbs"]:
            for group in rule.get("apiGroups", []):
                for resource in rule.get("resources", []):
                    for name in rule.get("resourceNames") or [""]:
                        yield Right(user, verb, group, resource, namespace, name)


def _where(manifest: Object) -> str:
    namespace: str = manifest["metadata"].get("namespace", "")
    return namespace


def _user(subject: Object, namespace: str) -> str:
    if subject["kind"] == "ServiceAccount":
        return f"system:serviceaccount:{subject.get('namespace', namespace)}:{subject['name']}"
    name: str = subject["name"]
    return name


def _groups(user: str) -> list[str]:
    if not user.startswith("system:serviceaccount:"):
        return _GROUPS[1:]
    return [*_GROUPS, f"system:serviceaccounts:{user.split(':')[2]}"]
