"""The smallest programs that do the daemon's work with its libraries: what it is measured by.

    python tools/show/floor.py refresh KUBECONFIG TOKEN_URL NAMESPACE COUNT PAUSE
    python tools/show/floor.py fill KUBECONFIG TOKEN_URL NAMESPACE,... COUNT THREADS READ

`refresh` fetches a token and applies it to one Secret, COUNT times with a pause in seconds
between; then it prints a line and waits for the end of its input. `fill` fetches a token for
each of COUNT Secrets and applies it, by so many threads, having read the Secret before where
READ is 1.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

# What the daemon has loaded as well, needed here or not.
import prometheus_client  # noqa: F401
import requests
import structlog  # noqa: F401
import tenacity  # noqa: F401
from kubernetes.client import ApiClient, Configuration
from kubernetes.config.kube_config import load_kube_config

CREDENTIALS = {
    "client_id": "me",
    "client_secret": "sesame",
    "grant_type": "client_credentials",
}


def connect(kubeconfig: str, connections: int) -> ApiClient:
    """The generic client, as the daemon has it."""
    configuration = Configuration()
    configuration.retries = False
    configuration.connection_pool_maxsize = connections
    load_kube_config(  # type: ignore[no-untyped-call]
        kubeconfig, client_configuration=configuration, persist_config=False
    )
    return ApiClient(configuration)


def ask(client: ApiClient, method: str, path: str, body: dict[str, Any] | None = None) -> None:
    """One request; the answer is read, and only that."""
    query = [("fieldManager", "floor"), ("force", "true")] if body else []
    verb, url, headers, content, _ = client.param_serialize(
        method=method,
        resource_path=path,
        query_params=query,
        header_params={
            "Accept": "application/json",
            "Content-Type": "application/apply-patch+yaml",
        },
        body=body,
        auth_settings=["BearerToken"],
    )
    answer = client.call_api(verb, url, headers, body=content, _request_timeout=10)
    json.loads(answer.response.data)
    answer.response.release_conn()


def path(namespace: str, name: str) -> str:
    """Of a Secret."""
    return f"/api/v1/namespaces/{namespace}/secrets/{name}"


def secret(namespace: str, name: str, token: str) -> dict[str, Any]:
    """A Secret with one token."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"token": base64.b64encode(token.encode()).decode()},
    }


def refresh(kubeconfig: str, url: str, namespace: str, count: str, pause: str) -> None:
    """One Secret, again and again."""
    client, session = connect(kubeconfig, 1), requests.Session()
    for _ in range(int(count)):
        answer = session.post(url, json=CREDENTIALS, timeout=10)
        token = answer.json()["access_token"]
        ask(client, "PATCH", path(namespace, "t"), secret(namespace, "t", token))
        threading.Event().wait(float(pause))
    print("done", flush=True)
    sys.stdin.read()


def fill(kubeconfig: str, url: str, namespaces: str, *numbers: str) -> None:
    """Many Secrets, once."""
    count, threads, read = map(int, numbers)
    client, places = connect(kubeconfig, threads), namespaces.split(",")
    own = threading.local()

    def one(number: int) -> None:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        name, namespace = f"t-{number:05d}", places[number % len(places)]
        if read:
            ask(client, "GET", path(namespace, name))
        token = own.session.post(url, json=CREDENTIALS, timeout=10).json()["access_token"]
        ask(client, "PATCH", path(namespace, name), secret(namespace, name, token))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(count)))


if __name__ == "__main__":
    if sys.argv[1] == "refresh":
        refresh(*sys.argv[2:])
    else:
        fill(*sys.argv[2:])
