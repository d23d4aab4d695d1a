"""Keycloak as a process on loopback, with one realm, over TLS.

    with Keycloak(leaf, client_ca) as keycloak:
        keycloak.add_client(metadata)
        keycloak.issuer

Its program is what tools/authorization/build makes.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from support.certificates import Leaf
from support.cluster_leash import Leash
from support.real_servers import free_port, jvm, servers_folder

_REALM = "tests"
_READY_IN = 200.0
"""Seconds that a start may take; it takes 10 to 20."""
_OPENED = ("util", "util.concurrent", "security", "lang")
"""Packages of java that its own launcher opens to it."""
_JAVA = [
    *jvm("512m"),
    *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in _OPENED),
    "-Djava.util.concurrent.ForkJoinPool.common.threadFactory="
    "io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
    "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
    "-Dpicocli.disable.closures=true",
]
_METHODS = {
    "client_secret_basic": "client-secret",
    "client_secret_post": "client-secret",
    "private_key_jwt": "client-jwt",
    "tls_client_auth": "client-x509",
    "client_assertion": "federated-jwt",
}


class Keycloak:
    """One server; `leaf` is its certificate, `client_ca` whom it trusts, in PEM files."""

    def __init__(self, leaf: Leaf, *client_ca: str) -> None:
        self._leaf = leaf
        self._trusted = client_ca
        self._ending = contextlib.ExitStack()

    def start(self) -> Self:
        """Runs it; returns when it serves its realm."""
        program = servers_folder() / "keycloak"
        self._home = Path(tempfile.mkdtemp(prefix="secret-refresher-keycloak-"))
        leash = Leash(str(self._home))
        leash.start()
        self._ending.callback(leash.pull)
        try:
            self._launch(program, leash)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends it; its data go too."""
        self._ending.close()
        self._process.wait(30)

    @property
    def issuer(self) -> str:
        """The realm's name."""
        return f"{self._url}/realms/{_REALM}"

    @property
    def token_url(self) -> str:
        """The token endpoint; it asks for a certificate, and does without one."""
        return f"{self.issuer}/protocol/openid-connect/token"

    mutual_token_url = token_url

    def add_client(self, metadata: dict[str, Any], **attributes: str) -> None:
        """A client by its metadata (RFC 7591), translated to what Keycloak calls it."""
        method = metadata["token_endpoint_auth_method"]
        told = {
            "token.endpoint.auth.signing.alg": metadata.get("token_endpoint_auth_signing_alg"),
            "x509.subjectdn": metadata.get("tls_client_auth_subject_dn"),
            **attributes,
        }
        if "jwks" in metadata:
            told |= {"use.jwks.string": "true", "jwks.string": json.dumps(metadata["jwks"])}
        if metadata.get("tls_client_certificate_bound_access_tokens"):
            told["tls.client.certificate.bound.access.tokens"] = "true"
        self.ask(
            "clients",
            {
                "clientId": metadata["client_id"],
                "secret": metadata.get("client_secret"),
                "clientAuthenticatorType": _METHODS[method],
                "serviceAccountsEnabled": True,
                "standardFlowEnabled": False,
                "attributes": {name: value for name, value in told.items() if value},
                "optionalClientScopes": ["read", "write"],
            },
        )

    def trust_cluster(self, alias: str, issuer: str) -> None:
        """Lets clients be authenticated by ServiceAccount tokens of a Kubernetes API server."""
        trusted = {"alias": alias, "providerId": "kubernetes", "config": {"issuer": issuer}}
        self.ask("identity-provider/instances", {**trusted, "enabled": True})

    def ask(self, what: str, body: Any) -> None:
        """Makes something of the realm by the admin API."""
        self._admin(f"/{_REALM}/{what}", body)

    def _launch(self, program: Path, leash: Leash) -> None:
        for entry in program.iterdir():
            (self._home / entry.name).symlink_to(entry)
        port = free_port()
        self._url = f"https://127.0.0.1:{port}"
        self._password = secrets.token_urlsafe(16)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *_JAVA,
                    f"-Dkc.home.dir={self._home}",
                    f"-Djboss.server.config.dir={self._home / 'conf'}",
                    "-cp",
                    str(program / "lib" / "quarkus-run.jar"),
                    "io.quarkus.bootstrap.runner.QuarkusEntryPoint",
                    *("start", "--optimized", "--cache=local", "--http-host=127.0.0.1"),
                    f"--https-port={port}",
                    f"--hostname={self._url}",
                    f"--https-certificate-file={self._leaf.certificate}",
                    f"--https-certificate-key-file={self._leaf.key}",
                    f"--truststore-paths={','.join(self._trusted)}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._home,
                start_new_session=True,
                env={
                    **os.environ,
                    "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
                    "KC_BOOTSTRAP_ADMIN_PASSWORD": self._password,
                },
            )
        leash.hold(self._process.pid)
        deadline = time.monotonic() + _READY_IN
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._log.read_text(errors="replace")[-3000:]
                raise AssertionError(f"Keycloak is not ready:\n{said}")
            threading.Event().wait(0.2)
        self._admin("", {"realm": _REALM, "enabled": True, "accessTokenLifespan": 600})
        for scope in ("read", "write"):
            self.ask("client-scopes", {"name": scope, "protocol": "openid-connect"})

    @property
    def _log(self) -> Path:
        return self._home / "keycloak.log"

    def _ready(self) -> bool:
        try:
            return self._send("GET", "/realms/master").ok
        except requests.RequestException:
            return False

    def _admin(self, path: str, body: Any) -> None:
        form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin"}
        answer = self._send(
            "POST",
            "/realms/master/protocol/openid-connect/token",
            data={**form, "password": self._password},
        )
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        made = self._send("POST", f"/admin/realms{path}", json=body, headers=headers)
        assert made.ok, f"{path}: {made.status_code} {made.text[:300]}"

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            session.verify = self._trusted[0]
            return session.request(method, self._url + path, timeout=30, **options)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
