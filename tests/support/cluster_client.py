"""A small JSON client of the Kubernetes API for tests.

It is no part of what is tested: tests look at a cluster, and play other people, through it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any, final

import requests

Object = dict[str, Any]
"""A Kubernetes object, or anything else that JSON calls an object."""

_PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


class ApiError(Exception):
    """The API server said no: `status` is the HTTP status, `reason` Kubernetes' word for it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


@final
class Client:
    """One identity at one API server.

    A `resource` is a plural as in a URL: `secrets` for the core group, else with group and
    version: `apps/v1/deployments`. A manifest is addressed by its apiVersion and kind. Every
    method but `request` raises `ApiError` for an answer that is no success. Fit for threads.
    """

    def __init__(self, url: str, ca: str, token: str | None, timeout: float = 30.0) -> None:
        self.url = url
        self._ca = ca
        self._token = token
        self._timeout = timeout
        self._sessions: list[requests.Session] = []
        self._own = threading.local()
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}

    def at(self, url: str) -> Client:
        """The same identity by another way; whoever asks for it closes it."""
        return Client(url, self._ca, self._token, self._timeout)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        timeout: float | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """One request, for the odd cases: any answer is returned as it is.

        `timeout` is in seconds, for connecting and between two pieces of the answer.
        """
        return self._session().request(
            method,
            self.url + path,
            params=params,
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": content_type},
            timeout=timeout or self._timeout,
            stream=stream,
        )

    def get(self, resource: str, name: str, namespace: str | None = None) -> Object:
        """One object."""
        return self._json("GET", _path(resource, namespace, name))

    def list(self, resource: str, namespace: str | None = None, **params: str) -> Sequence[Object]:
        """The items of a list; `params` such as labelSelector."""
        items: list[Object] = self._json("GET", _path(resource, namespace), params=params)["items"]
        return items

    def create(self, manifest: Object, manager: str = "test") -> Object:
        """Creates an object from its manifest."""
        return self._json(
            "POST", self._home(manifest), params={"fieldManager": manager}, body=manifest
        )

    def replace(self, manifest: Object, manager: str = "test") -> Object:
        """Puts a whole object, as `kubectl replace` and `kubectl edit` of old did."""
        return self._json(
            "PUT", self._place(manifest), params={"fieldManager": manager}, body=manifest
        )

    def apply(self, manifest: Object, manager: str = "test", *, force: bool = False) -> Object:
        """Server-side apply."""
        return self._json(
            "PATCH",
            self._place(manifest),
            params={"fieldManager": manager, "force": str(force).lower()},
            body=manifest,
            content_type="application/apply-patch+yaml",
        )

    def patch(
        self,
        resource: str,
        name: str,
        body: object,
        namespace: str | None = None,
        *,
        kind: str = "merge",
        manager: str = "test",
    ) -> Object:
        """A `merge`, `json` or `strategic` patch."""
        return self._json(
            "PATCH",
            _path(resource, namespace, name),
            params={"fieldManager": manager},
            body=body,
            content_type=_PATCHES[kind],
        )

    def delete(self, resource: str, name: str, namespace: str | None = None) -> None:
        """Deletes an object; one that is not there is an error."""
        self._json("DELETE", _path(resource, namespace, name))

    def remove(self, manifest: Object) -> None:
        """Deletes what a manifest describes."""
        self._json("DELETE", self._place(manifest))

    def close(self) -> None:
        """Closes the connections of all threads."""
        for session in self._sessions:
            session.close()

    def _session(self) -> requests.Session:
        """One for each thread: requests promises nothing for a shared one."""
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = requests.Session()
            # The environment's proxies and CA bundles are not for loopback.
            session.trust_env = False
            session.verify = self._ca
            if self._token is not None:
                session.headers["Authorization"] = f"Bearer {self._token}"
            self._own.session = session
            self._sessions.append(session)
        return session

    def _json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> Object:
        answer = self.request(method, path, params=params, body=body, content_type=content_type)
        if not answer.ok:
            try:
                status = answer.json()
                raise ApiError(answer.status_code, status["reason"], status["message"])
            except (ValueError, KeyError, TypeError):
                raise ApiError(answer.status_code, answer.reason, answer.text[:500]) from None
        content: Object = answer.json()
        return content

    def _home(self, manifest: Object) -> str:
        """The path of the collection that a manifest belongs to."""
        version = manifest["apiVersion"]
        if version not in self._kinds:
            listed = self._json("GET", _root(version))["resources"]
            self._kinds[version] = {
                one["kind"]: (one["name"], one["namespaced"])
                for one in listed
                if "/" not in one["name"]
            }
        plural, namespaced = self._kinds[version][manifest["kind"]]
        namespace = manifest["metadata"]["namespace"] if namespaced else None
        return _path(f"{version}/{plural}", namespace)

    def _place(self, manifest: Object) -> str:
        return f"{self._home(manifest)}/{manifest['metadata']['name']}"


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _path(resource: str, namespace: str | None = None, name: str | None = None) -> str:
    version, _, plural = resource.rpartition("/")
    within = "" if namespace is None else f"/namespaces/{namespace}"
    return f"{_root(version or 'v1')}{within}/{plural}" + ("" if name is None else f"/{name}")
