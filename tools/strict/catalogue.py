"""Changes to the code, each of which breaks a promise: the simulation has to find them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

SOURCE = Path(__file__).parents[2] / "src"


@final
@dataclass(frozen=True, slots=True)
class Change:
    """`old`, which `module` has once, becomes `new`."""

    name: str
    module: str
    old: str
    new: str

    def path(self, source: Path) -> Path:
        """The file, in a copy of the source."""
        return source / "secret_refresher" / self.module

    def make(self, source: Path) -> None:
        """Changes a copy of the source. Raises ValueError where it is another one by now."""
        text = self.path(source).read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.module} has it {text.count(self.old)} times")
        self.path(source).write_text(text.replace(self.old, self.new))


CHANGES = (
    Change(
        "no floor between fetches",
        "lifecycle/outlook.py",
        "return max(at, state.rest, now)",
        "return max(at, now)",
    ),
    Change(
        "no attempt in the last tenth of the life",
        "schedule/backoff.py",
        "pause = min(pause, _until_last_chance(life, began, now, draw))",
        "pass",
    ),
    Change(
        "the budget counts half of the requests",
        "lifecycle/source.py",
        "state.budget.spend(event.requests, now)",
        "state.budget.spend(event.requests / 2, now)",
    ),
    Change(
        "the budget has no reserve",
        "schedule/budget.py",
        "wanted = 1 if urgent else 1 + _size(self.hourly) // 4",
        "wanted = 1",
    ),
    Change(
        "the reserve is never released",
        "schedule/budget.py",
        "wanted = 1 if urgent else 1 + _size(self.hourly) // 4",
        "wanted = 1 + _size(self.hourly) // 4",
    ),
    Change(
        "the budget refills eight times too slowly",
        "schedule/budget.py",
        "return (hourly + 1 - _size(hourly)) / HOUR",
        "return (hourly + 1 - _size(hourly)) / (8 * HOUR)",
    ),
    Change(
        "Retry-After is ignored",
        "schedule/backoff.py",
        "return max(pause, fault.retry_after or 0.0)",
        "return pause",
    ),
    Change(
        "a token that is found is judged by our own wall clock",
        "adapters/kubernetes/secret_sink.py",
        "wall = self._clock.wall() + skew\n        if 0",
        "wall = self._clock.wall()\n        if 0",
    ),
    Change(
        "the previous secret is not tried",
        "adapters/token_endpoint/endpoint.py",
        "result.reason is Reason.INVALID_CLIENT:\n                    result, previous",
        "False:\n                    result, previous",
    ),
    Change(
        "changed credentials are not noticed",
        "engine/patrol.py",
        "if state.failures and self._source",
        "if False and self._source",
    ),
    Change(
        "one worker for all servers",
        "engine/gate.py",
        "while self._running < self._workers and self._turns:",
        "while self._running < 1 and self._turns:",
    ),
    Change(
        "a failed publish fetches anew",
        "lifecycle/outlook.py",
        "(not _in_memory(state, now) and _lacking(state, now))",
        "_lacking(state, now)",
    ),
    Change(
        "a newer token of another replica is written over",
        "adapters/kubernetes/secret_sink.py",
        "if self._newer(found, record):",
        "if False:",
    ),
    Change(
        "a file is written in its place",
        "adapters/file_sink/folder.py",
        "os.rename(beside, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)",
        "place = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode, dir_fd=self._fd)\n"
        "                os.write(place, content)\n"
        "                os.close(place)\n"
        "                os.unlink(beside, dir_fd=self._fd)",
    ),
    Change(
        "drift is not noticed",
        "engine/patrol.py",
        "if idle and sink.disturbed():",
        "if False:",
    ),
    Change(
        "the Lease that was lost leaves its shard open",
        "adapters/kubernetes/elector.py",
        "return until is not None and self._clock.now() < until",
        "return until is not None",
    ),
    Change(
        "the fence is not looked at before a request for a token",
        "engine/fence.py",
        "if not self._fence.open(token.name):",
        "if False:",
    ),
    Change(
        "nor before a write",
        "adapters/kubernetes/secret_sink.py",
        "if self._fence is not None and not self._fence.open(self._token):",
        "if False:",
    ),
    Change(
        "Leases are judged by the wall clock",
        "adapters/kubernetes/elector.py",
        "campaign.answered(ask, outcome, sent, clock.now())",
        "campaign.answered(ask, outcome, clock.wall(), clock.wall())",
    ),
    Change(
        "a Lease is taken after half of its time",
        "election/seat.py",
        "return self.seen + max(patience, found.duration)",
        "return self.seen + max(patience, found.duration) / 2",
    ),
    Change(
        "who takes over tells of nothing that it finds",
        "lifecycle/notify.py",
        "if now >= life.issued + state.config.propagation + RETOLD:",
        "if True:",
    ),
    Change(
        "mounts are not waited for",
        "lifecycle/notify.py",
        "late = 0.0 if isinstance(spec, RolloutConsumer) else state.config.propagation",
        "late = 0.0",
    ),
)
