"""The faulty way to the API server misbehaves as it is told, and not otherwise."""

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
import requests

from support.cluster import Client, Cluster, Object, ServiceAccount
from support.cluster_faults import (
    Cut,
    Delay,
    Drip,
    FaultyWay,
    Silence,
    gone,
    gone_in_watch,
    too_many,
)


@pytest.fixture
def way(cluster: Cluster) -> Iterator[FaultyWay]:
    """Harmless as yet."""
    with FaultyWay(cluster) as way:
        yield way


@pytest.fixture
def admin(cluster: Cluster, way: FaultyWay) -> Iterator[Client]:
    """The admin, who comes by that way."""
    client = cluster.admin.at(way.url)
    yield client
    client.close()


def config_map(namespace: str, name: str = "one") -> Object:
    """A ConfigMap's manifest."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}


def watch(client: Client, namespace: str) -> Generator[dict[str, Any], None, None]:
    """The events of a watch on ConfigMaps."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    with client.request("GET", path, params={"watch": "1"}, stream=True) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines(chunk_size=1):
            yield json.loads(line)


def eventually(holds: Callable[[], bool]) -> None:
    """Waits for it, far longer than it takes."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_harmless(admin: Client, way: FaultyWay, namespace: str) -> None:
    """Requests and answers of every kind pass as they are, and are noted."""
    admin.create(config_map(namespace))
    admin.patch("configmaps", "one", {"data": {"b": "x" * 300_000}}, namespace)
    assert len(admin.get("configmaps", "one", namespace)["data"]["b"]) == 300_000
    admin.delete("configmaps", "one", namespace)
    methods = [one.method for one in way.passed if "configmaps" in one.target]
    assert methods == ["POST", "PATCH", "GET", "DELETE"]


def test_kubectl_by_that_way(
    cluster: Cluster, account: ServiceAccount, way: FaultyWay, tmp_path: str
) -> None:
    """A client that nobody here wrote takes the way by a kubeconfig."""
    path = f"{tmp_path}/config"
    account.kubeconfig(path, server=way.url)
    shown = cluster.kubectl("--kubeconfig", path, "auth", "whoami")
    assert account.username in shown
    assert way.passed


def test_answers_in_its_place(
    cluster: Cluster, admin: Client, way: FaultyWay, namespace: str
) -> None:
    """A 429 comes so many times, to those requests only, and the API server never sees them."""
    admin.create(config_map(namespace))
    mark = cluster.mark()
    way.put(too_many(retry_after=7), method="GET", part="/configmaps/one", times=2)
    path = f"/api/v1/namespaces/{namespace}/configmaps/one"
    answers = [admin.request("GET", path) for _ in range(3)]
    assert [one.status_code for one in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[0].json()["reason"] == "TooManyRequests"
    assert len(cluster.asked(mark, verb="get", resource="configmaps")) == 1


def test_gone(admin: Client, way: FaultyWay, namespace: str) -> None:
    """410 comes as a status, or inside a watch that was let in."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    way.put(gone(), watch=False, times=1)
    assert admin.request("GET", path).status_code == 410
    way.put(gone_in_watch(), watch=True, times=1)
    [event] = watch(admin, namespace)
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_cut_before(cluster: Cluster, admin: Client, way: FaultyWay, namespace: str) -> None:
    """A request that is cut off on its way is not carried out."""
    way.put(Cut(), method="POST", times=1)
    with pytest.raises(requests.ConnectionError):
        admin.create(config_map(namespace))
    assert not cluster.admin.list("configmaps", namespace)


def test_cut_after(cluster: Cluster, admin: Client, way: FaultyWay, namespace: str) -> None:
    """An answer that is cut off leaves the client in the dark about a write that was made."""
    way.put(Cut(after=0), method="POST", times=1)
    with pytest.raises(requests.ConnectionError):
        admin.create(config_map(namespace))
    assert len(cluster.admin.list("configmaps", namespace)) == 1


def test_cut_in_body(admin: Client, way: FaultyWay, namespace: str) -> None:
    """An answer may break off in the middle."""
    admin.create(config_map(namespace))
    way.put(Cut(after=700), method="GET", times=1)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        admin.get("configmaps", "one", namespace)


def test_delay_and_drip(admin: Client, way: FaultyWay, namespace: str) -> None:
    """A slow way is slow and loses nothing."""
    admin.create(config_map(namespace))
    for fault in (Delay(0.5), Drip(2000)):
        way.put(fault, method="GET", times=1)
        began = time.monotonic()
        assert admin.get("configmaps", "one", namespace)["data"] == {"a": "1"}
        assert time.monotonic() - began >= 0.4


def test_silence(cluster: Cluster, admin: Client, way: FaultyWay, namespace: str) -> None:
    """A request may never be answered, nor carried out."""
    way.put(Silence(), method="DELETE", times=1)
    cluster.admin.create(config_map(namespace))
    path = f"/api/v1/namespaces/{namespace}/configmaps/one"
    with pytest.raises(requests.ReadTimeout):
        admin.request("DELETE", path, timeout=0.5)
    assert len(cluster.admin.list("configmaps", namespace)) == 1


def test_hushed_watch(cluster: Cluster, admin: Client, way: FaultyWay, namespace: str) -> None:
    """A watch goes silent while other requests pass, and later tells what it held back."""
    heard: list[str] = []

    def listen() -> None:
        for event in watch(admin, namespace):
            heard.append(event["object"]["metadata"]["name"])
            if len(heard) == 2:
                return

    listener = threading.Thread(target=listen)
    listener.start()
    cluster.admin.create(config_map(namespace, "one"))
    eventually(lambda: heard == ["one"])
    way.hush()
    admin.create(config_map(namespace, "two"))
    listener.join(1)
    assert heard == ["one"]
    way.speak()
    listener.join(30)
    assert heard == ["one", "two"]


def test_watch_ends_with_its_client(cluster: Cluster, admin: Client, namespace: str) -> None:
    """A client that goes away ends its watch at the API server too."""
    mark = cluster.mark()
    events = watch(admin, namespace)
    cluster.admin.create(config_map(namespace))
    next(events)
    events.close()
    eventually(
        lambda: (
            [one.status for one in cluster.asked(mark, verb="watch", namespace=namespace)] == [200]
        )
    )


def test_api_server_away(cluster: Cluster, admin: Client) -> None:
    """With the API server away the way breaks connections, and leads there again afterwards."""
    with cluster.away(), pytest.raises(requests.ConnectionError):
        admin.request("GET", "/version")
    assert admin.request("GET", "/version").ok


def test_passed_tells_watches(admin: Client, way: FaultyWay, namespace: str) -> None:
    """Watches are told from lists."""
    way.put(gone(), times=2)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    admin.request("GET", path, params={"watch": "true"})
    admin.request("GET", path, params={"allowWatchBookmarks": "true"})
    assert [one.watches for one in way.passed] == [True, False]
    assert [one.fault for one in way.passed] == [gone(), gone()]
