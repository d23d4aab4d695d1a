"""What the daemon is for: an application never reads a token that is stale."""

import threading
import time
from pathlib import Path

import pytest

from support.authorization_server import AuthorizationServer
from support.consumer import Consumer
from support.daemon import Start, entry, settings, until

SECONDS = 15


def test_five_second_tokens(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """No expired, empty or torn read, and at most 2.6 requests in each life."""
    server.lifetime = 5
    start(settings(entry(server.token_url, tmp_path)))
    file = tmp_path / "partner-api"
    until(file.exists, "the token")
    with Consumer(file) as consumer:
        time.sleep(SECONDS)
    assert consumer.faults == {}
    assert consumer.reads > SECONDS * 10
    assert len(consumer.tokens) >= SECONDS / 5
    assert len(server.requests) <= 2.6 * (SECONDS / 5 + 1)
    assert len(server.requests) == len(server.tokens)


def test_a_server_that_is_mostly_away(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Away for two seconds in every three, with six-second tokens: still nothing stale."""
    server.lifetime = 6
    start(settings(entry(server.token_url, tmp_path)))
    file, over = tmp_path / "partner-api", threading.Event()
    until(file.exists, "the token")

    def come_and_go() -> None:
        while not over.wait(1):
            server.go_away()
            over.wait(2)
            server.come_back()

    wavering = threading.Thread(target=come_and_go)
    with Consumer(file) as consumer:
        wavering.start()
        time.sleep(SECONDS)
    over.set()
    wavering.join()
    assert consumer.faults == {}
    assert len(consumer.tokens) >= 2


@pytest.mark.parametrize("number", [50])
def test_many_tokens_of_one_server(
    server: AuthorizationServer, start: Start, tmp_path: Path, number: int
) -> None:
    """Each token has its file, and none of them is ever stale."""
    server.lifetime = 8
    names = [f"token-{index}" for index in range(number)]
    daemon = start(settings(*(entry(server.token_url, tmp_path, name) for name in names)))
    until(lambda: daemon.get("/startupz")[0] == 200, "all of them")
    consumers = [Consumer(tmp_path / name, period=0.1) for name in names]
    for consumer in consumers:
        consumer.__enter__()
    time.sleep(10)
    for consumer in consumers:
        consumer.__exit__(None, None, None)
    assert [consumer.faults for consumer in consumers if consumer.faults] == []
    assert len({token for consumer in consumers for token in consumer.tokens}) > number
