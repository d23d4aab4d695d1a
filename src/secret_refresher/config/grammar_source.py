"""The keys that say how a token is asked for, and when."""

from __future__ import annotations

from secret_refresher.config import checks
from secret_refresher.config.measures import Duration
from secret_refresher.config.model import (
    Algorithm,
    Auth,
    AuthMethod,
    OnExpired,
    Refresh,
    Request,
    RequestFormat,
    RequestMethod,
    Tls,
)
from secret_refresher.config.parameters import JsonValue
from secret_refresher.config.sections import Key, Section, Table
from secret_refresher.config.shapes import Choice, Items, Number, Text

_DAY = 86400.0
_YEAR = 365 * _DAY
_INPUT = Text(checks.input_path, "^/")
_PRINTABLE = Text(checks.printable)

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
        "privateKeyFile": Key(
            "private_key_file",
            _INPUT,
            "private_key_jwt: the file that holds the private key, as PEM or JWK.",
        ),
        "keyId": Key(
            "key_id",
            _PRINTABLE,
            "private_key_jwt: the key's name at the server (kid); the JWK's own unless given.",
        ),
        "algorithm": Key(
            "algorithm",
            Choice(tuple(Algorithm)),
            "private_key_jwt: how to sign; RS256 for an RSA key unless given, else what the key is"
            " for.",
        ),
        "assertionAudience": Key(
            "assertion_audience",
            _PRINTABLE,
            "private_key_jwt: whom the assertion is for (aud); the issuer where it is known, else"
            " the token endpoint.",
        ),
        "assertionFile": Key(
            "assertion_file",
            _INPUT,
            "client_assertion: the file that holds an assertion, as a projected ServiceAccount"
            " token.",
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
    {
        "caFile": Key("ca_file", _INPUT, "A PEM file of certificate authorities to trust."),
        "certFile": Key(
            "cert_file",
            _INPUT,
            "A PEM file with the certificate to show to the token endpoint, our own first.",
        ),
        "keyFile": Key(
            "key_file",
            _INPUT,
            "The PEM file with the certificate's private key; without it certFile holds both.",
        ),
    },
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
            "A budget: never more token requests in any hour, half as many for long; none unless"
            " given.",
        ),
        "onExpired": Key(
            "on_expired", Choice(tuple(OnExpired)), "What a sink holds once its token is dead."
        ),
    },
)
