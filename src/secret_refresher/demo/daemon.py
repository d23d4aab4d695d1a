"""The real daemon as a child process, started as anybody would start it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import final

from secret_refresher.adapters.config_files.source import PATH_VARIABLE, TEXT_VARIABLE

PATIENCE = 15.0
"""Seconds that the daemon gets to end before it is killed; it asks for 5 itself."""
_KEPT = 20
_LOOPBACK = "127.0.0.1"


@final
class Daemon:
    """`secret-refresher run`; `hear` is given each line of its log, on a thread of its own."""

    def __init__(self, config: str, hear: Callable[[str], None]) -> None:
        self._config = config
        self._hear = hear
        self._child: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self.last: deque[str] = deque(maxlen=_KEPT)
        """The last lines of its log."""

    def start(self) -> None:
        """Begins it, in a process group of its own: a Ctrl-C is for us to hand on."""
        self._child = subprocess.Popen(  # noqa: S603 - this interpreter and our own module
            [sys.executable, "-m", "secret_refresher", "run", "--config", self._config],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(),
            process_group=0,
        )
        self._listener = threading.Thread(target=self._listen, name="daemon's log", daemon=True)
        self._listener.start()

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return None if self._child is None else self._child.poll()

    def end(self) -> int | None:
        """Asks it to stop and waits until it is gone; its exit status."""
        if self._child is None:
            return None
        self._child.terminate()
        try:
            status = self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            status = self._child.wait()
        if self._listener is not None:
            self._listener.join()
        return status

    def _listen(self) -> None:
        pipe = None if self._child is None else self._child.stdout
        if pipe is None:
            return
        with pipe:
            for raw in pipe:
                line = raw.decode("utf-8", "replace").rstrip()
                self.last.append(line)
                self._hear(line)


def _environment() -> dict[str, str]:
    """Ours, without another configuration, and without a proxy on the way to our own server."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in {PATH_VARIABLE, TEXT_VARIABLE}
    }
    for name in ("no_proxy", "NO_PROXY"):
        env[name] = ",".join(filter(None, (env.get(name), _LOOPBACK)))
    return env
