"""A signal to the process that a consumer is, and to no other one.

1. The process is the one in the pid file, or every one of the name that is no child of another
   such one: a server's workers have its name, too.
2. It is held by a file descriptor first (pidfd_open(2)) and looked at then: whatever becomes of
   the number, no other process can get the signal.
3. It must have the name. This process itself never gets one.
4. A signal that would end it, because it has no handler yet, is not sent, unless it is one by
   which processes are asked to end.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import stat
from typing import final

from secret_refresher.adapters.notify.processes import PROC, Process, everybody, look
from secret_refresher.config.consumers import SignalConsumer, SignalName
from secret_refresher.errors import Fault, Lane, Reason, Trouble

_ENDING = frozenset({SignalName.TERM, SignalName.INT, SignalName.QUIT})
_PID = re.compile(rb"\s*([0-9]{1,9})\s*")
_LONGEST_PID_FILE = 64
_SHARED = "the pod needs shareProcessNamespace: true for one container to see another's processes"


def tell(consumer: SignalConsumer, proc: str = PROC) -> None:
    """Sends the signal. Raises `Trouble` that says what it takes."""
    _reach(consumer, signal.Signals[consumer.signal], proc)


def examine(consumer: SignalConsumer, proc: str = PROC) -> str:
    """Whether the signal could be sent: which processes would get it. Raises `Trouble` likewise."""
    pids = ", ".join(map(str, _reach(consumer, 0, proc)))
    return f"process {pids} handles the signal, and may be sent it"


def _reach(consumer: SignalConsumer, number: int, proc: str) -> list[int]:
    """Sends a signal to the processes that are meant, 0 for none; which they are."""
    if consumer.pid_file is not None:
        pid = _filed(consumer.pid_file)
        _send(consumer, pid, number, proc)
        return [pid]
    found = {process.pid: process for process in everybody(proc) if _wanted(process, consumer)}
    heads = [process.pid for process in found.values() if process.parent not in found]
    if not heads:
        raise _missing(f"no process named {consumer.process} can be seen")
    failed: list[Trouble] = []
    for pid in heads:
        try:
            _send(consumer, pid, number, proc)
        except Trouble as trouble:
            failed.append(trouble)
    if failed:
        raise failed[0]
    return heads


def _wanted(process: Process, consumer: SignalConsumer) -> bool:
    return process.pid != os.getpid() and process.has_name(consumer.process)


def _send(consumer: SignalConsumer, pid: int, number: int, proc: str) -> None:
    if pid == os.getpid():
        raise _missing(f"{consumer.pid_file} names process {pid}, which is this daemon itself")
    with _Hold(pid) as held:
        process = look(pid, proc)
        if process is None:
            raise _missing(f"process {pid} is gone")
        if not process.has_name(consumer.process):
            raise Trouble(
                Fault(
                    Reason.WRONG_PROCESS,
                    f"process {pid} has another name than {consumer.process}, and gets no signal",
                    "the pid file is stale, or written in another process namespace; let the"
                    " application write it anew, or correct signal.process",
                    Lane.PERMANENT,
                )
            )
        meant = signal.Signals[consumer.signal]
        if consumer.signal not in _ENDING and not process.outlives(meant):
            raise Trouble(
                Fault(
                    Reason.UNHANDLED_SIGNAL,
                    f"process {pid} does not handle {consumer.signal}, which would end it",
                    "is it still starting? else choose the signal that the application reloads on",
                )
            )
        held.send(number, process)


@final
class _Hold:
    """One process, whatever becomes of its number."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def __enter__(self) -> _Hold:
        try:
            self._fd = os.pidfd_open(self._pid)
        except ProcessLookupError:
            raise _missing(f"process {self._pid} is gone") from None
        except OSError as error:
            raise _denied(
                error,
                f"the kernel refuses pidfd_open ({_name(error)})",
                "Linux 5.3 has it; allow it in the container's seccomp profile",
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def send(self, number: int, process: Process) -> None:
        """A signal; with 0 the kernel only says whether one could be sent (kill(2))."""
        try:
            signal.pidfd_send_signal(self._fd, number)
        except ProcessLookupError:
            raise _missing(f"process {self._pid} is gone") from None
        except OSError as error:
            raise _denied(
                error,
                f"process {self._pid} runs as user {process.user}, this daemon as user"
                f" {os.geteuid()}, which may not send it a signal ({_name(error)})",
                "give both containers the same runAsUser; or run this one as root with the"
                " capability KILL",
            ) from None


def _denied(error: OSError, summary: str, advice: str) -> Trouble:
    """The kernel refuses; only somebody's setting changes that."""
    code = _name(error)
    return Trouble(Fault(Reason.PERMISSION, summary, advice, Lane.PERMANENT, code=code))


def _filed(path: str) -> int:
    """The number in a pid file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            plain = stat.S_ISREG(os.fstat(fd).st_mode)
            content = os.read(fd, _LONGEST_PID_FILE) if plain else b""
        finally:
            os.close(fd)
    except FileNotFoundError:
        raise _missing(f"the pid file {path} does not exist") from None
    except OSError as error:
        raise _denied(
            error,
            f"the pid file {path} cannot be read ({_name(error)})",
            "let the application write it to a volume that both mount, readable for this user",
        ) from None
    number = _PID.fullmatch(content)
    if number is None or int(number[1]) == 0:
        raise Trouble(
            Fault(
                Reason.WRONG_PROCESS,
                f"the pid file {path} does not hold the number of a process",
                "name the file that the application writes its process number to",
                Lane.PERMANENT,
            )
        )
    return int(number[1])


def _missing(what: str) -> Trouble:
    return Trouble(Fault(Reason.NO_PROCESS, what, f"is the application running? {_SHARED}"))


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "EIO")
