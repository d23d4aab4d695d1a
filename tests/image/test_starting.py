from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from support.image import lacking

STARTER = ("env", "--block-signal=TERM")
"""As the Dockerfile's ENTRYPOINT has it."""
CONFIG = """
server: {address: "127.0.0.1:0"}
tokens:
  - name: partner
    tokenUrl: http://127.0.0.1:9/token
    auth: {clientId: id, clientSecretFile: /nowhere/secret}
    sinks: [{file: {path: FOLDER/token}}]
"""


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.05, 0.1, 0.2, 0.4])
def test_process_1_ends_whenever_it_is_told_to(delay: float, tmp_path: str) -> None:
    """SIGTERM is never lost, however early in the start of a container it comes."""
    if subprocess.run(_alone("true"), check=False, capture_output=True).returncode:
        lacking("no PID namespace can be made here", "run as root, or allow user namespaces")
    daemon = (*STARTER, sys.executable, "-m", "secret_refresher", "run")
    environment = os.environ | {
        "SECRET_REFRESHER_CONFIG_YAML": CONFIG.replace("FOLDER", str(tmp_path))
    }
    environment.pop("SECRET_REFRESHER_CONFIG", None)
    with subprocess.Popen(_alone(*daemon), env=environment, stderr=subprocess.PIPE) as outer:
        try:
            first = _first_process(outer.pid)
            time.sleep(delay)
            os.kill(first, signal.SIGTERM)
            status = outer.wait(30)
        finally:
            outer.kill()
        assert outer.stderr is not None
        assert (status, b"Traceback" in outer.stderr.read()) == (0, False)


def _alone(*command: str) -> tuple[str, ...]:
    """The command, run as process 1 of a PID namespace of its own."""
    users = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return ("unshare", *users, "--pid", "--fork", "--kill-child", *command)


def _first_process(outer: int) -> int:
    """The process that `unshare` forked, once Python runs in it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with open(f"/proc/{outer}/task/{outer}/children", encoding="ascii") as file:
            children = file.read().split()
        if children:
            try:
                program = os.path.basename(os.readlink(f"/proc/{children[0]}/exe"))
            except OSError:
                program = ""
            if program.startswith("python"):
                return int(children[0])
    pytest.fail("unshare did not start the daemon")
