"""The API server on the timeline: what is wrong with it, and the way to it below the real `Api`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from typing import Any, Protocol, cast, final

import urllib3

from secret_refresher.adapters.kubernetes.access import Access
from secret_refresher.adapters.kubernetes.api import APPLY, MERGE
from support.simulation.lease_store import LeaseStore
from support.simulation.secret_store import Place as Where, Said, SecretStore

MANAGER = "secret-refresher"
"""Ours."""


class Weather(Protocol):
    """What the way needs of the world."""

    @property
    def store(self) -> SecretStore:
        """The Secrets that the server keeps."""
        ...

    @property
    def leases(self) -> LeaseStore:
        """Its Leases."""
        ...

    @property
    def workloads(self) -> Workloads:
        """Its workloads."""
        ...

    def trouble_of_api(self, verb: str, path: str) -> tuple[str, float]:
        """What is wrong for the request that is made now, and a number that goes with it."""
        ...

    def latency(self) -> float:
        """Seconds of one way."""
        ...

    def date(self) -> float:
        """The server's wall clock."""
        ...

    def after(self, seconds: float, job: Callable[[], object]) -> None:
        """Has something happen whatever becomes of who asked for it."""
        ...


@final
class Workloads:
    """Pod templates by namespace and name. `changed` is told of each that is another one."""

    def __init__(self, changed: Callable[[Where], None]) -> None:
        self._annotations: dict[Where, dict[str, str]] = {}
        self._changes: Counter[Where] = Counter()
        self._changed = changed

    def get(self, place: Where) -> Said:
        """As far as anybody asks; every workload is there."""
        template = {"metadata": {"annotations": self._annotations.get(place, {})}}
        metadata = {"resourceVersion": self._version(place)}
        return 200, {"kind": "Deployment", "metadata": metadata, "spec": {"template": template}}

    def merge(self, place: Where, body: Mapping[str, Any]) -> Said:
        """A merge patch (RFC 7396) of the template's annotations, as it was when it was read."""
        if body["metadata"]["resourceVersion"] != self._version(place):
            return 409, {"kind": "Status", "code": 409, "reason": "Conflict"}
        self._changes[place] += 1
        written = body["spec"]["template"]["metadata"]["annotations"]
        self._annotations[place] = {**self._annotations.get(place, {}), **written}
        self._changed(place)
        return self.get(place)

    def _version(self, place: Where) -> str:
        return str(self._changes[place])


@final
@dataclass(slots=True)
class _Response:
    """As urllib3 has it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read1(self, _size: int) -> bytes:
        """All of it, then nothing."""
        body, self.body = self.body, b""
        return body

    def release_conn(self) -> None:
        """There is none."""

    def close(self) -> None:
        """There is nothing to close."""


@final
class _Connection:
    """In the place of `access.Connection`."""

    namespace = "apps"

    def __init__(self, weather: Weather, sleep: Callable[[float], None]) -> None:
        self._weather = weather
        self._sleep = sleep

    def call(
        self,
        verb: str,
        path: str,
        query: Sequence[tuple[str, str]],
        head: Mapping[str, str],
        *,
        body: Any,
        seconds: tuple[float, float],
    ) -> _Response:
        """One request, as far as the weather lets it."""
        weather = self._weather
        kind, number = weather.trouble_of_api(verb, path)
        way = weather.latency()
        self._sleep(way)
        if kind == "refused":
            raise urllib3.exceptions.NewConnectionError(cast(Any, None), "refused")
        if kind == "hole":
            self._sleep(seconds[0])
            raise urllib3.exceptions.ConnectTimeoutError
        box: list[Said] = []
        late = number if kind == "late" else 0.0
        if kind not in {"", "slow", "late", "lost", "hang"}:
            box.append((int(kind), {"kind": "Status", "code": int(kind)}))
        else:
            done = partial(self._done, verb, path, head, dict(query), body)
            weather.after(way + late, lambda: box.append(done()))
        slow = number if kind == "slow" else late
        if kind == "hang" or slow >= seconds[1]:
            self._sleep(seconds[1])
            raise urllib3.exceptions.ReadTimeoutError(cast(Any, None), "", "")
        self._sleep(2 * way + slow)
        if kind == "lost":
            raise urllib3.exceptions.ProtocolError
        status, answer = box[0]
        dated = {"Date": formatdate(weather.date(), usegmt=True)}
        if status in {429, 503} and number:
            dated["Retry-After"] = str(int(number) + 1)
        return _Response(status, dated, json.dumps(answer).encode())

    def _done(
        self,
        verb: str,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        body: Any,
    ) -> Said:
        *_, namespace, resource, name = path.split("/")
        weather, place, kind = self._weather, (namespace, name), headers["Content-Type"]
        manager = query.get("fieldManager", "")
        match verb, kind, resource:
            case "GET", _, "leases":
                return weather.leases.get(place)
            case "GET", _, "deployments":
                return weather.workloads.get(place)
            case "GET", _, _:
                return weather.store.get(place)
            case "PATCH", _, "leases" if kind == APPLY:
                return weather.leases.apply(place, body, manager)
            case "PATCH", _, "leases":
                return weather.leases.patch(place, body)
            case "PATCH", _, "deployments":
                return weather.workloads.merge(place, body)
            case "PATCH", _, _ if kind == APPLY:
                return weather.store.apply(place, body, manager, force=query["force"] == "true")
            case "PATCH", _, _ if kind == MERGE:
                return weather.store.merge(place, body, manager)
            case "DELETE", _, _:
                return weather.store.delete(place, body, MANAGER)
            case _:
                raise AssertionError(f"nobody asks for {verb} {path}")


@final
class Way:
    """In the place of `Access`: how to reach the API server, and as whom."""

    def __init__(self, weather: Weather, sleep: Callable[[float], None]) -> None:
        self._connection = _Connection(weather, sleep)

    @property
    def access(self) -> Access:
        """In the real one's place."""
        return cast(Access, self)

    def connect(self) -> object:
        """Credentials are as they were read."""
        return self._connection
