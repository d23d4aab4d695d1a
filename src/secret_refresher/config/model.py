"""The configuration as the program sees it: typed, complete, right, and frozen.

Durations are float seconds. Whatever holds here was checked by `read`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import final

from secret_refresher.config.consumers import ConsumerSpec
from secret_refresher.config.election import Election
from secret_refresher.tokens.rendering import Render

CREDENTIALS = "/etc/secret-refresher/credentials/{name}/"
"""Where a token's credentials are mounted unless the configuration says otherwise."""
OUTPUT = "/var/run/secret-refresher/{name}"
"""Where a token's file stands unless the configuration says otherwise."""
_EMPTY: Mapping[str, object] = MappingProxyType({})
_NO_TEXTS: Mapping[str, str] = MappingProxyType({})
_TOKEN_KEY: Mapping[str, Render] = MappingProxyType({"token": Render()})


class AuthMethod(StrEnum):
    """How a client proves who it is (OpenID Connect Core section 9 names)."""

    CLIENT_SECRET_BASIC = "client_secret_basic"  # noqa: S105 - a method name
    CLIENT_SECRET_POST = "client_secret_post"  # noqa: S105 - a method name
    PRIVATE_KEY_JWT = "private_key_jwt"
    """An assertion that we sign (RFC 7523 section 2.2)."""
    CLIENT_ASSERTION = "client_assertion"
    """An assertion that somebody else signed, as a ServiceAccount token (RFC 7521 section 4.2)."""
    TLS_CLIENT_AUTH = "tls_client_auth"
    """A certificate of an authority that the server trusts (RFC 8705 section 2.1)."""
    SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth"
    """A certificate that the server knows itself (RFC 8705 section 2.2)."""


class Algorithm(StrEnum):
    """How an assertion is signed (RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864)."""

    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    PS256 = "PS256"
    PS384 = "PS384"
    PS512 = "PS512"
    ES256 = "ES256"
    ES384 = "ES384"
    ES512 = "ES512"
    EDDSA = "EdDSA"
    ED25519 = "Ed25519"
    ED448 = "Ed448"


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


class Operator(StrEnum):
    """How a label is compared (Kubernetes LabelSelectorRequirement)."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Drift(StrEnum):
    """How changes that others make to our Secrets are noticed."""

    AUTO = "auto"
    """Each Secret by name: watched while they are few, else read in turn."""
    NAMESPACE = "namespace"
    """All Secrets of a namespace with our label; needs the right to list them."""


class OnExpired(StrEnum):
    """What a sink holds once its token is dead."""

    KEEP = "keep"
    DELETE = "delete"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Client credentials; `method` None means the request format's own way.

    The client id is literal where `client_id` is set, and in `client_id_file` otherwise; only
    with `client_assertion` both may be None. The method says which of the others count:
    `private_key_file` to `assertion_audience` for private_key_jwt, where an `algorithm` of None
    follows from the key and an audience of None from the server.
    """

    method: AuthMethod | None = None
    client_id: str | None = None
    client_id_file: str | None = CREDENTIALS + "client_id"
    client_secret_file: str = CREDENTIALS + "client_secret"
    previous_client_secret_file: str | None = None
    private_key_file: str = CREDENTIALS + "private_key"
    key_id: str | None = None
    algorithm: Algorithm | None = None
    assertion_audience: str | None = None
    assertion_file: str = CREDENTIALS + "assertion"


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
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    timeout: float = 10.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Trust: a file of authorities takes the place of the machine's own.

    `cert_file` is the certificate that is shown to the token endpoint; its key is in the same
    file where `key_file` is None.
    """

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


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
class Expression:
    """One of `matchExpressions` (Kubernetes LabelSelectorRequirement)."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSelector:
    """Which objects: all of it must match (Kubernetes LabelSelector)."""

    match_labels: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    match_expressions: tuple[Expression, ...] = ()

    def query(self) -> str:
        """The selector as the API takes it in `labelSelector`."""
        terms = [f"{key}={value}" for key, value in sorted(self.match_labels.items())]
        for wanted in self.match_expressions:
            listed = f"({','.join(wanted.values)})"
            match wanted.operator:
                case Operator.IN:
                    terms.append(f"{wanted.key} in {listed}")
                case Operator.NOT_IN:
                    terms.append(f"{wanted.key} notin {listed}")
                case Operator.EXISTS:
                    terms.append(wanted.key)
                case Operator.DOES_NOT_EXIST:
                    terms.append(f"!{wanted.key}")
        return ",".join(terms)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSink:
    """A token as keys of a Kubernetes Secret, in one namespace or many.

    Of `namespace`, `namespaces` and `namespace_selector` at most one is given; none means the
    pod's own namespace. `propagation`: seconds by which a mounted copy may be late.
    """

    name: str
    namespace: str | None = None
    namespaces: tuple[str, ...] = ()
    namespace_selector: LabelSelector | None = None
    type: str = "Opaque"
    data: Mapping[str, Render] = field(default_factory=lambda: _TOKEN_KEY)
    force: bool = False
    labels: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    annotations: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    propagation: float = 90.0

    @property
    def fixed_namespaces(self) -> tuple[str | None, ...]:
        """The namespaces that are known from the configuration; None is the pod's own."""
        if self.namespace_selector is not None:
            return ()
        return self.namespaces or (self.namespace,)


SinkSpec = FileSink | SecretSink


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenConfig:
    """One entry under `tokens:`, with the defaults in it.

    It has a `token_url` or an `issuer` whose metadata names one; only a token whose `state` is
    absent may lack both.
    """

    name: str
    state: State = State.PRESENT
    token_url: str = ""
    issuer: str | None = None
    allow_insecure: bool = False
    auth: Auth = Auth()
    request: Request = Request()
    tls: Tls = Tls()
    refresh: Refresh = Refresh()
    adopt: bool = True
    sinks: tuple[SinkSpec, ...] = ()
    notify: tuple[ConsumerSpec, ...] = ()

    @property
    def propagation(self) -> float:
        """Seconds by which the slowest sink's readers may see a change late."""
        late = (sink.propagation for sink in self.sinks if isinstance(sink, SecretSink))
        return max(late, default=0.0)

    @property
    def asked_at(self) -> str:
        """The URL that the configuration has: the issuer, else the token endpoint."""
        return self.issuer or self.token_url

    @property
    def auth_method(self) -> AuthMethod:
        """The method in force: `auth.method`, else the request format's own way."""
        if self.auth.method is not None:
            return self.auth.method
        if self.request.format is RequestFormat.JSON:
            return AuthMethod.CLIENT_SECRET_POST
        return AuthMethod.CLIENT_SECRET_BASIC


class Page(StrEnum):
    """Who may look at the status page."""

    LOOPBACK = "loopback"
    """Who comes over this machine's loopback, as `kubectl port-forward` does."""
    ALL = "all"
    OFF = "off"


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
    """Where metrics, probes and the status page listen: host and port; who sees the page."""

    address: tuple[str, int] = ("::", 9797)
    page: Page = Page.LOOPBACK


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Kubernetes:
    """How we appear in the cluster.

    `owner` (namespace/name) tells our Secrets from those of another installation.
    """

    field_manager: str = "secret-refresher"
    owner: str = "default/secret-refresher"
    drift: Drift = Drift.AUTO


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
    kubernetes: Kubernetes = Kubernetes()
    election: Election = Election()  # noqa: RUF009 - frozen
    log: Log = Log()
