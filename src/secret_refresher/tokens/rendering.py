"""How a token is written down. STUB signature; the body is being written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import final


class RenderFormat(StrEnum):
    """The built-in renderings."""

    RAW = "raw"
    BEARER = "bearer"
    JSON = "json"
    ENV = "env"
    DOCKERCONFIGJSON = "dockerconfigjson"
    NETRC = "netrc"
    TEMPLATE = "template"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """Which rendering a sink gets; the members beside `format` belong to one format each."""

    format: RenderFormat = RenderFormat.RAW
    variable: str | None = None
    registries: tuple[str, ...] = ()
    username: str | None = None
    machine: str | None = None
    login: str | None = None
    template: str | None = None
