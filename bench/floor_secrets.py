"""Secrets by the daemon's generic client and nothing else: what the floors write them with."""

import base64
import json
from typing import Any

from kubernetes.client import ApiClient, Configuration
from kubernetes.config.kube_config import load_kube_config


def connect(kubeconfig: str, connections: int) -> ApiClient:
    """The generic client, as the daemon has it."""
    configuration = Configuration()
    configuration.retries = False
    configuration.connection_pool_maxsize = connections
    load_kube_config(  # type: ignore[no-untyped-call]
        kubeconfig, client_configuration=configuration, persist_config=False
    )
    return ApiClient(configuration)


def read(client: ApiClient, namespace: str, name: str) -> None:
    """Asks for a Secret, and takes the answer for read."""
    _ask(client, "GET", namespace, name)


def apply(client: ApiClient, namespace: str, name: str, token: str) -> None:
    """Applies a Secret with one token on the server's side."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"token": base64.b64encode(token.encode()).decode()},
    }
    _ask(client, "PATCH", namespace, name, secret)


def _ask(
    client: ApiClient, method: str, namespace: str, name: str, body: dict[str, Any] | None = None
) -> None:
    query = [("fieldManager", "floor"), ("force", "true")] if body else []
    verb, url, headers, content, _ = client.param_serialize(
        method=method,
        resource_path=f"/api/v1/namespaces/{namespace}/secrets/{name}",
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
