"""The real daemon as a child process, with what a test needs to drive and watch it.

    daemon = Daemon(tmp_path, settings(entry(server.token_url, tmp_path)))
    with daemon:
        daemon.wait("token published")
        assert daemon.metric("token_healthy", token="partner-api") == 1

It listens on a port that the system chooses, and its log goes to a file, so that nothing waits
for the test to read it. What a context began it ends, by SIGKILL if need be.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from prometheus_client.parser import text_string_to_metric_families

T = TypeVar("T")
Settings = dict[str, Any]

PATIENCE = 20.0
"""Seconds that anything may take on a busy machine."""
PREFIX = "secret_refresher_"


def until(look: Callable[[], T], what: str = "it", patience: float = PATIENCE) -> T:
    """The first true value of `look`, asked again and again; fails after `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"{what} did not come within {patience:g} s"
        time.sleep(0.02)


def credentials(folder: Path, secret: str = "sesame", name: str = "me") -> dict[str, str]:
    """Credential files, written as a whole, and the keys of `auth` that name them."""
    for file, content in (("client_id", name), ("client_secret", secret)):
        beside = folder / f".{file}.new"
        beside.write_text(content + "\n")
        beside.rename(folder / file)
    return {
        "clientIdFile": str(folder / "client_id"),
        "clientSecretFile": str(folder / "client_secret"),
    }


def entry(url: str, folder: Path, name: str = "partner-api", **keys: Any) -> Settings:
    """One token: credentials in `folder`, a raw file `folder/NAME`; `keys` replace keys."""
    return {
        "name": name,
        "tokenUrl": url,
        "auth": credentials(folder),
        "sinks": [{"file": {"path": str(folder / name)}}],
        **keys,
    }


def settings(*tokens: Settings, **sections: Any) -> Settings:
    """A configuration for a daemon under test; `sections` replace sections."""
    return {
        "tokens": list(tokens),
        "server": {"address": "127.0.0.1:0"},
        "log": {"level": "debug", "format": "json"},
        **sections,
    }


class Daemon:
    """`secret-refresher run` over a folder that holds its configuration and its log.

    `arguments` follow `run`; `environment` is added to ours; `config` is what `--config` names
    instead of the configuration file. `python` is another interpreter that can import it.
    """

    def __init__(
        self,
        folder: Path,
        configuration: Settings,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        config: Path | None = None,
        python: str = sys.executable,
    ) -> None:
        self.folder = folder
        self.config_file = folder / "config.yaml"
        self.log_file = folder / "daemon.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._arguments = ("run", "--config", str(config or self.config_file), *arguments)
        self._environment = {**os.environ, **(environment or {})}
        self._python = python
        self._from = 0
        self.configure(configuration)

    def configure(self, configuration: Settings | str) -> None:
        """Replaces the configuration file as a whole; a text goes in as it is."""
        text = configuration if isinstance(configuration, str) else json.dumps(configuration)
        beside = self.config_file.with_suffix(".new")
        beside.write_text(text)
        beside.rename(self.config_file)

    # --- its life ------------------------------------------------------------------------------

    def start(self) -> Self:
        """Starts it; `logs` begin anew."""
        command = [self._python, "-m", "secret_refresher", *self._arguments]
        self._from = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        return self

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self.process is not None
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        os.kill(self.pid, number)

    def ended(self, patience: float = PATIENCE) -> int:
        """Waits for its end; the exit status, negative for a signal."""
        assert self.process is not None
        return self.process.wait(patience)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.send(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        if error is not None:
            print(self.text()[-20_000:])  # noqa: T201 - pytest shows it beside the failure

    # --- what it says --------------------------------------------------------------------------

    def text(self) -> str:
        """The log since the last start, as written."""
        with self.log_file.open("rb") as log:
            log.seek(self._from)
            return log.read().decode()

    def logs(self, event: str | None = None, **fields: object) -> list[dict[str, Any]]:
        """Whole lines of the log since the last start, those that have these fields."""
        wanted = fields if event is None else {"event": event, **fields}
        whole, _, _ = self.text().rpartition("\n")
        found = []
        for line in whole.splitlines():
            try:
                parsed = json.loads(line)
            except ValueError:
                parsed = {"event": "not JSON", "text": line}
            if all(parsed.get(key) == value for key, value in wanted.items()):
                found.append(parsed)
        return found

    def wait(
        self, event: str, times: int = 1, patience: float = PATIENCE, **fields: object
    ) -> dict[str, Any]:
        """Waits until the log since the last start has so many such lines; the last of them."""

        def look() -> list[dict[str, Any]]:
            found = self.logs(event, **fields)
            if len(found) < times:
                assert self.process is not None
                over = self.process.poll()
                assert over is None, f"it ended with {over} before {event!r}:\n{self.text()}"
            return found if len(found) >= times else []

        return until(look, f"{times} x {event!r} {fields or ''}", patience)[-1]

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of one of its pages."""
        host, _, port = self.wait("listening")["address"].rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample of a scrape by name and labels, as Prometheus's own parser reads it."""
        status, text = self.get("/metrics")
        assert status == http.client.OK
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def metric(self, name: str, **labels: str) -> float | None:
        """One sample by its name without the prefix; None where there is none."""
        return self.metrics().get((PREFIX + name, frozenset(labels.items())))


Start = Callable[..., Daemon]
"""Starts a daemon over a configuration; keyword arguments as `Daemon` takes them."""
