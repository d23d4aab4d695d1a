"""The smallest program that keeps a token fresh in a file, with the daemon's libraries.

It has none of what makes the daemon worth running; it is what the daemon's start and memory are
measured against. Usage: python floor_file.py CONFIG, the daemon's own configuration file.
"""

import os
import sys
import threading

import prometheus_client
import requests
import structlog
import tenacity
import yaml

log = structlog.get_logger()
refreshes = prometheus_client.Counter("refreshes", "Tokens published.")
expiry = prometheus_client.Gauge("expiry_timestamp_seconds", "When the token dies.")


@tenacity.retry(wait=tenacity.wait_random_exponential(max=60))
def fetch(token: dict) -> dict:  # type: ignore[type-arg]
    body = {"grant_type": "client_credentials"}
    for key, path in (("client_id", "clientIdFile"), ("client_secret", "clientSecretFile")):
        with open(token["auth"][path]) as file:
            body[key] = file.read().strip()
    answer = requests.post(token["tokenUrl"], json=body, timeout=10)
    answer.raise_for_status()
    return answer.json()  # type: ignore[no-any-return]


def publish(path: str, text: str) -> None:
    with open(f"{path}.tmp", "w", opener=lambda name, flags: os.open(name, flags, 0o440)) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{path}.tmp", path)


def main() -> None:
    with open(sys.argv[1]) as file:
        token = yaml.safe_load(file)["tokens"][0]
    prometheus_client.start_http_server(int(os.environ.get("PORT", "0")), addr="127.0.0.1")
    pause = threading.Event()
    while True:
        granted = fetch(token)
        publish(token["sinks"][0]["file"]["path"], granted["access_token"])
        refreshes.inc()
        expiry.set_to_current_time()
        log.info("published", life=granted["expires_in"])
        pause.wait(granted["expires_in"] * 0.45)


main()
