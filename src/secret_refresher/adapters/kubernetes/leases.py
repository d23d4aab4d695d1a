"""Leases of the API server: what an election asks of them, and what the answers mean."""

from __future__ import annotations

from typing import final

from secret_refresher.adapters.kubernetes import faults
from secret_refresher.adapters.kubernetes.api import APPLY, JSON_PATCH, Api
from secret_refresher.election.asks import Ask, Why
from secret_refresher.election.record import OWNER, record
from secret_refresher.election.shards import lease_name
from secret_refresher.election.terms import Found, No, Outcome
from secret_refresher.errors import Trouble

_NOT_FOUND = 404
_CHANGED = frozenset({409, 422})
"""A test of a patch failed (Kubernetes answers 422), or an apply met another owner."""
_GROUP = "coordination.k8s.io/v1"


@final
class Leases:
    """The Leases of one election; `namespace` None is the pod's own.

    `creator` is a field manager that no other replica has: two that create the same Lease at the
    same time are then either of one mind about its owner, or one of them is refused.
    """

    def __init__(
        self, api: Api, name: str, namespace: str | None, *, manager: str, creator: str
    ) -> None:
        self._api = api
        self._name = name
        self._namespace = namespace
        self._manager = manager
        self._creator = creator

    def ask(self, ask: Ask) -> Outcome:
        """One request."""
        try:
            return self._ask(ask)
        except Trouble as trouble:
            return trouble.fault

    def _ask(self, ask: Ask) -> Outcome:
        namespace = self._namespace or self._api.namespace()
        name = lease_name(self._name, ask.shard)
        path = f"/apis/{_GROUP}/namespaces/{namespace}/leases/{name}"
        if ask.why is Why.READ:
            answer = self._api.request("GET", path)
        elif ask.why is Why.CREATE:
            # By server-side apply, for then the right to create can be limited to the name.
            metadata = {"name": name, "namespace": namespace, "annotations": {OWNER: ask.owner}}
            body = {"apiVersion": _GROUP, "kind": "Lease", "metadata": metadata}
            query = [("fieldManager", self._creator), ("force", "false")]
            answer = self._api.request("PATCH", path, query, body, content_type=APPLY)
        else:
            query = [("fieldManager", self._manager)]
            patch = list(ask.patch)
            answer = self._api.request("PATCH", path, query, patch, content_type=JSON_PATCH)
        if answer.status == _NOT_FOUND and ask.why is not Why.CREATE:
            return No.MISSING
        if answer.status in _CHANGED and ask.why is not Why.READ:
            return No.CHANGED
        doing = f"{ask.why.value} Lease {namespace}/{name}"
        if not answer.ok:
            return faults.refused(answer.status, answer.content, answer.retry_after, doing)
        if answer.content.get("kind") != "Lease":
            return faults.strange(answer.status, doing)
        return Found(record(answer.content))
