"""The keys of the configuration, once: the reader and the JSON Schema both follow it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, final

from secret_refresher.config import checks
from secret_refresher.config.model import (
    Auth,
    AuthMethod,
    Config,
    FileSink,
    Log,
    LogFormat,
    LogLevel,
    OnExpired,
    Refresh,
    Request,
    RequestFormat,
    RequestMethod,
    Server,
    State,
    Tls,
    TokenConfig,
)
from secret_refresher.config.problems import Findings
from secret_refresher.config.shapes import (
    BAD,
    Choice,
    Duration,
    Flag,
    Items,
    Key,
    Mode,
    Number,
    Schema,
    Section,
    Table,
    Text,
    told,
)
from secret_refresher.tokens.rendering import Render, RenderFormat, template_problem

_DAY = 86400.0
_DEEPEST = 20

_WORD = Text(checks.word)
_PATH = Text(checks.path)


@final
@dataclass(frozen=True, slots=True)
class JsonValue:
    """A request parameter: anything that JSON can say."""

    def read(self, value: Any, at: str, findings: Findings, deep: int = 0) -> Any:
        """The value itself, lists as tuples."""
        if deep > _DEEPEST:
            findings.add(at, f"must not nest deeper than {_DEEPEST}")
            return BAD
        if isinstance(value, list):
            return tuple(self.read(item, at, findings, deep + 1) for item in value)
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {key: self.read(item, at, findings, deep + 1) for key, item in value.items()}
        plain = isinstance(value, str | int | float) and value == value  # noqa: PLR0124 - not NaN
        if (plain and value not in {float("inf"), float("-inf")}) or value is None:
            return value
        findings.add(at, "must be what JSON can say; put dates and the like in quotes")
        return BAD

    def schema(self) -> Schema:
        """Anything."""
        return {}


_FORMATS: dict[RenderFormat, dict[str, Key]] = {
    RenderFormat.RAW: {},
    RenderFormat.BEARER: {},
    RenderFormat.JSON: {},
    RenderFormat.ENV: {
        "variable": Key("variable", Text(checks.variable), "its name; default ACCESS_TOKEN"),
    },
    RenderFormat.DOCKERCONFIGJSON: {
        "registries": Key("registries", Items(_WORD, least=1), "hosts of registries"),
        "username": Key("username", _WORD, "default oauth2accesstoken"),
    },
    RenderFormat.NETRC: {
        "machine": Key("machine", _WORD, "a host"),
        "login": Key("login", _WORD, "a user"),
    },
}
_NEEDED = {
    RenderFormat.DOCKERCONFIGJSON: ("registries",),
    RenderFormat.NETRC: ("machine", "login"),
}
_TEMPLATE = Text(template_problem)


@final
@dataclass(frozen=True, slots=True)
class Rendering:
    """A template as a text or under `template`, or a format with its own keys."""

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """A `Render`."""
        if isinstance(value, str):
            value = {"template": value}
            at = at.removesuffix(".template")
        if not isinstance(value, dict):
            findings.add(at, f"must be a template or a mapping with format, not {told(value)}")
            return BAD
        if "template" in value:
            keys = {"template": Key("template", _TEMPLATE, "a Jinja2 template")}
            form = RenderFormat.TEMPLATE
        else:
            name = value.get("format")
            form = Choice(RenderFormat).read(name, f"{at}.format", findings)
            if form is BAD or form is RenderFormat.TEMPLATE:
                if form is not BAD:
                    findings.add(f"{at}.format", "is not written; write template: with the text")
                return BAD
            keys = {"format": Key("format", Choice(RenderFormat), "")} | _FORMATS[form]
        values = Section(Render, "", keys).read_keys(value, at, findings)
        missing = [key for key in _NEEDED.get(form, ()) if key not in value]
        for key in missing:
            findings.add(f"{at}.{key}", f"is missing; format {form} needs it")
        if missing or any(item is BAD for item in values.values()):
            return BAD
        return Render(**{**values, "format": form})

    def schema(self) -> Schema:
        """One of the ways to say it."""
        ways: list[Schema] = [{"type": "string", "minLength": 1}]
        ways.append(_closed({"template": {"type": "string", "minLength": 1}}, ["template"]))
        for form, keys in _FORMATS.items():
            properties = {
                "format": {"const": str(form)},
                **{name: {"description": k.doc, **k.shape.schema()} for name, k in keys.items()},
            }
            ways.append(_closed(properties, ["format", *_NEEDED.get(form, ())]))
        return {"oneOf": ways}


def _closed(properties: Schema, required: list[str]) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required,
    }


@final
@dataclass(frozen=True, slots=True)
class SinkEntry:
    """One entry of `sinks`: the kind of sink with its settings."""

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """A `FileSink`."""
        if not isinstance(value, dict) or len(value) != 1:
            findings.add(at, "must be a mapping with the one key file")
            return BAD
        ((kind, settings),) = value.items()
        if kind != "file":
            findings.add(f"{at}.{kind}"[:200], "is not known; there is file")
            return BAD
        return FILE.read({} if settings is None else settings, f"{at}.file", findings)

    def schema(self) -> Schema:
        """An object with the one key."""
        return _closed({"file": FILE.schema()}, ["file"])


@final
@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, `host:port`."""

    def read(self, value: Any, at: str, findings: Findings) -> Any:
        """Host and port."""
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]*\]|[^:\s]*):([0-9]{1,5})", str(value))
        if not isinstance(value, str) or match is None or int(match[2]) > 65535:  # noqa: PLR2004 - ports
            findings.add(at, 'must be host:port in quotes, as "[::]:9797"')
            return BAD
        return match[1].strip("[]") or "::", int(match[2])

    def schema(self) -> Schema:
        """A string."""
        return {"type": "string", "pattern": r"^(\[[0-9a-fA-F:.]*\]|[^:\s]*):[0-9]{1,5}$"}


FILE = Section(
    FileSink,
    "A file that holds the token.",
    {
        "path": Key("path", _PATH, "absolute; {name} is the token's name"),
        "mode": Key("mode", Mode(), 'permission bits in quotes, default "0440"'),
        "render": Key("render", Rendering(), "how the token is written down, default raw"),
    },
)
AUTH = Section(
    Auth,
    "Client credentials.",
    {
        "method": Key("method", Choice(AuthMethod), "default: the request format's own way"),
        "clientId": Key("client_id", Text(checks.printable), "the client id, in the clear"),
        "clientIdFile": Key("client_id_file", _PATH, "a file that holds the client id"),
        "clientSecretFile": Key("client_secret_file", _PATH, "a file that holds the secret"),
        "previousClientSecretFile": Key(
            "previous_client_secret_file", _PATH, "tried once after invalid_client"
        ),
    },
)
REQUEST = Section(
    Request,
    "How a token is asked for.",
    {
        "format": Key("format", Choice(RequestFormat), "form (default, RFC 6749) or json"),
        "method": Key("method", Choice(RequestMethod), "POST (default) or GET"),
        "scope": Key("scope", Items(Text(checks.scope)), "scopes, one an entry"),
        "audience": Key("audience", Text(checks.printable), "an audience"),
        "resource": Key("resource", Items(Text(checks.resource)), "RFC 8707 resources"),
        "parameters": Key(
            "parameters", Table(JsonValue(), checks.parameter_name), "further parameters"
        ),
        "headers": Key(
            "headers", Table(Text(checks.header_value), checks.header_name), "further headers"
        ),
        "timeout": Key("timeout", Duration(0.1, 300), "for the whole exchange, default 10s"),
    },
)
TLS = Section(
    Tls,
    "Trust beside the machine's own.",
    {"caFile": Key("ca_file", _PATH, "a PEM file of certificate authorities")},
)
REFRESH = Section(
    Refresh,
    "When to refresh.",
    {
        "at": Key("at", Number(0.5, 0.95), "latest point of the life, default 0.75"),
        "jitter": Key("jitter", Number(0, 0.4), "drawn off that point, default 0.10"),
        "minLead": Key("min_lead", Duration(0, 30 * _DAY), "least time to spare, default 60s"),
        "defaultLifetime": Key(
            "default_lifetime", Duration(1, 3650 * _DAY), "where the answer names none"
        ),
        "maxRequestsPerHour": Key(
            "max_requests_per_hour", Number(1, 1_000_000, whole=True), "a budget, default none"
        ),
        "onExpired": Key("on_expired", Choice(OnExpired), "keep (default) or delete a dead token"),
    },
)
TOKEN = Section(
    TokenConfig,
    "One token.",
    {
        "name": Key("name", Text(checks.label, "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"), "unique"),
        "state": Key("state", Choice(State), "present (default), or absent to remove it"),
        "tokenUrl": Key("token_url", Text(checks.url), "the token endpoint"),
        "allowInsecure": Key("allow_insecure", Flag(), "http:// to a host that is not loopback"),
        "auth": Key("auth", AUTH, AUTH.doc),
        "request": Key("request", REQUEST, REQUEST.doc),
        "tls": Key("tls", TLS, TLS.doc),
        "refresh": Key("refresh", REFRESH, REFRESH.doc),
        "adopt": Key("adopt", Flag(), "keep a live token found at the start, default true"),
        "sinks": Key("sinks", Items(SinkEntry(), least=1), "where the token goes"),
    },
)
DEFAULTS = Section(
    TokenConfig,
    "Any key of a token but name; stands under each.",
    {key: known for key, known in TOKEN.keys.items() if key != "name"},
)
SERVER = Section(
    Server,
    "Metrics and probes.",
    {"address": Key("address", Address(), 'host:port in quotes, default "[::]:9797"')},
)
LOG = Section(
    Log,
    "Logging.",
    {
        "level": Key("level", Choice(LogLevel), "default info"),
        "format": Key("format", Choice(LogFormat), "json, or console (default on a terminal)"),
    },
)
CONFIG = Section(
    Config,
    "Configuration of secret-refresher.",
    {
        "tokens": Key("tokens", Items(TOKEN), "what to keep fresh"),
        "defaults": Key("defaults", DEFAULTS, DEFAULTS.doc),
        "server": Key("server", SERVER, SERVER.doc),
        "log": Key("log", LOG, LOG.doc),
    },
)
