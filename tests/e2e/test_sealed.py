"""What other processes of its user, and whoever looks at what crashed, learn of the daemon."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.authorization_server import AuthorizationServer
from support.daemon import Start, entry, settings

READABLE = {"environ", "maps", "fd/0", "root/etc", "cwd/."}
"""What of /proc/PID a process may read of another one of its user, as a rule."""
PRIVATE = READABLE | {"mem"}  # some distributions forbid this one to all but the parent (Yama)
LOOK = """
import os, sys
for name in sys.argv[2:]:
    try:
        os.close(os.open(f"/proc/{sys.argv[1]}/{name}", os.O_RDONLY))
    except PermissionError:
        continue
    print(name)
"""
# Root without capabilities is like any other user.
POWERLESS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []


@pytest.fixture
def python(tmp_path: Path) -> str:
    """An interpreter that may write cores of any size, in a folder of its own."""
    program = tmp_path / "powerless-python"
    (tmp_path / "cores").mkdir()
    program.write_text(
        f"#!/bin/sh\nulimit -c unlimited\ncd {tmp_path / 'cores'}\n"
        f'exec {" ".join(POWERLESS)} {sys.executable} "$@"\n'
    )
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def sleeper(python: str) -> Iterator[int]:
    """A process of the same user that holds nothing back."""
    command = [python, "-c", "print(flush=True); import time; time.sleep(600)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def seen(pid: int) -> set[str]:
    """What of PRIVATE a process of the same user can open."""
    command = [*POWERLESS, sys.executable, "-I", "-c", LOOK, str(pid), *PRIVATE]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def dumped(pid: int) -> bool:
    """Aborts a child of ours; whether the kernel wrote a core of it."""
    os.kill(pid, signal.SIGABRT)
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    assert ended.si_status == signal.SIGABRT
    return ended.si_code == os.CLD_DUMPED


def test_its_users_other_processes_see_nothing(
    server: AuthorizationServer, start: Start, tmp_path: Path, python: str, sleeper: int
) -> None:
    """Memory, environment, open files and mounts are closed to them.

    A container that shares the user and the process namespace would read credentials there.
    """
    daemon = start(settings(entry(server.token_url, tmp_path)), python=python)
    daemon.wait("token published")
    assert seen(sleeper) >= READABLE
    assert seen(daemon.pid) == set()
    assert daemon.metrics()[("process_open_fds", frozenset())] > 3  # it still sees itself
    assert daemon.stop() == 0


def test_a_crash_leaves_no_core(
    server: AuthorizationServer, start: Start, tmp_path: Path, python: str, sleeper: int
) -> None:
    """However large cores may be: an abort writes none, and so no token to a disk."""
    daemon = start(settings(entry(server.token_url, tmp_path)), python=python)
    daemon.wait("token published")
    limits = resource.prlimit(daemon.pid, resource.RLIMIT_CORE)
    assert limits == (0, 0)
    assert not dumped(daemon.pid)
    assert list((tmp_path / "cores").iterdir()) == []
    assert dumped(sleeper)
