"""A signal goes to the process that is meant, and to no other one."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from secret_refresher.adapters.notify import signals
from secret_refresher.adapters.notify.processes import look
from secret_refresher.config.consumers import SignalConsumer, SignalName
from secret_refresher.errors import Fault, Reason, Trouble
from support.daemon import until

PROGRAM = """
import pathlib, signal, sys, time
where = pathlib.Path(sys.argv[1])
def note(number, frame):
    with where.open("a") as lines:
        lines.write(f"{number}\\n")
if sys.argv[2] == "handles":
    signal.signal(signal.SIGHUP, note)
    signal.signal(signal.SIGUSR1, note)
where.write_text("")
time.sleep(60)
"""


class Program:
    """A process with a name of its own, which notes the signals that it gets.

    Whoever runs the same test at the same time has processes of other names. The kernel keeps 15
    letters of a name (proc_pid_comm(5)).
    """

    def __init__(self, folder: Path, name: str, *, handles: bool = True) -> None:
        self.name = name = f"{name[:8]}-{secrets.token_hex(3)}"
        self.notes = folder / f"{name}.notes"
        self.pid_file = folder / f"{name}.pid"
        program = os.path.join(folder, name)
        if not os.path.exists(program):
            os.symlink(sys.executable, program)
        command = [program, "-c", PROGRAM, str(self.notes), "handles" if handles else "dies"]
        self.process = subprocess.Popen(command)
        self.pid_file.write_text(f"{self.process.pid}\n")

    def ready(self) -> "Program":
        """It has its handlers."""
        until(self.notes.exists, "the program")
        return self

    def got(self) -> list[str]:
        """The numbers of signals that came."""
        return self.notes.read_text().split()

    def end(self) -> None:
        """Kills and buries it."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def programs() -> Iterator[ExitStack]:
    """Whatever was begun ends."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def app(tmp_path: Path, programs: ExitStack) -> Program:
    """A running application."""
    program = Program(tmp_path, "reloading-app")
    programs.callback(program.end)
    return program.ready()


def fault(consumer: SignalConsumer) -> Fault:
    """Why it got no signal."""
    with pytest.raises(Trouble) as failed:
        signals.tell(consumer)
    return failed.value.fault


def test_by_pid_file(app: Program) -> None:
    """The process in the pid file gets the signal that is meant."""
    signals.tell(
        SignalConsumer(process=app.name, pid_file=str(app.pid_file), signal=SignalName.USR1)
    )
    until(app.got, "the signal")
    assert app.got() == [str(int(signal.SIGUSR1))]


def test_by_name(app: Program) -> None:
    """Without a pid file the name is enough; a name of ours, in part, is not."""
    signals.tell(SignalConsumer(process=app.name))
    until(app.got, "the signal")
    assert app.got() == [str(int(signal.SIGHUP))]
    assert fault(SignalConsumer(process=app.name[:-1])).reason is Reason.NO_PROCESS


def test_a_stale_pid_file(app: Program) -> None:
    """A process that is gone is told so; the number is nobody's."""
    app.end()
    consumer = SignalConsumer(process=app.name, pid_file=str(app.pid_file))
    failed = fault(consumer)
    assert failed.reason is Reason.NO_PROCESS
    assert "shareProcessNamespace" in failed.advice


def test_a_process_that_is_dead_but_not_buried(app: Program) -> None:
    """A zombie is gone."""
    app.process.kill()
    until(lambda: look(app.process.pid) is None, "its end")
    assert os.path.exists(f"/proc/{app.process.pid}")
    consumer = SignalConsumer(process=app.name, pid_file=str(app.pid_file))
    assert fault(consumer).reason is Reason.NO_PROCESS


def test_a_foreign_process(app: Program, tmp_path: Path, programs: ExitStack) -> None:
    """A pid file that names a process with another name hurts nobody."""
    other = Program(tmp_path, "somebody-else")
    programs.callback(other.end)
    other.ready()
    failed = fault(SignalConsumer(process=app.name, pid_file=str(other.pid_file)))
    assert failed.reason is Reason.WRONG_PROCESS
    assert other.got() == app.got() == []


def test_never_this_process(tmp_path: Path) -> None:
    """Neither by its number, as a pid file of another namespace may have it, nor by its name."""
    mine = tmp_path / "mine.pid"
    mine.write_text(str(os.getpid()))
    me = look(os.getpid())
    assert me is not None
    assert "itself" in fault(SignalConsumer(process=me.comm, pid_file=str(mine))).summary
    alone = tmp_path / "proc"
    alone.mkdir()
    (alone / str(os.getpid())).symlink_to(f"/proc/{os.getpid()}")
    got: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _: got.append(number))
    try:
        with pytest.raises(Trouble) as failed:
            signals.tell(SignalConsumer(process=me.comm), str(alone))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert failed.value.fault.reason is Reason.NO_PROCESS
    assert got == []


def test_a_process_without_a_handler_lives(tmp_path: Path, programs: ExitStack) -> None:
    """A signal that would end it, as it does not handle it yet, is held back; SIGTERM is not."""
    app = Program(tmp_path, "just-started", handles=False)
    programs.callback(app.end)
    app.ready()
    consumer = SignalConsumer(process=app.name, pid_file=str(app.pid_file))
    assert fault(consumer).reason is Reason.UNHANDLED_SIGNAL
    assert app.process.poll() is None
    signals.tell(SignalConsumer(process=app.name, signal=SignalName.TERM))
    assert app.process.wait(10) == -signal.SIGTERM


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start somebody else's process")
def test_another_user(tmp_path: Path) -> None:
    """EPERM says who is who, and what it takes."""
    program = [sys.executable, "-c", "import time; time.sleep(60)"]
    theirs = subprocess.Popen(program)
    try:
        trial = (
            "import os, sys\n"
            "from secret_refresher.adapters.notify import signals\n"
            "from secret_refresher.config.consumers import SignalConsumer, SignalName\n"
            "from secret_refresher.errors import Trouble\n"
            "os.setgroups([]); os.setgid(65532); os.setuid(65532)\n"
            "try:\n"
            "    signals.tell(SignalConsumer(process=sys.argv[1], pid_file=sys.argv[2],"
            " signal=SignalName.TERM))\n"
            "except Trouble as trouble:\n"
            "    print(trouble.fault.reason, trouble.fault)\n"
        )
        os.chmod(tmp_path, 0o755)  # noqa: S103 - so that the other user can read the pid file
        pid_file = "/proc/self/fd/0"
        name = Path(sys.executable).name
        until(lambda: look(theirs.pid), "the process")
        done = subprocess.run(
            [sys.executable, "-c", trial, name, pid_file],
            stdin=_file(tmp_path, str(theirs.pid)),
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        theirs.kill()
        theirs.wait()
    assert done.stdout.startswith("permission ")
    assert "runs as user 0, this daemon as user 65532" in done.stdout
    assert "runAsUser" in done.stdout
    assert "EPERM" in done.stdout


def _file(folder: Path, content: str) -> int:
    path = folder / "their.pid"
    path.write_text(content)
    return os.open(path, os.O_RDONLY)


@pytest.mark.parametrize("content", ["", "0", "-1", "app", "1 2", "9" * 30])
def test_what_is_no_number(tmp_path: Path, content: str) -> None:
    """Whatever a pid file holds, no process gets a signal for it."""
    path = tmp_path / "app.pid"
    path.write_text(content)
    failed = fault(SignalConsumer(process="app", pid_file=str(path)))
    assert failed.reason is Reason.WRONG_PROCESS
    assert "does not hold the number" in failed.summary


def test_a_pid_file_that_is_none(tmp_path: Path) -> None:
    """A missing file waits for the application; a pipe does not hold us up, a folder is refused."""
    consumer = SignalConsumer(process="app", pid_file=str(tmp_path / "app.pid"))
    assert fault(consumer).reason is Reason.NO_PROCESS
    os.mkfifo(tmp_path / "pipe")
    for odd in ("pipe", ""):
        path = str(tmp_path / odd)
        began = time.monotonic()
        assert fault(SignalConsumer(process="app", pid_file=path)).reason is Reason.WRONG_PROCESS
        assert time.monotonic() - began < 10


def test_workers_of_a_server_are_left_alone(app: Program) -> None:
    """Of processes with one name those get the signal that are no child of another such one."""
    consumer = SignalConsumer(process=app.name)
    parents = {"1": "", "2": "1"}
    proc = app.notes.parent / "proc"
    for pid, parent in parents.items():
        folder = proc / str(app.process.pid if pid == "1" else app.process.pid + 1_000_000)
        folder.mkdir(parents=True)
        status = Path(f"/proc/{app.process.pid}/status").read_text()
        if parent:
            shown = f"PPid:\t{look(app.process.pid).parent}"  # type: ignore[union-attr]
            status = status.replace(shown, f"PPid:\t{app.process.pid}")
        (folder / "status").write_text(status)
        (folder / "cmdline").write_bytes(Path(f"/proc/{app.process.pid}/cmdline").read_bytes())
    signals.tell(consumer, str(proc))  # the worker does not exist: a signal to it would fail
    until(app.got, "the signal")


def test_a_look_sends_nothing(app: Program, tmp_path: Path, programs: ExitStack) -> None:
    """What `doctor` does: who would get it, or why not, and no signal at all."""
    consumer = SignalConsumer(process=app.name, pid_file=str(app.pid_file))
    for one in (consumer, SignalConsumer(process=app.name)):
        assert f"process {app.process.pid} handles the signal" in signals.examine(one)
    other = Program(tmp_path, "deaf-one", handles=False)
    programs.callback(other.end)
    other.ready()
    with pytest.raises(Trouble) as failed:
        signals.examine(SignalConsumer(process=other.name))
    assert failed.value.fault.reason is Reason.UNHANDLED_SIGNAL
    assert app.got() == other.got() == []
