"""How to reach the API server: the pod's ServiceAccount, or a kubeconfig.

The only module that imports `kubernetes`, and only when something will ask the API server.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final
from urllib.parse import urlencode

import urllib3
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from secret_refresher import __version__
from secret_refresher.adapters.whole_requests import WholeRequests, WholeRequestsTls
from secret_refresher.errors import Fault, Lane, Reason, Trouble

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where the kubelet mounts token, ca.crt and namespace."""
CONNECTIONS = 16
"""Connections that are kept for reuse."""
_SERVICE_HOST = "KUBERNETES_SERVICE_HOST"
_KUBECONFIG = "KUBECONFIG"
_DEFAULT_KUBECONFIG = "~/.kube/config"


def load() -> None:
    """Imports the client, before there are threads that import as well.

    `kubernetes` has `requests` below it, as the token endpoint has: begun on two threads at once,
    one of them can meet a module that is half made, and fail.
    """
    from kubernetes import client, config

    del client, config


class _Pool(HTTPConnectionPool):
    ConnectionCls = WholeRequests


class _PoolTls(HTTPSConnectionPool):
    ConnectionCls = WholeRequestsTls


@final
@dataclass(frozen=True, slots=True)
class Connection:
    """A client with the credentials as they were read, and the namespace to fall back on."""

    client: ApiClient
    namespace: str

    def call(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        head: Mapping[str, str],
        *,
        body: object,
        seconds: tuple[float, float],
    ) -> urllib3.BaseHTTPResponse:
        """The answer to one request, whose content is still to be read; redirects are answers.

        `body` is JSON, or None; `seconds` to connect and between two pieces of the answer. Raises
        what the library does. Of it only the connections are used, with their TLS, proxies and
        credentials: its own way to them would look at body and head in search of its models.
        """
        configuration = self.client.configuration
        url = f"{configuration.host}{path}"
        if query:
            url = f"{url}?{urlencode(query)}"
        headers = {**self.client.default_headers, **head}
        bearer = configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if bearer:
            # A token file may end with a line's end, as it may for kubectl.
            headers["Authorization"] = bearer.strip()
        response: urllib3.BaseHTTPResponse = self.client.rest_client.pool_manager.urlopen(
            method,
            url,
            redirect=False,
            body=None if body is None else json.dumps(body),
            headers=headers,
            timeout=urllib3.Timeout(connect=seconds[0], read=seconds[1]),
            preload_content=False,
        )
        return response


@final
class Access:
    """Reads how to reach the API server; again whenever credentials were refused.

    1. `KUBECONFIG`, where it is set. 2. The pod's ServiceAccount. 3. `~/.kube/config`.
    """

    def __init__(self, environ: Mapping[str, str], service_account: str = SERVICE_ACCOUNT) -> None:
        self._environ = environ
        self._mount = service_account

    def connect(self) -> Connection:
        """A client; nothing is sent. Raises `Trouble` that says what is missing."""
        from kubernetes.client import ApiClient, Configuration

        configuration = Configuration()
        configuration.retries = False  # pauses between attempts are the lifecycle's
        configuration.connection_pool_maxsize = CONNECTIONS
        named = self._environ.get(_KUBECONFIG)
        if not named and self._environ.get(_SERVICE_HOST):
            namespace = self._in_cluster(configuration)
        else:
            namespace = self._kubeconfig(configuration, named or _DEFAULT_KUBECONFIG)
        # One that is set is not looked for in the environment again at every request.
        configuration.proxy = configuration.proxy
        client = ApiClient(configuration)
        client.user_agent = f"secret-refresher/{__version__}"
        pools = {"http": _Pool, "https": _PoolTls}
        client.rest_client.pool_manager.pool_classes_by_scheme = pools
        return Connection(client, namespace)

    def _in_cluster(self, configuration: object) -> str:
        from kubernetes.config.config_exception import ConfigException
        from kubernetes.config.incluster_config import InClusterConfigLoader

        loader = InClusterConfigLoader(  # type: ignore[no-untyped-call]
            token_filename=os.path.join(self._mount, "token"),
            cert_filename=os.path.join(self._mount, "ca.crt"),
            environ=self._environ,
        )
        try:
            loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
        except (ConfigException, OSError, UnicodeDecodeError):
            raise _unreachable(
                f"the ServiceAccount's token cannot be read from {self._mount}",
                "let the pod mount it: automountServiceAccountToken: true",
            ) from None
        try:
            with open(os.path.join(self._mount, "namespace"), encoding="utf-8") as file:
                return file.read().strip()
        except (OSError, UnicodeDecodeError):
            return "default"

    def _kubeconfig(self, configuration: object, paths: str) -> str:
        from kubernetes.config.config_exception import ConfigException
        from kubernetes.config.kube_config import list_kube_config_contexts, load_kube_config

        shown = ", ".join(path for path in paths.split(os.pathsep) if path)
        if not any(os.path.exists(os.path.expanduser(path)) for path in paths.split(os.pathsep)):
            raise _unreachable(
                f"there is no cluster to write to: neither a pod's ServiceAccount nor {shown}",
                "run it in a pod, or name a kubeconfig in KUBECONFIG",
            )
        try:
            load_kube_config(  # type: ignore[no-untyped-call]
                paths, client_configuration=configuration, persist_config=False
            )
            _, current = list_kube_config_contexts(paths)  # type: ignore[no-untyped-call]
        except ConfigException as wrong:
            # Its text may quote the file, so only what it is about is taken from it.
            if "context" in str(wrong):
                raise _unreachable(
                    f"the current context of {shown} does not exist",
                    "name an existing one by `kubectl config use-context`",
                ) from None
            raise _unreachable(
                f"{shown} is no complete kubeconfig", "compare it with `kubectl config view`"
            ) from None
        except Exception:  # noqa: BLE001 - YAML errors, wrong types, files that are not there
            raise _unreachable(
                f"{shown} cannot be read as a kubeconfig",
                "look at the file and those that it names with `kubectl config view`",
            ) from None
        namespace = current.get("context", {}).get("namespace")
        return namespace if isinstance(namespace, str) and namespace else "default"


def _unreachable(summary: str, advice: str) -> Trouble:
    return Trouble(Fault(Reason.KUBERNETES, summary, advice, Lane.PERMANENT))
