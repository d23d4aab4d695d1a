"""The keys of the configuration, once: the reader and the JSON Schema both follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from secret_refresher.config import checks, names
from secret_refresher.config.measures import Address, Duration, Mode
from secret_refresher.config.model import (
    Auth,
    AuthMethod,
    Config,
    Drift,
    Expression,
    FileSink,
    Kubernetes,
    LabelSelector,
    Log,
    LogFormat,
    LogLevel,
    OnExpired,
    Operator,
    Refresh,
    Request,
    RequestFormat,
    RequestMethod,
    SecretSink,
    Server,
    State,
    Tls,
    TokenConfig,
)
from secret_refresher.config.parameters import JsonValue
from secret_refresher.config.problems import Findings, Path
from secret_refresher.config.renders import Rendering
from secret_refresher.config.sections import Key, Section, Table, Whole, closed, key_name, nullable
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


_LABEL_VALUE = Text(names.label_value, names.LABEL_VALUE, empty=True)
_KEY_SCHEMA = {"pattern": names.LABEL_KEY}
_NAMESPACE = Text(checks.label, checks.LABEL)
_SELECTOR = Section(
    LabelSelector,
    {
        "matchLabels": Key(
            "match_labels",
            Table(_LABEL_VALUE, names.label_key, _KEY_SCHEMA),
            "Labels that must have these values.",
        ),
        "matchExpressions": Key(
            "match_expressions",
            Items(
                Whole(
                    Section(
                        Expression,
                        {
                            "key": Key(
                                "key", Text(names.label_key, names.LABEL_KEY), "The label's name."
                            ),
                            "operator": Key(
                                "operator", Choice(tuple(Operator)), "How it is compared."
                            ),
                            "values": Key(
                                "values",
                                Items(_LABEL_VALUE),
                                "With In and NotIn: the values.",
                            ),
                        },
                    )
                )
            ),
            "Further conditions on labels.",
        ),
    },
)
SECRET = Section(
    SecretSink,
    {
        "name": Key(
            "name",
            Text(names.secret_name, names.SECRET_NAME),
            "The Secret's name; {name} stands for the token's name.",
        ),
        "namespace": Key(
            "namespace", _NAMESPACE, "Its namespace; the pod's own unless one is given."
        ),
        "namespaces": Key("namespaces", Items(_NAMESPACE, least=1), "Its namespaces."),
        "namespaceSelector": Key(
            "namespace_selector", _SELECTOR, "Its namespaces by their labels, as they come and go."
        ),
        "type": Key("type", Text(names.secret_type), "The Secret's type."),
        "data": Key(
            "data",
            Table(Rendering(), names.data_key, {"pattern": names.DATA_KEY}),
            "How the token is written under each key; the key token with format: raw unless given.",
        ),
        "force": Key(
            "force", Flag(), "Take a key that somebody else manages, or another owner's Secret."
        ),
        "labels": Key(
            "labels",
            Table(_LABEL_VALUE, names.further_key, _KEY_SCHEMA),
            "Further labels of the Secret.",
        ),
        "annotations": Key(
            "annotations",
            Table(Text(empty=True), names.further_key, _KEY_SCHEMA),
            "Further annotations of the Secret.",
        ),
        "propagation": Key(
            "propagation",
            Duration(0, _DAY),
            "How late a mounted copy of the Secret may see a change.",
        ),
    },
    rivals=("namespace", "namespaces", "namespaceSelector"),
)
_SINKS = {"file": (FILE, "A file"), "secret": (SECRET, "A Secret")}
"""The kinds of sinks: the section, and what it is for people."""


@final
@dataclass(frozen=True, slots=True)
class SinkEntry:
    """One entry of `sinks`: the kind of sink with its settings."""

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """A `FileSink` or a `SecretSink`."""
        if not isinstance(raw, dict):
            findings.add(at, f"must be a mapping, not {kind(raw)}; write file: and below it path:")
            return BAD
        others = [key for key in raw if key not in _SINKS]
        for key in others:
            findings.add(
                (*at, key_name(key)), "is not known; write file: or secret:, its settings below"
            )
        found = [name for name in _SINKS if name in raw]
        if not found and not others:
            findings.add(at, "names no sink; write file: and below it path:, or secret: and name:")
        if len(found) > 1:
            findings.add(at, "names two sinks; begin a new entry with a dash for each")
        if len(found) != 1:
            return BAD
        section, _ = _SINKS[found[0]]
        settings = {} if raw[found[0]] is None else raw[found[0]]
        sink = section.whole(settings, (*at, found[0]), findings)
        return BAD if others else sink

    def schema(self) -> Schema:
        """An object with exactly one of the keys."""
        kinds = {}
        for name, (section, what) in _SINKS.items():
            settings = {"description": f"{what} that holds the token.", **section.schema()}
            kinds[name] = settings if section.required else nullable(settings)
        return {**closed(kinds, []), "minProperties": 1, "maxProperties": 1}


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
            "on_expired", Choice(tuple(OnExpired)), "What a sink holds once its token is dead."
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
KUBERNETES = Section(
    Kubernetes,
    {
        "fieldManager": Key(
            "field_manager", Text(names.field_manager), "Under which name our fields are kept."
        ),
        "owner": Key(
            "owner",
            Text(names.owner, names.OWNER),
            "This installation as namespace/name; another one's Secrets are left alone.",
        ),
        "drift": Key(
            "drift",
            Choice(tuple(Drift)),
            "How others' changes are noticed: auto, Secret by Secret; namespace, all Secrets of a"
            " namespace, which needs the right to list them.",
        ),
    },
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
        "kubernetes": Key("kubernetes", KUBERNETES, "How we appear in the cluster."),
        "log": Key("log", LOG, "Logging."),
    },
)
