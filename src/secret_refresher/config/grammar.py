"""The keys of the configuration, once: the reader and the JSON Schema both follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from secret_refresher.config import checks
from secret_refresher.config.measures import Address, Duration, Mode
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
from secret_refresher.config.parameters import JsonValue
from secret_refresher.config.problems import Findings, Path
from secret_refresher.config.renders import Rendering
from secret_refresher.config.sections import Key, Section, Table, closed, key_name, nullable
from secret_refresher.config.shapes import BAD, Choice, Flag, Items, Number, Schema, Text, kind

_DAY = 86400.0
_YEAR = 365 * _DAY
_INPUT = Text(checks.input_path, "^/")
_PRINTABLE = Text(checks.printable)

FILE = Section(
    FileSink,
    {
        "path": Key(
            "path",
            Text(checks.output_path, "^/"),
            "The file, as an absolute path; {name} stands for the token's name.",
        ),
        "mode": Key("mode", Mode(), "Permission bits, octal digits in quotes."),
        "render": Key(
            "render", Rendering(), "How the token is written; a text alone is a Jinja2 template."
        ),
    },
)


@final
@dataclass(frozen=True, slots=True)
class SinkEntry:
    """One entry of `sinks`: the kind of sink with its settings."""

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """A `FileSink`."""
        if not isinstance(raw, dict):
            findings.add(at, f"must be a mapping, not {kind(raw)}; write file: and below it path:")
            return BAD
        others = [key for key in raw if key != "file"]
        for key in others:
            findings.add((*at, key_name(key)), "is not known; write file: and its settings below")
        if "file" not in raw:
            if not others:
                findings.add((*at, "file"), "is missing; write file: and below it path:")
            return BAD
        settings = {} if raw["file"] is None else raw["file"]
        sink = FILE.whole(settings, (*at, "file"), findings)
        return BAD if others else sink

    def schema(self) -> Schema:
        """An object with the one key."""
        file = nullable({"description": "A file that holds the token.", **FILE.schema()})
        return closed({"file": file}, ["file"])


AUTH = Section(
    Auth,
    {
        "method": Key(
            "method",
            Choice(tuple(AuthMethod)),
            "How the client proves who it is; client_secret_basic unless given, and"
            " client_secret_post where request.format is json.",
        ),
        "clientId": Key("client_id", _PRINTABLE, "The client id itself."),
        "clientIdFile": Key("client_id_file", _INPUT, "The file that holds the client id."),
        "clientSecretFile": Key(
            "client_secret_file", _INPUT, "The file that holds the client secret."
        ),
        "previousClientSecretFile": Key(
            "previous_client_secret_file",
            _INPUT,
            "The file that holds the secret before; tried once when the server says"
            " invalid_client.",
        ),
    },
    rivals=("clientId", "clientIdFile"),
)
REQUEST = Section(
    Request,
    {
        "format": Key(
            "format", Choice(tuple(RequestFormat)), "RFC 6749's form, or one JSON object."
        ),
        "method": Key("method", Choice(tuple(RequestMethod)), "The HTTP method."),
        "scope": Key(
            "scope", Items(Text(checks.scope, checks.SCOPE)), "Scopes to ask for, one an entry."
        ),
        "audience": Key("audience", _PRINTABLE, "The audience to ask for."),
        "resource": Key(
            "resource",
            Items(Text(checks.resource, checks.RESOURCE)),
            "Resources to ask for (RFC 8707), as URIs.",
        ),
        "parameters": Key(
            "parameters",
            Table(
                JsonValue(),
                checks.parameter_name,
                {"minLength": 1, "not": {"enum": sorted(checks.STANDARD_PARAMETERS)}},
            ),
            "Further parameters; texts, numbers, booleans or lists of them, and with format: json"
            " whatever JSON can say.",
        ),
        "headers": Key(
            "headers",
            Table(Text(checks.header_value), checks.header_name, {"pattern": checks.HEADER}),
            "Further headers.",
        ),
        "timeout": Key("timeout", Duration(0.1, 300), "How long the whole exchange may take."),
    },
)
TLS = Section(
    Tls,
    {"caFile": Key("ca_file", _INPUT, "A PEM file of certificate authorities to trust.")},
)
REFRESH = Section(
    Refresh,
    {
        "at": Key("at", Number(0.5, 0.95), "The latest point of a token's life to refresh at."),
        "jitter": Key("jitter", Number(0, 0.4), "By how much of the life that may be earlier."),
        "minLead": Key(
            "min_lead", Duration(0, 30 * _DAY), "The least time between a refresh and the expiry."
        ),
        "defaultLifetime": Key(
            "default_lifetime",
            Duration(1, 10 * _YEAR),
            "The life of a token where the server does not tell it.",
        ),
        "maxRequestsPerHour": Key(
            "max_requests_per_hour",
            Number(1, 1_000_000, whole=True),
            "A budget of token requests; none unless given.",
        ),
        "onExpired": Key(
            "on_expired", Choice(tuple(OnExpired)), "What becomes of a file whose token is dead."
        ),
    },
)
_COMMON = {
    "state": Key(
        "state",
        Choice(tuple(State)),
        "absent removes what is ours of the token from its sinks; the entry stays until then.",
    ),
    "tokenUrl": Key(
        "token_url", Text(checks.url, checks.HTTP_URL), "The URL of the token endpoint."
    ),
    "allowInsecure": Key(
        "allow_insecure", Flag(), "Allow http:// to a host that is not this machine's loopback."
    ),
    "auth": Key("auth", AUTH, "Client credentials."),
    "request": Key("request", REQUEST, "How a token is asked for."),
    "tls": Key("tls", TLS, "Whom to trust."),
    "refresh": Key("refresh", REFRESH, "When to refresh."),
    "adopt": Key("adopt", Flag(), "Go on with a live token found at the start."),
    "sinks": Key("sinks", Items(SinkEntry(), least=1), "Where the token goes."),
}
TOKEN = Section(
    TokenConfig,
    {
        "name": Key(
            "name",
            Text(checks.label, checks.LABEL),
            "The token's unique name: lower-case letters, digits and dashes.",
        ),
        **_COMMON,
    },
)
DEFAULTS = Section(TokenConfig, _COMMON)
SERVER = Section(
    Server,
    {"address": Key("address", Address(), "Where metrics and probes listen: host:port.")},
)
LOG = Section(
    Log,
    {
        "level": Key("level", Choice(tuple(LogLevel)), "How much is said."),
        "format": Key(
            "format",
            Choice(tuple(LogFormat)),
            "json, or console for people; console on a terminal and json elsewhere unless given.",
        ),
    },
)
CONFIG = Section(
    Config,
    {
        "tokens": Key("tokens", Items(TOKEN), "The tokens to keep fresh."),
        "defaults": Key("defaults", DEFAULTS, "What stands under each token unless it says else."),
        "server": Key("server", SERVER, "Metrics and probes."),
        "log": Key("log", LOG, "Logging."),
    },
)
