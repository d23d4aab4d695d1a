"""What things cost, counted, so that nothing grows unnoticed.

Calls of our own functions and imported modules are the same on every machine, unlike times. A
limit leaves a tenth of room. Whoever needs more raises it in the same change, and says what for.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import CodeType, FrameType

import pytest

import secret_refresher
from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.kubernetes.access import Access
from secret_refresher.adapters.kubernetes.api import Api
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.config.model import Config
from secret_refresher.lifecycle.outlook import due
from secret_refresher.tokens.token import Grant
from support.authorization_server import AuthorizationServer
from support.endpoint_tokens import TokenMaker
from support.tokens import token_config
from support.world import World

OURS = next(iter(secret_refresher.__path__))
ROOM = 1.1


def ours(code: CodeType) -> bool:
    """Whether a function is ours."""
    return code.co_filename.startswith(OURS)


def calls(act: Callable[[], object], which: Callable[[CodeType], bool] = ours) -> int:
    """How many functions are called on this thread."""
    count = 0

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call" and which(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count


def world(tokens: int, sinks: int = 1) -> World:
    """Every token has been published."""
    made = World(seed=1)
    configured = tuple(token_config(f"token-{n}", sinks=sinks) for n in range(tokens))
    made.start(Config(tokens=configured))
    made.run(made.time + 300)
    return made


@pytest.mark.parametrize(("sinks", "most"), [(1, 283), (10, 1201)])
def test_a_refresh(sinks: int, most: int) -> None:
    """From the wake-up to the last publish: transitions, gate, agenda, observers."""
    made = world(1, sinks)
    before = len(made.facts)
    counted = calls(lambda: made.run(made.time + 100 * 70))
    refreshes = (len(made.facts) - before) / (1 + 1 + sinks)
    assert refreshes > 80
    assert counted / refreshes <= most * ROOM


def test_a_schedule_decision() -> None:
    """When a token is due next, of one with ten sinks that needs nothing."""
    made = world(1, sinks=10)
    state = made.engine.entries()[0].state
    assert calls(lambda: due(state, made.time)) <= 112 * ROOM


def test_an_idle_engine() -> None:
    """A turn in which nothing is due costs the same for one token as for a thousand."""
    assert calls(world(1).engine.turn) == calls(world(1000).engine.turn) <= 20


@pytest.fixture
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def _of_the_environment(code: CodeType) -> bool:
    return code.co_qualname.startswith("_Environ.")


class _Secret(BaseHTTPRequestHandler):
    """An API server that has one Secret."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b'{"kind": "Secret"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.mark.usefixtures("_no_proxy")
def test_a_request_to_the_api_server(tmp_path: Path) -> None:
    """A request looks at no environment variable: to look through all of them takes its time."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Secret) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        kubeconfig = tmp_path / "kubeconfig"
        cluster = {"server": f"http://127.0.0.1:{server.server_port}"}
        context = {"cluster": "c", "user": "u"}
        named = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": context}],
        }
        kubeconfig.write_text(json.dumps({"current-context": "x", **named}))
        api = Api(Access({"KUBECONFIG": str(kubeconfig)}), SystemClock())
        assert api.request("GET", "/").content == {"kind": "Secret"}
        assert calls(lambda: api.request("GET", "/"), _of_the_environment) == 0
        server.shutdown()


@pytest.mark.usefixtures("_no_proxy")
def test_a_token_request(tmp_path: Path) -> None:
    """Nor does a fetch, where no proxy is named in the environment."""
    with AuthorizationServer() as server:
        endpoint = TokenEndpoint(SystemClock(), MountReader(), "test")
        token = TokenMaker(server.token_url, tmp_path)()
        assert isinstance(endpoint.fetch(token, 10).result, Grant)
        assert calls(lambda: endpoint.fetch(token, 10), _of_the_environment) == 0


def test_the_modules_of_a_sidecar() -> None:
    """A daemon with a file sink loads nothing that it does not need."""
    program = "import sys, secret_refresher.cli.run; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = ran.stdout.split()
    spared = {
        "kubernetes",
        "requests",
        "jinja2",
        "jwt",
        "cryptography",
        "concurrent.futures.thread",
    }
    assert not spared & set(loaded)
    own = [name for name in loaded if name.partition(".")[0] == "secret_refresher"]
    assert len(own) <= 127 * ROOM
