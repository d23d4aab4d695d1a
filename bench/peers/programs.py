"""The programs, and how each is told its job.

Those that are written in Go have no packages that are installed by name; their executables are
looked for where TOKEN_REFRESHER and KUBE_TOKEN_REFRESHER say (`go build` in a checkout of
github.com/observatorium/token-refresher and github.com/vshn/kube-token-refresher).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from bench.child import ROOT
from bench.interpreter import measured

HERE = os.path.join(ROOT, "bench", "peers")
SHARE = 0.75
"""Of a life, after which a program that cannot tell replaces its token; ours does so at latest."""


@final
@dataclass(frozen=True, slots=True)
class Job:
    """What a program has to do: keep the token of `token_url` in `place`.

    `place` is a file, or namespace/name of a Secret. `credentials` is a folder with `client_id`
    and `client_secret`, `folder` the program's own; `issuer` serves OpenID metadata, `port` is
    free for whatever it serves. `kubeconfig` is None for files.
    """

    token_url: str
    issuer: str
    credentials: Path
    folder: Path
    place: str
    life: float
    port: int
    kubeconfig: str | None = None
    kubectl: str = "kubectl"

    @property
    def environment(self) -> dict[str, str]:
        """For the scripts."""
        given = {
            "TOKEN_URL": self.token_url,
            "CREDENTIALS": str(self.credentials),
            "PLACE": self.place,
            "INTERVAL": f"{self.life * SHARE:g}",
            "OAUTHLIB_INSECURE_TRANSPORT": "1",  # the benchmark's server is plain, on loopback
        }
        if self.kubeconfig is not None:
            given |= {"KUBECONFIG": self.kubeconfig, "KUBECTL": self.kubectl}
        return given

    def secret(self, name: str) -> str:
        """A credential as the job began with it."""
        return (self.credentials / name).read_text().strip()


Start = Callable[[Job], tuple[list[str], Mapping[str, str]]]


@final
@dataclass(frozen=True, slots=True)
class Program:
    """A name for people, and how it is started: command, and variables beside ours."""

    name: str
    start: Start


def ours(job: Job) -> tuple[list[str], Mapping[str, str]]:
    """The daemon, with its defaults."""
    if job.kubeconfig is None:
        sink: dict[str, object] = {"file": {"path": job.place}}
    else:
        namespace, _, name = job.place.partition("/")
        # A reader of the API sees a change at once; the default is for mounted copies.
        sink = {"secret": {"name": name, "namespace": namespace, "propagation": "0s"}}
    config = {
        "tokens": [
            {
                "name": "partner-api",
                "tokenUrl": job.token_url,
                "auth": {
                    "clientIdFile": str(job.credentials / "client_id"),
                    "clientSecretFile": str(job.credentials / "client_secret"),
                },
                "sinks": [sink],
            }
        ],
        "server": {"address": f"127.0.0.1:{job.port}"},
    }
    file = job.folder / "config.json"
    file.write_text(json.dumps(config))
    return [measured(), "-m", "secret_refresher", "run", "--config", str(file)], {}


def _script(name: str) -> Start:
    runner = [measured()] if name.endswith(".py") else ["sh"]
    return lambda _job: ([*runner, os.path.join(HERE, name)], {})


def token_refresher(job: Job) -> tuple[list[str], Mapping[str, str]]:
    """Its credentials come in the environment, so that it has them for as long as it runs."""
    margin = job.life * (1 - SHARE)
    flags = {
        "oidc.issuer-url": job.issuer,
        "file": job.place,
        "margin": f"{margin:g}s",
        "web.internal.listen": f"127.0.0.1:{job.port}",
    }
    given = {
        "OIDC_CLIENT_ID": job.secret("client_id"),
        "OIDC_CLIENT_SECRET": job.secret("client_secret"),
    }
    command = [os.environ["TOKEN_REFRESHER"]]
    return [*command, *(f"--{flag}={value}" for flag, value in flags.items())], given


def kube_token_refresher(job: Job) -> tuple[list[str], Mapping[str, str]]:
    """Its interval is whole seconds, its credentials come in the environment."""
    namespace, _, name = job.place.partition("/")
    flags = {
        "secret.name": name,
        "secret.namespace": namespace,
        "interval": f"{int(job.life * SHARE)}",
        "oidc.tokenurl": job.token_url,
    }
    given = {
        "KTR_OIDC_CLIENTID": job.secret("client_id"),
        "KTR_OIDC_CLIENTSECRET": job.secret("client_secret"),
    }
    command = [os.environ["KUBE_TOKEN_REFRESHER"]]
    return [*command, *(f"--{flag}={value}" for flag, value in flags.items())], given


OURS = "secret-refresher"


def to_files() -> list[Program]:
    """Those that keep a file."""
    found = [
        Program(OURS, ours),
        Program("sh, curl", _script("curl-to-file.sh")),
        Program("requests-oauthlib", _script("oauthlib_to_file.py")),
    ]
    if os.environ.get("TOKEN_REFRESHER"):
        found.append(Program("token-refresher", token_refresher))
    return found


def to_secrets() -> list[Program]:
    """Those that keep a Secret."""
    found = [Program(OURS, ours), Program("sh, curl, kubectl", _script("curl-to-secret.sh"))]
    if os.environ.get("KUBE_TOKEN_REFRESHER"):
        found.append(Program("kube-token-refresher", kube_token_refresher))
    return found
