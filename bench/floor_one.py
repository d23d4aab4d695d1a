"""The smallest program that keeps one token fresh, with the daemon's libraries.

It has none of what makes the daemon worth running; it is what the daemon's start and memory are
measured against. Usage: python floor_one.py CONFIG, the daemon's own configuration file; a Secret
is written by the account of KUBECONFIG. Like the daemon it loads what it has to.
"""

import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import prometheus_client
import requests
import structlog
import tenacity
import yaml

log = structlog.get_logger()
refreshes = prometheus_client.Counter("refreshes", "Tokens published.")
expiry = prometheus_client.Gauge("expiry_timestamp_seconds", "When the token dies.")
Settings = dict[str, Any]
Publish = Callable[[str], None]


def text(path: str) -> str:
    with open(path) as file:
        return file.read().strip()


def client(auth: Settings, url: str) -> Settings:
    if "privateKeyFile" not in auth:
        return {
            "client_id": text(auth["clientIdFile"]),
            "client_secret": text(auth["clientSecretFile"]),
        }
    import jwt

    now, me = time.time(), auth["clientId"]
    claims = {
        "iss": me,
        "sub": me,
        "aud": url,
        "iat": now,
        "exp": now + 60,
        "jti": uuid.uuid4().hex,
    }
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    signed = jwt.encode(claims, text(auth["privateKeyFile"]), auth["algorithm"])
    return {"client_id": me, "client_assertion_type": kind, "client_assertion": signed}


@tenacity.retry(wait=tenacity.wait_random_exponential(max=60))
def fetch(token: Settings) -> Settings:
    url = token["tokenUrl"]
    body = {"grant_type": "client_credentials", **client(token["auth"], url)}
    answer = requests.post(url, json=body, timeout=10)
    answer.raise_for_status()
    return answer.json()  # type: ignore[no-any-return]


def to_file(sink: Settings) -> Publish:
    path, template = sink["path"], sink.get("render", {}).get("template")
    if template:
        from jinja2.sandbox import SandboxedEnvironment

        template = SandboxedEnvironment().from_string(template)

    def publish(token: str) -> None:
        with open(f"{path}.tmp", "w", opener=lambda name, how: os.open(name, how, 0o440)) as file:
            file.write(template.render(accessToken=token) if template else token)
            file.flush()
            os.fsync(file.fileno())
        os.rename(f"{path}.tmp", path)

    return publish


def to_secret(sink: Settings) -> Publish:
    from bench.floor_secrets import apply, connect

    api = connect(os.environ["KUBECONFIG"], 1)
    return lambda token: apply(api, sink["namespace"], sink["name"], token)


def main() -> None:
    with open(sys.argv[1]) as file:
        token = yaml.safe_load(file)["tokens"][0]
    prometheus_client.start_http_server(int(os.environ.get("PORT", "0")), addr="127.0.0.1")
    sink = token["sinks"][0]
    publish = to_file(sink["file"]) if "file" in sink else to_secret(sink["secret"])
    pause = threading.Event()
    while True:
        granted = fetch(token)
        publish(granted["access_token"])
        refreshes.inc()
        expiry.set_to_current_time()
        log.info("published", life=granted["expires_in"])
        pause.wait(granted["expires_in"] * 0.45)


if __name__ == "__main__":
    main()
