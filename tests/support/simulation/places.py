"""Where tokens go, as their consumers see it."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from typing import final

from secret_refresher.config.model import FileSink, SecretSink, SinkSpec, TokenConfig
from secret_refresher.tokens.rendering import Render, RenderFormat
from support.simulation.authority import Minted
from support.simulation.secret_store import SecretStore


class TornError(Exception):
    """A consumer read what is neither a token nor what others have put there."""


@final
@dataclass(slots=True)
class Place:
    """One sink's place for as long as it is configured.

    `seen` is the token that stands there, `bad_since` since when it holds no live one. `intact`:
    only we have touched it since we wrote it last, with the wall clock `off` by so much. `found`:
    we have not written since it was configured; what stands there may be rendered otherwise.
    `changed`: when it came to hold what it holds. `disturbed` counts what others did to it,
    `written` what we did.
    """

    key: str
    token: str
    spec: SinkSpec
    bad_since: float | None
    seen: Minted | None = None
    intact: bool = False
    found: bool = True
    off: float = 0.0
    last_bad: float = 0.0
    changed: float = 0.0
    forged_until: float = 0.0
    disturbed: int = 0
    written: int = 0

    @property
    def is_file(self) -> bool:
        """Or else a Secret."""
        return isinstance(self.spec, FileSink)

    @property
    def where(self) -> tuple[str, str]:
        """Namespace and name of a Secret."""
        assert isinstance(self.spec, SecretSink)
        return self.spec.namespace or "", self.spec.name

    @property
    def path(self) -> str:
        """Of a file."""
        assert isinstance(self.spec, FileSink)
        return self.spec.path

    @property
    def meta(self) -> str:
        """Of the records beside a file."""
        folder, _, name = self.path.rpartition("/")
        return f"{folder}/.{name}.meta.json"

    def texts(self, store: SecretStore) -> list[tuple[Render, bytes]] | None:
        """What it holds: each rendering; None where there is nothing, or not all of it."""
        if isinstance(self.spec, FileSink):
            try:
                with open(self.path, "rb") as file:
                    return [(self.spec.render, file.read())]
            except (FileNotFoundError, IsADirectoryError):
                return None
        held = store.objects.get(self.where)
        if held is None:
            return None
        found = []
        for key, render in self.spec.data.items():
            value = held.leaves.get(("data", key))
            if value is None:
                return None
            found.append((render, base64.b64decode(value)))
        return found


def key_of(spec: SinkSpec) -> str:
    """What tells one place from another."""
    return spec.path if isinstance(spec, FileSink) else f"{spec.namespace}/{spec.name}"


def places_of(token: TokenConfig, now: float) -> list[Place]:
    """The places of a token, not yet looked at."""
    return [Place(key_of(spec), token.name, spec, now) for spec in token.sinks]


def token_in(render: Render, content: bytes) -> str:
    """The token in a rendering, as a consumer takes it out."""
    text = content.decode(errors="replace")
    match render.format:
        case RenderFormat.BEARER:
            return text.removeprefix("Bearer ")
        case RenderFormat.JSON:
            try:
                return str(json.loads(text)["access_token"])
            except (ValueError, KeyError, TypeError):
                return text
        case _:
            return text


def remove(path: str) -> None:
    """A file that may not be there."""
    if os.path.lexists(path):
        os.unlink(path)
