"""The keys of the configuration, once: the reader and the JSON Schema both follow it."""

from __future__ import annotations

from secret_refresher.config import checks, names
from secret_refresher.config.grammar_election import ELECTION
from secret_refresher.config.grammar_notify import CONSUMER
from secret_refresher.config.grammar_sinks import SINK
from secret_refresher.config.grammar_source import AUTH, REFRESH, REQUEST, TLS
from secret_refresher.config.measures import Address
from secret_refresher.config.model import (
    Config,
    Drift,
    Kubernetes,
    Log,
    LogFormat,
    LogLevel,
    Page,
    Server,
    State,
    TokenConfig,
)
from secret_refresher.config.sections import Key, Section
from secret_refresher.config.shapes import Choice, Flag, Items, Text

_COMMON = {
    "state": Key(
        "state",
        Choice(tuple(State)),
        "absent removes what is ours of the token from its sinks; the entry stays until then.",
    ),
    "tokenUrl": Key(
        "token_url", Text(checks.url, checks.HTTP_URL), "The URL of the token endpoint."
    ),
    "issuer": Key(
        "issuer",
        Text(checks.issuer, checks.HTTP_URL),
        "In place of tokenUrl: the issuer whose metadata names it (RFC 8414, OpenID Connect"
        " Discovery).",
    ),
    "allowInsecure": Key(
        "allow_insecure", Flag(), "Allow http:// to a host that is not this machine's loopback."
    ),
    "auth": Key("auth", AUTH, "Client credentials."),
    "request": Key("request", REQUEST, "How a token is asked for."),
    "tls": Key("tls", TLS, "Whom to trust, and what certificate to show."),
    "refresh": Key("refresh", REFRESH, "When to refresh."),
    "adopt": Key("adopt", Flag(), "Go on with a live token found at the start."),
    "sinks": Key("sinks", Items(SINK, least=1), "Where the token goes."),
    "notify": Key("notify", Items(CONSUMER), "Who is told once a new token is there."),
}
_RIVALS = ("tokenUrl", "issuer")
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
    rivals=_RIVALS,
)
DEFAULTS = Section(TokenConfig, _COMMON, rivals=_RIVALS)
SERVER = Section(
    Server,
    {
        "address": Key(
            "address", Address(), "Where metrics, probes and the status page listen: host:port."
        ),
        "page": Key(
            "page",
            Choice(tuple(Page)),
            "Who sees the status page: loopback, clients on this machine and kubectl port-forward;"
            " all; off, nobody.",
        ),
    },
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
        "server": Key("server", SERVER, "Metrics, probes and the status page."),
        "kubernetes": Key("kubernetes", KUBERNETES, "How we appear in the cluster."),
        "election": Key("election", ELECTION, "How replicas share the work."),
        "log": Key("log", LOG, "Logging."),
    },
)
