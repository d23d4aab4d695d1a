"""What a right configuration is read to."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from secret_refresher.config.consumers import (
    HttpConsumer,
    HttpMethod,
    RolloutConsumer,
    SignalConsumer,
    SignalName,
    WorkloadKind,
)
from secret_refresher.config.election import Election
from secret_refresher.config.model import (
    Auth,
    AuthMethod,
    Config,
    FileSink,
    Log,
    LogFormat,
    LogLevel,
    OnExpired,
    Page,
    Refresh,
    Request,
    RequestFormat,
    RequestMethod,
    Server,
    State,
    Tls,
    TokenConfig,
)
from secret_refresher.config.read import Document, read
from secret_refresher.tokens.rendering import Render, RenderFormat
from support.tokens import files_of

Load = Callable[[str], Config]

EVERYTHING = Path(__file__).with_name("everything.yaml").read_text()
MINIMAL = """
tokens:
  - name: a
    tokenUrl: https://id.example.com/t
    sinks: [{file: {}}]
"""


def test_every_key_reaches_its_attribute(load: Load) -> None:
    """Each key of the configuration is read to the attribute that has its meaning."""
    folder = "/etc/secret-refresher/credentials/partner-api"
    assert load(EVERYTHING) == Config(
        tokens=(
            TokenConfig(
                name="partner-api",
                state=State.PRESENT,
                token_url="https://api.example.com/oauth/token",
                auth=Auth(
                    method=AuthMethod.CLIENT_SECRET_POST,
                    client_id_file=f"{folder}/client_id",
                    client_secret_file=f"{folder}/client_secret",
                    previous_client_secret_file=f"{folder}/previous",
                    private_key_file=f"{folder}/private_key",
                    assertion_file=f"{folder}/assertion",
                ),
                request=Request(
                    format=RequestFormat.JSON,
                    method=RequestMethod.POST,
                    scope=("read", "write"),
                    audience="https://api.example.com",
                    resource=("https://api.example.com",),
                    parameters={"tenant": "blue"},
                    headers={"X-Tenant": "blue"},
                    timeout=10.0,
                ),
                tls=Tls(ca_file="/ca.pem", cert_file="/tls.crt", key_file="/tls.key"),
                refresh=Refresh(
                    at=0.8,
                    jitter=0.2,
                    min_lead=90.0,
                    default_lifetime=600.0,
                    max_requests_per_hour=120,
                    on_expired=OnExpired.DELETE,
                ),
                adopt=False,
                sinks=(FileSink(path="/var/run/tokens/partner-api", mode=0o440),),
                notify=(
                    HttpConsumer(
                        url="https://127.0.0.1:9000/-/reload",
                        method=HttpMethod.PUT,
                        timeout=3.0,
                        headers={"X-Why": "token"},
                        ca_file="/ca.pem",
                    ),
                    SignalConsumer(
                        process="app", pid_file="/run/partner-api.pid", signal=SignalName.USR1
                    ),
                    RolloutConsumer(
                        kind=WorkloadKind.STATEFUL_SET,
                        name="partner-api-app",
                        namespace="apps",
                        min_interval=300.0,
                        min_life=7200.0,
                    ),
                ),
            ),
        ),
        server=Server(address=("::1", 9000), page=Page.ALL),
        election=Election(
            name="tokens",
            namespace="tools",
            shards=3,
            lease_duration=20.0,
            renew_deadline=12.0,
            retry_period=3.0,
        ),
        log=Log(level=LogLevel.WARNING, format=LogFormat.JSON),
    )


def test_what_is_not_written_has_the_documented_default(load: Load) -> None:
    """A name, a URL and a sink are enough; the rest is as the documentation says."""
    config = load(MINIMAL)
    (token,) = config.tokens
    folder = "/etc/secret-refresher/credentials/a"
    assert (token.auth.client_id_file, token.auth.client_secret_file) == (
        f"{folder}/client_id",
        f"{folder}/client_secret",
    )
    assert (
        token.auth.client_id is token.auth.previous_client_secret_file is token.tls.ca_file is None
    )
    assert token.sinks == (FileSink(path="/var/run/secret-refresher/a", mode=0o440),)
    assert files_of(token)[0].render == Render(format=RenderFormat.RAW)
    assert (token.refresh.at, token.refresh.jitter, token.refresh.min_lead) == (0.75, 0.10, 60.0)
    assert (token.refresh.default_lifetime, token.refresh.max_requests_per_hour) == (None, None)
    assert (token.request.timeout, token.adopt, token.refresh.on_expired) == (10.0, True, "keep")
    assert config.server == Server(address=("::", 9797), page=Page.LOOPBACK)
    assert config.log == Log(level=LogLevel.INFO, format=None)


@pytest.mark.parametrize("text", ["~", "", "{}"], ids=["tilde", "nothing", "empty mapping"])
def test_an_empty_section_is_its_defaults(load: Load, text: str) -> None:
    """A section without anything in it is as good as none."""
    whole = "".join(f"    {key}: {text}\n" for key in ("auth", "request", "tls", "refresh"))
    bottom = "".join(f"{key}: {text}\n" for key in ("defaults", "server", "log"))
    assert load(MINIMAL + whole + bottom) == load(MINIMAL)
    assert load(MINIMAL.replace("{file: {}}", f"{{file: {text}}}")) == load(MINIMAL)


@pytest.mark.parametrize(
    ("method", "form", "verb", "effective"),
    [
        ("~", "form", "POST", "client_secret_basic"),
        ("~", "form", "GET", "client_secret_basic"),
        ("~", "json", "POST", "client_secret_post"),
        ("client_secret_basic", "json", "POST", "client_secret_basic"),
        ("client_secret_post", "form", "POST", "client_secret_post"),
    ],
)
def test_the_method_in_force(load: Load, method: str, form: str, verb: str, effective: str) -> None:
    """Without a method credentials go the request format's own way."""
    config = load(
        f"{MINIMAL}    auth: {{method: {method}}}\n    request: {{format: {form}, method: {verb}}}"
    )
    assert config.tokens[0].auth_method == effective


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1m500ms", 60.5),
        ("0s", 0.0),
        ("1.5h", 5400.0),
        ("720h", 2_592_000.0),
    ],
)
def test_durations(load: Load, text: str, seconds: float) -> None:
    """Durations are read to seconds."""
    config = load(f"{MINIMAL}    refresh: {{minLead: {text}}}")
    assert config.tokens[0].refresh.min_lead == seconds


@pytest.mark.parametrize(
    ("text", "bits"), [("0440", 0o440), ("640", 0o640), ("0664", 0o664), ("0444", 0o444)]
)
def test_modes(load: Load, text: str, bits: int) -> None:
    """Modes are octal, of three digits or four."""
    config = load(MINIMAL.replace("{file: {}}", f'{{file: {{mode: "{text}"}}}}'))
    assert files_of(config.tokens[0])[0].mode == bits


@pytest.mark.parametrize(
    ("text", "render"),
    [
        ("{format: bearer}", Render(format=RenderFormat.BEARER)),
        ("{format: json}", Render(format=RenderFormat.JSON)),
        ("{format: env}", Render(format=RenderFormat.ENV)),
        ("{format: env, variable: T}", Render(format=RenderFormat.ENV, variable="T")),
        (
            "{format: dockerconfigjson, registries: [r.example.com], username: u}",
            Render(
                format=RenderFormat.DOCKERCONFIGJSON, registries=("r.example.com",), username="u"
            ),
        ),
        (
            "{format: netrc, machine: m, login: l}",
            Render(format=RenderFormat.NETRC, machine="m", login="l"),
        ),
        (
            "'t={{ accessToken }}'",
            Render(format=RenderFormat.TEMPLATE, template="t={{ accessToken }}"),
        ),
        (
            "{template: 't={{ accessToken }}'}",
            Render(format=RenderFormat.TEMPLATE, template="t={{ accessToken }}"),
        ),
    ],
)
def test_renders(load: Load, text: str, render: Render) -> None:
    """Each way to write a rendering down is understood."""
    config = load(MINIMAL.replace("{file: {}}", f"{{file: {{render: {text}}}}}"))
    assert files_of(config.tokens[0])[0].render == render


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("[::]:9797", ("::", 9797)),
        ("0.0.0.0:9797", ("0.0.0.0", 9797)),  # noqa: S104 - read, not bound
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        (":9797", ("::", 9797)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_addresses(load: Load, text: str, address: tuple[str, int]) -> None:
    """An address is host and port, an IPv6 host in brackets, none for all."""
    assert load(f'{MINIMAL}server: {{address: "{text}"}}').server.address == address


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080/t",
        "http://127.8.9.1/t",
        "http://[::1]:80/t",
        "https://ID.example.com./t?grant=1&x=%7E",
        "https://[2001:db8::1]:8443/t",
        "https://xn--bcher-kva.example/t",
    ],
)
def test_token_urls(load: Load, url: str) -> None:
    """A URL with https goes anywhere, and http to this machine."""
    assert load(MINIMAL.replace("https://id.example.com/t", url)).tokens[0].token_url == url


def test_a_scheme_has_no_case(load: Load) -> None:
    """Whoever writes HTTPS gets TLS with the trust that was asked for, and no other connection."""
    text = MINIMAL.replace("https://id.example.com/t", "HTTPS://ID.example.com/T")
    assert load(text).tokens[0].token_url == "https://ID.example.com/T"


def test_http_elsewhere_where_it_is_meant(load: Load) -> None:
    """`allowInsecure` lets http go to another machine."""
    text = MINIMAL.replace("https://", "http://") + "    allowInsecure: true"
    assert load(text).tokens[0].allow_insecure


def test_an_absent_token_needs_only_name_and_sinks(load: Load) -> None:
    """What is to be removed needs no source any more."""
    (token,) = load("tokens: [{name: a, state: absent, sinks: [{file: {path: /x}}]}]").tokens
    assert (token.token_url, token.state) == ("", State.ABSENT)


def test_json_parameters_keep_their_type(load: Load) -> None:
    """With format json a parameter is what it was written as, nulls inside included."""
    request = "{format: json, parameters: {a: 1, b: true, c: 1.5, d: {e: [null, '1']}, f: []}}"
    parameters = load(f"{MINIMAL}    request: {request}").tokens[0].request.parameters
    assert repr(dict(parameters)) == repr(
        {"a": 1, "b": True, "c": 1.5, "d": {"e": (None, "1")}, "f": ()}
    )


def test_form_parameters_are_scalars_or_lists_of_them(load: Load) -> None:
    """A form takes texts, numbers and booleans, and a list of them for a repeated parameter."""
    request = "{parameters: {a: 1, b: true, c: x, d: [x, 2]}}"
    parameters = load(f"{MINIMAL}    request: {request}").tokens[0].request.parameters
    assert dict(parameters) == {"a": 1, "b": True, "c": "x", "d": ("x", 2)}


def test_no_tokens_is_allowed_where_it_is_said(load: Load) -> None:
    """The last token can go: an empty list is a configuration."""
    assert load("tokens: []").tokens == ()


def test_nothing_read_can_be_changed(load: Load) -> None:
    """The mappings of the model refuse writing, as its dataclasses do."""
    request = load(EVERYTHING).tokens[0].request
    for mapping in (request.parameters, request.headers):
        with pytest.raises(TypeError):
            mapping["x"] = "y"  # type: ignore[index]


def test_ten_thousand_tokens_share_what_is_equal() -> None:
    """Ten thousand tokens are read in seconds, and what they have in common is held once."""
    defaults = {
        "tokenUrl": "https://id.example.com/t",
        "auth": {"clientId": "me", "clientSecretFile": "/s"},
        "request": {"format": "json", "parameters": {"tenant": "blue"}},
        "tls": {"caFile": "/ca.pem"},
        "refresh": {"at": 0.8},
        "sinks": [{"file": {"render": "{{ accessToken }}\n"}}],
    }
    tokens: list[dict[str, object]] = [
        {"name": f"t{i}", "request": {"timeout": "20s"}} for i in range(10_000)
    ]
    tokens[0]["sinks"] = [{"file": {"render": "{{ accessToken }}\n"}}]
    begin = time.monotonic()
    config = read([Document("c.yaml", {"defaults": defaults, "tokens": tokens})])
    assert time.monotonic() - begin < 30
    assert len(config.tokens) == 10_000
    for part in ("token_url", "request", "tls", "refresh"):
        assert len({id(getattr(token, part)) for token in config.tokens}) == 1
    assert len({id(files_of(token)[0].render) for token in config.tokens}) == 1


def test_sharing_keeps_apart_what_only_looks_equal(load: Load) -> None:
    """The number 1 and true stay what they are in tokens beside each other."""
    config = load(
        "defaults: {tokenUrl: 'https://x/', sinks: [{file: }]}\n"
        "tokens: [{name: a, request: {format: json, parameters: {x: 1}}},"
        " {name: b, request: {format: json, parameters: {x: true}}}]"
    )
    assert [token.request.parameters["x"] is True for token in config.tokens] == [False, True]
