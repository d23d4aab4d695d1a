"""What clients and defects can do to the pages, and what they cannot."""

import contextlib
import http.client
import re
import resource
import socket
import subprocess
import sys
from http import HTTPStatus

import pytest

from secret_refresher.server import CONNECTIONS, PLAIN, Answer, Asked, Server
from support.daemon import until

SECRET = "correct-horse"


def broken(_asked: Asked) -> Answer:
    """A page that fails with a secret in its hands."""
    raise KeyError(SECRET)


@pytest.fixture
def port() -> int:
    """A server with a page that works and one that does not."""
    works = Answer(HTTPStatus.OK, PLAIN, b"ok\n")
    server = Server("127.0.0.1", 0, {"/works": lambda _asked: works, "/broken": broken})
    return int(server.start().rpartition(":")[2])


def get(port: int, path: str) -> tuple[int, str]:
    """One request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def served(port: int) -> bool:
    """Whether a page is answered; with no place free it is not."""
    with contextlib.suppress(http.client.HTTPException, OSError):
        return get(port, "/works") == (200, "ok\n")
    return False


def test_a_defect_is_answered(port: int) -> None:
    """With status 500 and where it was, never with what it was about; the next page works."""
    status, body = get(port, "/broken")
    assert status == 500
    assert re.fullmatch(r"a defect of ours: KeyError at \S+\.py:\d+; please report .*\n", body)
    assert SECRET not in body
    assert get(port, "/works") == (200, "ok\n")


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /works HTTP/9.9\r\n\r\n",
        b"GET /works\r\n",
        b"BREW /works HTTP/1.1\r\n\r\n",
        b"GET http://other/works HTTP/1.1\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /works HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"GET /works HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=range(13),
)
def test_odd_requests_harm_nobody(port: int, request_: bytes) -> None:
    """Whatever somebody sends, the answer quotes nothing of ours and the next one is served."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        answer = b""
        try:
            client.sendall(request_)
            client.shutdown(socket.SHUT_WR)
            while more := client.recv(65536):
                answer += more
        except TimeoutError:
            pytest.fail("neither answered nor cut off")
        except OSError:
            pass  # the server had read enough, and it may say so at any step
    assert b"Traceback" not in answer
    assert b"root:" not in answer
    assert get(port, "/works") == (200, "ok\n")


def test_a_client_that_leaves_early_harms_nobody(port: int) -> None:
    """Many that ask and go before the answer."""
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET /works HTTP/1.0\r\n\r\n")
    until(lambda: served(port))


ALONE = """
from http import HTTPStatus
from secret_refresher.server import PLAIN, Answer, Server

answer = Answer(HTTPStatus.OK, PLAIN, b"ok")
print(Server("127.0.0.1", 0, {"/": lambda _asked: answer}).start(), flush=True)
input()
"""


def answered(port: int) -> bool:
    """Whether a request is."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return get(port, "/") == (200, "ok")
    return False


def test_no_place_is_lost_where_no_thread_can_begin() -> None:
    """Requests that the machine has no memory for are cut off; later ones are answered again."""
    with subprocess.Popen(
        [sys.executable, "-c", ALONE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as alone:
        assert alone.stdout is not None
        port = int(alone.stdout.readline().rpartition(b":")[2])
        before = resource.prlimit(alone.pid, resource.RLIMIT_AS)
        resource.prlimit(alone.pid, resource.RLIMIT_AS, (1 << 20, before[1]))
        for _ in range(2 * CONNECTIONS):
            assert not answered(port)
        resource.prlimit(alone.pid, resource.RLIMIT_AS, before)
        until(lambda: answered(port), "an answer", 60)
        alone.communicate(b"\n")
