from __future__ import annotations

import json
import os
import re

import pytest

from support.image import CANARY, PROJECT, TOOLS, Image, run

# The first of them builds.
pytestmark = pytest.mark.timeout(900)


def test_a_pod_of_the_image_keeps_a_token_fresh(image: Image) -> None:
    """As a pod runs it, a consumer of another user sees live tokens only, and SIGTERM ends it.

    Random user, the pod's group, read-only root, no capabilities, no new privileges, 64 MiB with
    the in-memory volume inside.
    """
    ran = run(
        [os.path.join(TOOLS, "pod-run"), image.name, "--json"], limit=300, IMAGE_TOOL=image.tool
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads(ran.stdout)
    assert report["wrong"] == []
    assert set(report["reads"]) == {"live"}
    assert report["stop_status"] == 0
    assert report["daemon_user"].split(":")[0] != report["consumer_user"].split(":")[0]


def test_the_image_runs_as_nobody_and_says_what_it_is(image: Image) -> None:
    """Without a word from the pod it is not root, runs the daemon, and is labelled."""
    config = image.config()
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"][-1] == "secret-refresher"
    assert config["Cmd"] == ["run"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.title"] == "secret-refresher"
    assert re.fullmatch(
        r"[0-9a-f]{40}(-dirty)?|unknown", labels["org.opencontainers.image.revision"]
    )


def test_the_image_holds_no_shell_and_no_package_manager(image: Image) -> None:
    """Whoever breaks in finds nothing to work with."""
    files = image.files()
    assert len(files) > 1000
    programs = {os.path.basename(path) for path in files if "/bin/" in path}
    assert programs <= {"env", "python", "python3", "python3.13", "secret-refresher"}
    unwanted = re.compile(r"/(pip|ensurepip|setuptools|apt|dpkg-deb)(/|$)|\.whl$|/\.cache(/|$)")
    assert [path for path in files if unwanted.search(path)] == []


def test_the_image_keeps_nothing_of_the_build(image: Image) -> None:
    """Pip's settings, which may hold a password of the building network, are in no file."""
    places = [path for path in image.files() if path.startswith(("/build", "/run/"))]
    assert places in ([], ["/run/.containerenv"])
    found = image.python(
        "import os\n"
        f"canary = {CANARY[::-1]!r}[::-1].encode()\n"
        "for at, dirs, files in os.walk('/'):\n"
        "    dirs[:] = [d for d in dirs if at != '/' or d not in ('proc', 'sys', 'dev')]\n"
        "    for name in files:\n"
        "        with open(os.path.join(at, name), 'rb') as file:\n"
        "            if canary in file.read():\n"
        "                print(os.path.join(at, name))\n"
    )
    assert found == ""


def test_nobody_but_root_could_write_to_the_image(image: Image) -> None:
    """Even where the root is not mounted read-only, a random user changes nothing of it."""
    writable = image.python(
        "import os\n"
        "for at, dirs, files in os.walk('/'):\n"
        "    dirs[:] = [d for d in dirs if at != '/' or d not in ('proc', 'sys', 'dev', 'run')]\n"
        "    for name in dirs + files:\n"
        "        path = os.path.join(at, name)\n"
        "        if not os.path.islink(path) and os.lstat(path).st_mode & 0o022:\n"
        "            print(path)\n"
    )
    assert writable.split() == ["/tmp"]  # noqa: S108


def test_every_module_of_the_daemon_comes_compiled(image: Image) -> None:
    """A start on a read-only root compiles nothing of ours, though no byte code is checked."""
    missing = image.python(
        "import importlib.util, os, pkgutil, secret_refresher\n"
        "for found in pkgutil.walk_packages(secret_refresher.__path__, 'secret_refresher.'):\n"
        "    if found.name.endswith('__main__'):\n"
        "        continue\n"
        "    spec = importlib.util.find_spec(found.name)\n"
        "    with open(spec.cached, 'rb') as file:\n"
        "        head = file.read(8)\n"
        "    if head[:4] != importlib.util.MAGIC_NUMBER or head[4] != 1:\n"
        "        print(found.name)\n"
    )
    assert missing == ""


KUBERNETES = """
import http.server, json, sys, threading, os
from secret_refresher.adapters.kubernetes.access import Access

class Stub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Stub)
threading.Thread(target=server.serve_forever, daemon=True).start()
one = {"name": "one"}
kubeconfig = {
    "clusters": [one | {"cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
    "users": [one | {"user": {"token": "token"}}],
    "contexts": [one | {"context": {"cluster": "one", "user": "one"}}],
    "current-context": "one",
}
with open("/tmp/kubeconfig", "w") as file:
    json.dump(kubeconfig, file)
client = Access({"KUBECONFIG": "/tmp/kubeconfig"}).connect().client
verb, url, headers, body, _ = client.param_serialize("GET", "/api", auth_settings=["BearerToken"])
print(client.call_api(verb, url, headers, body).response.status)
for module in list(sys.modules.values()):
    spec = getattr(module, "__spec__", None)
    if spec and spec.cached and module.__name__.startswith(("kubernetes", "pydantic")):
        if not os.path.exists(spec.cached):
            print(module.__name__)
"""


def test_what_was_left_out_is_not_missed(image: Image) -> None:
    """The half of kubernetes' client that the image has talks to a server, and is compiled."""
    assert image.python(KUBERNETES, "--tmpfs", "/tmp").split() == ["200"]  # noqa: S108


def test_the_image_is_built_from_locked_files_only() -> None:
    """What the build installs is a part of what the tests ran with, hash for hash."""

    def locked(name: str) -> dict[str, frozenset[str]]:
        with open(os.path.join(PROJECT, "requirements", name), encoding="ascii") as file:
            text = file.read().replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line and line[0] not in " #"]
        return {line.split()[0]: frozenset(re.findall(r"--hash=(\S+)", line)) for line in lines}

    tested = locked("dev.txt")
    for name in ("build.txt", "runtime.txt"):
        for requirement, hashes in locked(name).items():
            assert hashes, requirement
            assert tested.get(requirement) == hashes, f"{name}: {requirement}"
