"""Metrics and probes over real sockets."""

import http.client
import socket
from http import HTTPStatus

import pytest

from secret_refresher.config.model import Config, OnExpired, Refresh
from secret_refresher.probes import probes
from secret_refresher.server import CONNECTIONS, PLAIN, Answer, Server
from support.tokens import token_config
from support.world import World


@pytest.fixture
def world() -> World:
    """A world with one token, not started."""
    return World()


@pytest.fixture
def port(world: World) -> int:
    """Probes of that world on a real port."""
    engine = world.start(Config(tokens=(token_config(refresh=Refresh(on_expired=OnExpired.KEEP)),)))
    server = Server("127.0.0.1", 0, probes(engine, world, lambda: True))
    return int(server.start().rpartition(":")[2])


def get(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    """One request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_probes_follow_the_token(world: World, port: int) -> None:
    """Not started and not fresh before the first publish; both afterwards."""
    world.run(1000.1)
    assert get(port, "/livez")[0] == 200
    assert get(port, "/readyz")[0] == 200
    assert get(port, "/startupz") == (503, "partner-api: pending\n")
    assert get(port, "/freshz")[0] == 503
    world.run(1002)
    assert get(port, "/startupz") == (200, "ok\n")
    assert get(port, "/freshz") == (200, "ok\n")


def test_an_expired_token_is_not_fresh_but_alive(world: World, port: int) -> None:
    """An outage elsewhere never fails liveness, nor startup once it was reached."""
    world.run(1002)
    world.service(token_config()).away.append((0, 1e9))
    world.run(1200)
    assert get(port, "/livez")[0] == 200
    assert get(port, "/startupz")[0] == 200
    assert get(port, "/freshz") == (503, "partner-api: expired\n")


def test_a_loop_that_hangs_is_not_alive(world: World, port: int) -> None:
    """Without a turn of the loop for a minute liveness fails, and says since when."""
    world.run(1002)
    world.time += 40
    assert get(port, "/livez")[0] == 200
    world.time += 30
    status, body = get(port, "/livez")
    assert status == 503
    assert "has not turned" in body


def test_unknown_paths_say_which_there_are(port: int) -> None:
    """A typing error is answered with the paths that exist."""
    status, body = get(port, "/healthz")
    assert status == 404
    assert "/livez" in body


def test_head_has_no_body(port: int) -> None:
    """HEAD is GET without the body."""
    assert get(port, "/livez", "HEAD") == (200, "")


def test_other_methods_are_refused(port: int) -> None:
    """Nothing can be posted."""
    assert get(port, "/livez", "POST")[0] == 501


def test_idle_connections_do_not_lock_others_out_for_long(port: int) -> None:
    """Whoever holds every place is cut off, and probes are answered again."""
    hogs = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS + 8)]
    try:
        for hog in hogs:
            hog.settimeout(20)
            assert hog.recv(1) == b""
    except ConnectionResetError:
        pass
    finally:
        for hog in hogs:
            hog.close()
    assert get(port, "/livez")[0] in {200, 503}


def test_both_families_where_there_are_both() -> None:
    """`::` is reached over IPv4 too."""
    server = Server("::", 0, {"/x": lambda _asked: Answer(HTTPStatus.OK, PLAIN, b"x")})
    port = int(server.start().rpartition(":")[2])
    assert get(port, "/x") == (200, "x")


def test_a_taken_port_is_an_error() -> None:
    """Who cannot listen hears of it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = Server("127.0.0.1", taken.getsockname()[1], {})
        with pytest.raises(OSError, match="in use"):
            server.start()
