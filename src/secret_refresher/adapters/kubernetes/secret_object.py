"""One Secret of the API server: the requests that are made of it, and what their answers hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

from secret_refresher.adapters.kubernetes import faults
from secret_refresher.adapters.kubernetes.api import (
    APPLY,
    JSON,
    MERGE,
    Answer,
    Api,
    Body,
    Query,
)
from secret_refresher.adapters.kubernetes.drift import Place
from secret_refresher.adapters.kubernetes.secret_form import Standing
from secret_refresher.errors import Trouble

NOT_FOUND = 404
CHANGED = 409
"""It is not the object, or not the version of it, that was meant."""


@final
class SecretObject:
    """Asks, and judges nothing; `manager` is the field manager that writes.

    `may_write` is called right before each write is sent, and raises `Trouble` to prevent it.
    """

    __slots__ = ("_api", "_manager", "_may_write", "_path", "where")

    def __init__(self, api: Api, place: Place, manager: str, may_write: Callable[[], None]) -> None:
        namespace, name = place
        self._api = api
        self._manager = manager
        self._may_write = may_write
        self._path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        self.where = f"{namespace}/{name}"

    def read(self) -> Mapping[str, Any] | None:
        """As it is; None where there is none. Raises `Trouble`."""
        answer = self._api.request("GET", self._path)
        return None if answer.status == NOT_FOUND else self.content(answer, "read")

    def apply(self, body: Mapping[str, Any], *, force: bool) -> Answer:
        """Server-side apply of all of our fields."""
        query = (("fieldManager", self._manager), ("force", str(force).lower()))
        return self._write("PATCH", query, body, APPLY)

    def merge(self, body: Mapping[str, Any]) -> Answer:
        """A merge patch (RFC 7396)."""
        query = (("fieldManager", self._manager),)
        return self._write("PATCH", query, body, MERGE)

    def delete(self, found: Standing) -> Answer:
        """Deletes the very object that was found, in the version that was found."""
        wanted = {"uid": found.uid, "resourceVersion": found.version}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": wanted}
        return self._write("DELETE", (), body, JSON)

    def _write(self, method: str, query: Query, body: Body, content_type: str) -> Answer:
        may = self._may_write
        return self._api.request(
            method, self._path, query, body, content_type=content_type, may=may
        )

    def content(self, answer: Answer, doing: str) -> Mapping[str, Any]:
        """The Secret that an answer holds; anything may call itself a success.

        Raises `Trouble` where it is none; `doing` is a verb.
        """
        what = f"{doing} Secret {self.where}"
        if not answer.ok:
            refused = faults.refused(answer.status, answer.content, answer.retry_after, what)
            raise Trouble(refused)
        if answer.content.get("kind") != "Secret":
            raise Trouble(faults.strange(answer.status, what))
        return answer.content
