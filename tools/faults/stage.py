"""What a fault is tried on: a running daemon, an authorization server, a consumer that polls."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.authorization_server import AuthorizationServer
from support.consumer import Consumer
from support.daemon import Daemon, Settings, entry, settings, until

LIFE = 8.0
"""Seconds that tokens live; they are replaced in the first half of them."""
AWAY = 2.0
"""Seconds that a fault goes on once it was noticed: less than the lead."""


class UnobservedError(AssertionError):
    """What was expected did not come."""


@dataclass
class Stage:
    """One fault's own folder and server; `full` where the page is written, else a small trial."""

    folder: Path
    server: AuthorizationServer
    full: bool = True
    keys: dict[str, Any] = field(default_factory=dict)
    """Further keys of the token."""
    url: str | None = None
    path: Path | None = None
    """Where the token goes, when not into the folder."""

    @property
    def file(self) -> Path:
        """The token's file."""
        return self.path or self.folder / "partner-api"

    def configuration(self) -> Settings:
        """One token."""
        token = entry(self.url or self.server.token_url, self.folder)
        token["sinks"] = [{"file": {"path": str(self.file)}}]
        return settings({**token, **self.keys})

    def daemon(self, **options: Any) -> Daemon:
        """A daemon over it, not started."""
        return Daemon(self.folder, self.configuration(), **options)


def ride(
    stage: Stage,
    begin: Callable[[Daemon], object],
    end: Callable[[Daemon], object],
    *,
    failed: str = "fetch failed",
    away: float = AWAY,
    **options: Any,
) -> str:
    """Begins a fault, waits until it was noticed, ends it, and sees what was read.

    Nobody may read an expired, empty or torn token, and a new one must come after the end.
    """
    stage.server.lifetime = LIFE
    with stage.daemon(**options) as daemon:
        daemon.wait("token published")
        with Consumer(stage.file) as consumer:
            until(lambda: len(consumer.tokens) > 1, "a second token")
            before = len(daemon.logs(failed))
            begin(daemon)
            until(lambda: len(daemon.logs(failed)) > before, "the failure", 30)
            pause(away)
            end(daemon)
            known = len(consumer.tokens)
            until(lambda: len(consumer.tokens) > known, "a token after the fault", 30)
        faults = daemon.logs(failed)[before:]
        status = daemon.stop()
    expect(status == 0, f"it ended with {status}")
    expect(not consumer.faults, f"the consumer read {consumer.faults}")
    expect(not defects(daemon), "a defect")
    reasons = Counter(line["reason"] for line in faults)
    told = ", ".join(f"`{reason}` {times} x" for reason, times in sorted(reasons.items()))
    left = f"{consumer.least_left:.1f} s"
    return f"{told}; {consumer.reads} reads, none bad, at worst {left} of life left"


def defects(daemon: Daemon) -> list[str]:
    """Where it fell over its own feet; to have no memory is no defect."""
    told = [str(line["where"]) for line in daemon.logs("defect")]
    return [where for where in told if not where.startswith("MemoryError")]


def expect(held: bool, otherwise: str) -> None:  # noqa: FBT001 - like an assertion
    """Raises where it did not hold."""
    if not held:
        raise UnobservedError(otherwise)


def pause(seconds: float) -> None:
    """Lets a fault last."""
    with contextlib.suppress(AssertionError):
        until(lambda: False, patience=seconds)


@contextlib.contextmanager
def polled(stage: Stage, daemon: Daemon) -> Iterator[Consumer]:
    """A consumer from the first token on, which must not have read anything bad in the end."""
    until(stage.file.exists, "the token")
    with Consumer(stage.file) as consumer:
        yield consumer
    expect(not consumer.faults, f"the consumer read {consumer.faults}")
    expect(not defects(daemon), "a defect")
