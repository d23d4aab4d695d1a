"""The smallest program that keeps many tokens fresh: a pool of threads, `requests`, one write.

    python floor_many.py once THREADS CONFIG
    python floor_many.py again THREADS CONFIG

CONFIG is the daemon's own, in JSON; all tokens have the first one's credentials, and go to files,
or to Secrets by the account of KUBECONFIG. `once` fetches and publishes each token once, and reads
each Secret before, as one must who would not overwrite a live token. `again` goes on for ever: a
token is due before half of its life is over, and each refresh prints the seconds from then until
it was published.
"""

import contextlib
import heapq
import json
import os
import queue
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

# What the daemon has loaded as well, needed here or not.
import prometheus_client  # noqa: F401
import requests
import structlog  # noqa: F401
import tenacity  # noqa: F401

from bench.floor_one import Settings, client, to_file

how, threads = sys.argv[1], int(sys.argv[2])
with open(sys.argv[3]) as file:
    tokens = json.load(file)["tokens"]
body = {"grant_type": "client_credentials", **client(tokens[0]["auth"], "")}
own = threading.local()
if "secret" in tokens[0]["sinks"][0]:
    from bench.floor_secrets import apply, connect, read

    api = connect(os.environ["KUBECONFIG"], threads)


def refresh(token: Settings) -> float:
    if not hasattr(own, "session"):
        own.session = requests.Session()
    ((kind, sink),) = token["sinks"][0].items()
    if kind == "secret" and how == "once":
        read(api, sink["namespace"], sink["name"])
    granted = own.session.post(token["tokenUrl"], json=body, timeout=10).json()
    if kind == "secret":
        apply(api, sink["namespace"], sink["name"], granted["access_token"])
    else:
        to_file(sink)(granted["access_token"])
    return granted["expires_in"]  # type: ignore[no-any-return]


def again(due: float, token: Settings) -> None:
    begin = time.monotonic()
    life = refresh(token)
    # In one piece: others print as well.
    print(f"{time.monotonic() - due}\n", end="", flush=True)
    share = random.uniform(0.4, 0.5)  # noqa: S311 - no secret
    later.put((begin + life * share, token["name"], token))


with ThreadPoolExecutor(threads) as pool:
    if how == "once":
        list(pool.map(refresh, tokens))
        sys.exit()
    later: queue.SimpleQueue[tuple[float, str, Settings]] = queue.SimpleQueue()
    waiting = [(time.monotonic(), token["name"], token) for token in tokens]
    while True:
        left = waiting[0][0] - time.monotonic() if waiting else None
        if left is not None and left <= 0:
            due, _, token = heapq.heappop(waiting)
            pool.submit(again, due, token)
            continue
        with contextlib.suppress(queue.Empty):
            heapq.heappush(waiting, later.get(timeout=left))
