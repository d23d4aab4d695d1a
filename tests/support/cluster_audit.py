"""What was asked of an API server, read from its audit log."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, final

POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  # The API server's talk with itself.
  - level: None
    users: ["system:apiserver"]
  - level: {level}
"""


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """One request, whether it was allowed or not.

    `resource` has its subresource (`serviceaccounts/token`), and is empty for other paths.
    `verb` is the authorizer's (`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`).
    `target` is path and query. `status` is None while the request (a watch) is still open.
    """

    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    status: int | None
    target: str
    agent: str
    body: dict[str, Any] | None
    """Only at audit level Request or RequestResponse."""
    answer: dict[str, Any] | None
    """Only at audit level RequestResponse."""
    received: float
    """When it came, in seconds since the epoch, by the API server's clock."""


@final
class Audit:
    """The log at a path."""

    def __init__(self, path: str) -> None:
        self.path = path

    def size(self) -> int:
        """Bytes so far: a mark from which to count."""
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def holds(self, text: str, since: int) -> bool:
        """Whether a complete line has this text."""
        return any(text in line for line in self._lines(since))

    def read(self, since: int = 0) -> list[Asked]:
        """One record for each request, in the order of their first lines."""
        found: dict[str, Asked] = {}
        for line in self._lines(since):
            event = json.loads(line)
            # A watch has a line when it begins and another when it ends: the last counts.
            found[event["auditID"]] = _asked(event)
        return list(found.values())

    def _lines(self, since: int) -> Iterator[str]:
        if not os.path.exists(self.path):
            return
        with open(self.path, encoding="utf-8") as file:
            file.seek(since)
            for line in file:
                if line.endswith("\n"):
                    yield line


def _asked(event: dict[str, Any]) -> Asked:
    place = event.get("objectRef", {})
    resource = place.get("resource", "")
    if "subresource" in place:
        resource += f"/{place['subresource']}"
    ended = event["stage"] != "ResponseStarted"
    return Asked(
        user=event.get("user", {}).get("username", ""),
        verb=event["verb"],
        resource=resource,
        namespace=place.get("namespace", ""),
        name=place.get("name", ""),
        status=event.get("responseStatus", {}).get("code") if ended else None,
        target=event["requestURI"],
        agent=event.get("userAgent", ""),
        body=event.get("requestObject"),
        answer=event.get("responseObject"),
        received=datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
    )
