"""What Secrets of ours say about themselves: labels and annotations, never their content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

from secret_refresher.adapters.kubernetes import faults
from secret_refresher.adapters.kubernetes.access import SERVICE_ACCOUNT, Access, load
from secret_refresher.adapters.kubernetes.api import METADATA, Api
from secret_refresher.adapters.kubernetes.reflector import Listed, Reflector
from secret_refresher.adapters.kubernetes.secret_form import (
    MANAGED,
    OWNER,
    TOKEN_NAME,
    record_of,
)
from secret_refresher.errors import Trouble
from secret_refresher.ports import Clock
from secret_refresher.tokens.record import Record

_NOT_FOUND = 404


@final
@dataclass(frozen=True, slots=True)
class Holding:
    """One Secret, and which token of whom it says to hold; `record` None where it tells no life."""

    namespace: str
    name: str
    owner: str
    token: str
    record: Record | None


@final
class Inventory:
    """Asks an API server for what it holds of ours. Raises `Trouble`."""

    def __init__(
        self,
        clock: Clock,
        environ: Mapping[str, str],
        service_account: str = SERVICE_ACCOUNT,
    ) -> None:
        load()
        self._clock = clock
        self._api = Api(Access(environ, service_account), clock)

    def wall(self) -> float:
        """The API server's wall clock, by which the records are judged; after a request."""
        return self._clock.wall() + self._api.skew()

    def namespace(self) -> str:
        """The pod's own namespace, or that of the kubeconfig's context."""
        return self._api.namespace()

    def labelled(self, namespace: str | None) -> list[Holding]:
        """All Secrets with our label, in one namespace or in every; needs the right to list."""
        where = "" if namespace is None else f"/namespaces/{namespace}"
        found = Listed()
        query = (("labelSelector", f"{MANAGED}=true"),)
        Reflector(self._api, self._clock, f"/api/v1{where}/secrets", query, found).list_now()
        return [_holding(metadata) for metadata in found.metadata]

    def named(self, places: Iterable[tuple[str | None, str]]) -> list[Holding]:
        """The Secrets at (namespace, name), None for our own namespace; needs the right to get.

        One that is not there, or is not ours, is left out.
        """
        found = []
        for namespace, name in places:
            path = f"/api/v1/namespaces/{namespace or self.namespace()}/secrets/{name}"
            answer = self._api.request("GET", path, accept=METADATA)
            if answer.status == _NOT_FOUND:
                continue
            if not answer.ok:
                doing = f"look at Secret {namespace or self.namespace()}/{name}"
                raise Trouble(
                    faults.refused(answer.status, answer.content, answer.retry_after, doing)
                )
            metadata = _mapping(answer.content.get("metadata"))
            if _mapping(metadata.get("labels")).get(MANAGED) == "true":
                found.append(_holding(metadata))
        return found


def _holding(metadata: Mapping[str, Any]) -> Holding:
    annotations = _mapping(metadata.get("annotations"))
    return Holding(
        namespace=str(metadata.get("namespace", "")),
        name=str(metadata.get("name", "")),
        owner=str(annotations.get(OWNER, "")),
        token=str(annotations.get(TOKEN_NAME, "")),
        record=record_of(annotations),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
