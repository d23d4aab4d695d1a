"""The configuration as the program sees it: typed, complete, right, and frozen.

Durations are float seconds. Whatever holds here was checked by `read`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import final

from secret_refresher.tokens.rendering import Render

CREDENTIALS = "/etc/secret-refresher/credentials/{name}/"
"""Where a token's credentials are mounted unless the configuration says otherwise."""
OUTPUT = "/var/run/secret-refresher/{name}"
"""Where a token's file stands unless the configuration says otherwise."""
_EMPTY: Mapping[str, object] = MappingProxyType({})
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class AuthMethod(StrEnum):
    """How a client proves who it is (OpenID Connect Core section 9 names)."""

    CLIENT_SECRET_BASIC = "client_secret_basic"  # noqa: S105 - a method name
    CLIENT_SECRET_POST = "client_secret_post"  # noqa: S105 - a method name


class RequestFormat(StrEnum):
    """How parameters travel: RFC 6749's form, or one JSON object."""

    FORM = "form"
    JSON = "json"


class RequestMethod(StrEnum):
    """The HTTP method of a token request."""

    POST = "POST"
    GET = "GET"


class State(StrEnum):
    """Whether a token is wanted, or what we own of it is to be removed."""

    PRESENT = "present"
    ABSENT = "absent"


class OnExpired(StrEnum):
    """What a sink holds once its token is dead."""

    KEEP = "keep"
    DELETE = "delete"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Client credentials; `method` None means the request format's own way.

    The client id is literal where `client_id` is set, and in `client_id_file` otherwise.
    """

    method: AuthMethod | None = None
    client_id: str | None = None
    client_id_file: str = CREDENTIALS + "client_id"
    client_secret_file: str = CREDENTIALS + "client_secret"
    previous_client_secret_file: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """How a token is asked for."""

    format: RequestFormat = RequestFormat.FORM
    method: RequestMethod = RequestMethod.POST
    scope: tuple[str, ...] = ()
    audience: str | None = None
    resource: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=lambda: _EMPTY)
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    timeout: float = 10.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Trust beside the machine's own."""

    ca_file: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """When to refresh."""

    at: float = 0.75
    jitter: float = 0.10
    min_lead: float = 60.0
    default_lifetime: float | None = None
    max_requests_per_hour: int | None = None
    on_expired: OnExpired = OnExpired.KEEP


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FileSink:
    """A token as a file; `mode` are permission bits."""

    path: str = OUTPUT
    mode: int = 0o440
    render: Render = Render()  # noqa: RUF009 - frozen


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenConfig:
    """One entry under `tokens:`, with the defaults in it.

    Only a token whose `state` is absent may lack a `token_url`.
    """

    name: str
    state: State = State.PRESENT
    token_url: str = ""
    allow_insecure: bool = False
    auth: Auth = Auth()
    request: Request = Request()
    tls: Tls = Tls()
    refresh: Refresh = Refresh()
    adopt: bool = True
    sinks: tuple[FileSink, ...] = ()

    @property
    def auth_method(self) -> AuthMethod:
        """The method in force: `auth.method`, else the request format's own way."""
        if self.auth.method is not None:
            return self.auth.method
        if self.request.format is RequestFormat.JSON:
            return AuthMethod.CLIENT_SECRET_POST
        return AuthMethod.CLIENT_SECRET_BASIC


class LogLevel(StrEnum):
    """How much is said."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How it is said: for machines or for people."""

    JSON = "json"
    CONSOLE = "console"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where metrics and probes listen: host and port."""

    address: tuple[str, int] = ("::", 9797)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Logging; `format` None means console on a terminal and JSON elsewhere."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of it."""

    tokens: tuple[TokenConfig, ...]
    server: Server = Server()
    log: Log = Log()
