"""What is refused, where, and what is advised."""

import copy
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from secret_refresher.config.problems import ConfigError
from secret_refresher.config.read import Document, read

Refuse = Callable[[str], list[str]]
RIGHT: dict[str, Any] = {
    "tokens": [
        {
            "name": "a",
            "tokenUrl": "https://id.example.com/t",
            "auth": {},
            "request": {
                "scope": ["read"],
                "resource": ["https://api.example.com"],
                "parameters": {},
                "headers": {},
            },
            "tls": {},
            "refresh": {},
            "sinks": [{"file": {"render": {"format": "raw"}}}],
        }
    ],
    "server": {},
    "log": {},
}
TOKEN = "tokens[0]."
FILE = "tokens[0].sinks[0].file."


def problems(content: object) -> list[str]:
    """The problems of one document, as `path: message`."""
    with pytest.raises(ConfigError) as refused:
        read([Document("c.yaml", content)])
    assert all(problem.file == "c.yaml" for problem in refused.value.problems)
    return [f"{problem.path}: {problem.message}" for problem in refused.value.problems]


def attempt(content: object) -> ConfigError | None:
    """How reading a document ends."""
    try:
        read([Document("c.yaml", content)])
    except ConfigError as refused:
        return refused
    return None


def put(path: str, value: object) -> dict[str, Any]:
    """The right document with another value at a path."""
    document = copy.deepcopy(RIGHT)
    steps = path.replace("[", ".[").split(".")
    at: Any = document
    for step in steps[:-1]:
        at = at[int(step[1:-1])] if step.startswith("[") else at[step]
    last = steps[-1]
    at[int(last[1:-1]) if last.startswith("[") else last] = value
    return document


def test_the_base_of_these_tests_is_right() -> None:
    """Nothing but what a test changes is wrong."""
    assert read([Document("c.yaml", RIGHT)]).tokens[0].name == "a"


LONG = "x" * 64
NESTED: list[Any] = []
for _ in range(20):
    NESTED = [NESTED]
CASES: list[tuple[str, object, str]] = [
    # names
    (f"{TOKEN}name", "Partner", "must be lower-case letters, digits and dashes"),
    (f"{TOKEN}name", "-a", "must be lower-case"),
    (f"{TOKEN}name", "a-", "must be lower-case"),
    (f"{TOKEN}name", "a.b", "must be lower-case"),
    (f"{TOKEN}name", "a\n", "must be lower-case"),
    (f"{TOKEN}name", LONG, "at most 63"),
    (f"{TOKEN}name", "", "must not be empty"),
    (f"{TOKEN}name", 12, "must be a text, not a number; put it in quotes"),
    (f"{TOKEN}name", True, "must be a text, not the boolean true; put it in quotes"),
    (f"{TOKEN}name", None, "is missing: the token's unique name"),
    (f"{TOKEN}state", "gone", "must be present or absent"),
    # the token endpoint
    (f"{TOKEN}tokenUrl", None, "is missing; write the URL of the token endpoint"),
    (f"{TOKEN}tokenUrl", "id.example.com/t", "must begin with https://"),
    (f"{TOKEN}tokenUrl", "/t", "must begin with https://"),
    (f"{TOKEN}tokenUrl", "ftp://x/t", "must begin with https://"),
    (f"{TOKEN}tokenUrl", "https:///t", "must begin with https:// and a host"),
    (f"{TOKEN}tokenUrl", "https://:443/t", "must have a host"),
    (f"{TOKEN}tokenUrl", "https://u:p@x/t", "must not hold credentials"),
    (f"{TOKEN}tokenUrl", "https://u@x/t", "must not hold credentials"),
    (f"{TOKEN}tokenUrl", "https://x/t#f", "must not have a fragment"),
    (f"{TOKEN}tokenUrl", "https://x/t#", "must not have a fragment"),
    (f"{TOKEN}tokenUrl", "https://x:0/t", "port from 1 to 65535"),
    (f"{TOKEN}tokenUrl", "https://x:65536/t", "port from 1 to 65535"),
    (f"{TOKEN}tokenUrl", "https://x:/t", "must have a host"),
    (f"{TOKEN}tokenUrl", "https://x:8a/t", "must have a host"),
    (f"{TOKEN}tokenUrl", "https://x y/t", "visible ASCII"),
    (f"{TOKEN}tokenUrl", "https://x/t\n", "visible ASCII"),
    (f"{TOKEN}tokenUrl", "https://b\u00fccher.example/t", "xn--"),
    (f"{TOKEN}tokenUrl", "https://x\\@y/t", "visible ASCII"),
    (f"{TOKEN}tokenUrl", "https://x/{name}", "visible ASCII"),
    (f"{TOKEN}tokenUrl", "https://x/%zz", "visible ASCII"),
    (f"{TOKEN}tokenUrl", "https://-x/t", "must have a host"),
    (f"{TOKEN}tokenUrl", "https://x..y/t", "must have a host"),
    (f"{TOKEN}tokenUrl", "https://1.2.3/t", "must have a host"),
    (f"{TOKEN}tokenUrl", "https://1.2.3.256/t", "must have a host"),
    (f"{TOKEN}tokenUrl", "https://[::1/t", "must have a host"),
    (f"{TOKEN}tokenUrl", "https://[fe80::1%25eth0]/t", "must have a host"),
    (f"{TOKEN}tokenUrl", "https://x/t?client_secret=s", "must not hold credentials"),
    (f"{TOKEN}tokenUrl", "https://x/t?a=b&Client_Assertion=", "must not hold credentials"),
    (f"{TOKEN}tokenUrl", "http://id.example.com/t", "allowInsecure: true"),
    (f"{TOKEN}tokenUrl", "http://127.0.0.1.example.com/t", "allowInsecure: true"),
    (f"{TOKEN}tokenUrl", "http://localhost.example.com/t", "allowInsecure: true"),
    (f"{TOKEN}tokenUrl", "http://[::2]/t", "allowInsecure: true"),
    (f"{TOKEN}tokenUrl", "http://10.0.0.1/t", "allowInsecure: true"),
    (f"{TOKEN}allowInsecure", "true", "must be true or false without quotes"),
    # credentials
    (f"{TOKEN}auth.method", "client_secret_jwt", "must be client_secret_basic, client_secret_post"),
    (f"{TOKEN}auth.method", "client_secret_pots", "did you mean client_secret_post?"),
    (f"{TOKEN}auth.clientId", 4711, "must be a text, not a number; put it in quotes"),
    (f"{TOKEN}auth.clientId", "a\nb", "must not hold control characters"),
    (f"{TOKEN}auth.clientSecretFile", "hunter2", "The path of a file belongs here"),
    (f"{TOKEN}auth.clientSecretFile", "/a/../b", "must not hold //, /./ or /../"),
    (f"{TOKEN}auth.clientIdFile", "/a//b", "must not hold //, /./ or /../"),
    (f"{TOKEN}auth.clientIdFile", "/a/{nam}/b", "no braces but {name}"),
    (f"{TOKEN}auth.previousClientSecretFile", "/" + "x" * 256, "longer than 255 bytes"),
    (f"{TOKEN}auth.previousClientSecretFile", "/" + "\u00fc" * 128, "longer than 255 bytes"),
    (f"{TOKEN}auth.previousClientSecretFile", "/a" * 2048, "longer than 4095 bytes"),
    (
        f"{TOKEN}auth.previousClientSecretFile",
        "/etc/secret-refresher/credentials/a/client_secret",
        "is clientSecretFile again",
    ),
    (f"{TOKEN}tls.caFile", "ca.pem", "must be absolute"),
    # the request
    (f"{TOKEN}request.format", "JSON", "must be form or json; did you mean json?"),
    (f"{TOKEN}request.method", "PUT", "must be POST or GET"),
    (f"{TOKEN}request.scope", "read write", "must be a list, not a text; write it in [brackets]"),
    (f"{TOKEN}request.scope[0]", "read write", "write one entry for each"),
    (f"{TOKEN}request.scope[0]", 'a"b', "must be one scope"),
    (f"{TOKEN}request.scope[0]", "a\\b", "must be one scope"),
    (f"{TOKEN}request.scope[0]", "b\u00fccher", "must be one scope"),
    (f"{TOKEN}request.scope[0]", None, "must be a text, not nothing"),
    (f"{TOKEN}request.audience", "", "must not be empty"),
    (f"{TOKEN}request.audience", ["a"], "must be a text, not a list"),
    (f"{TOKEN}request.resource[0]", "api.example.com", "must be an absolute URI"),
    (f"{TOKEN}request.resource[0]", "https:", "must be an absolute URI"),
    (f"{TOKEN}request.resource[0]", "https://x#y", "must not have a fragment (RFC 8707)"),
    (f"{TOKEN}request.timeout", 10, "without a unit; write 10s"),
    (f"{TOKEN}request.timeout", "10", "without a unit; write 10s"),
    (f"{TOKEN}request.timeout", "30m1h", "must be a time as 90s, 5m or 1h30m"),
    (f"{TOKEN}request.timeout", "-5s", "must be a time as 90s, 5m or 1h30m"),
    (f"{TOKEN}request.timeout", "s", "must be a time as 90s, 5m or 1h30m"),
    (f"{TOKEN}request.timeout", "1s\n", "must be a time as 90s, 5m or 1h30m"),
    (f"{TOKEN}request.timeout", "0." + "0" * 40 + "s", "must be a time as 90s, 5m or 1h30m"),
    (f"{TOKEN}request.timeout", "99ms", "must be from 100ms to 5m"),
    (f"{TOKEN}request.timeout", "5m1s", "must be from 100ms to 5m"),
    (f"{TOKEN}request.parameters", ["a"], "must be a mapping, not a list; write name: value"),
    (f"{TOKEN}request.parameters.d", dt.date(2024, 1, 1), "not a date; put it in quotes"),
    (f"{TOKEN}request.parameters.f", float("inf"), "must be finite"),
    (f"{TOKEN}request.parameters.f", float("nan"), "must be finite"),
    (f"{TOKEN}request.parameters.f", 2**63, "within 64 bits"),
    (f"{TOKEN}request.parameters.b", b"x", "must be what JSON can say"),
    (f"{TOKEN}request.parameters.o", {"a": 1}, "a form can say no more"),
    (f"{TOKEN}request.parameters.o", [["a"]], "a form can say no more"),
    (f"{TOKEN}request.parameters.o", [None], "a form can say no more"),
    (f"{TOKEN}request.parameters.o", [{1: 2}], "must have texts as keys"),
    (f"{TOKEN}request.parameters.n", NESTED, "must not nest deeper than 20"),
    (f"{TOKEN}request.parameters.s", "\ud800", "must not hold surrogates"),
    (f"{TOKEN}request.headers.X-A", "a\r\nB: c", "must be printable ASCII on one line"),
    (f"{TOKEN}request.headers.X-A", " a", "without blanks around it"),
    (f"{TOKEN}request.headers.X-A", "b\u00fccher", "must be printable ASCII"),
    (f"{TOKEN}request.headers.X-A", 12345, "must be a text, not a number; put it in quotes"),
    # when to refresh
    (f"{TOKEN}refresh.at", 0.49, "must be a number from 0.5 to 0.95, not 0.49"),
    (f"{TOKEN}refresh.at", 0.96, "must be a number from 0.5 to 0.95, not 0.96"),
    (f"{TOKEN}refresh.at", 10**400, "not a larger one"),
    (f"{TOKEN}refresh.at", float("nan"), "must be a number from 0.5 to 0.95, not nan"),
    (f"{TOKEN}refresh.at", "0.8", "not a text; write it without quotes"),
    (f"{TOKEN}refresh.jitter", 0.41, "must be a number from 0 to 0.4"),
    (f"{TOKEN}refresh.jitter", -0.1, "must be a number from 0 to 0.4"),
    (f"{TOKEN}refresh.jitter", True, "not the boolean true"),
    (f"{TOKEN}refresh.minLead", "721h", "must be from 0s to 720h"),
    (f"{TOKEN}refresh.minLead", "30d", "write days as hours, 720h"),
    (f"{TOKEN}refresh.defaultLifetime", "999ms", "must be from 1s to 87600h"),
    (f"{TOKEN}refresh.defaultLifetime", "87601h", "must be from 1s to 87600h"),
    (f"{TOKEN}refresh.maxRequestsPerHour", 0, "a whole number from 1 to 1000000, not 0"),
    (f"{TOKEN}refresh.maxRequestsPerHour", 1_000_001, "from 1 to 1000000, not 1000001"),
    (f"{TOKEN}refresh.maxRequestsPerHour", 1.5, "must be a whole number"),
    (f"{TOKEN}refresh.maxRequestsPerHour", True, "not the boolean true"),
    (f"{TOKEN}refresh.onExpired", "remove", "must be keep or delete"),
    (f"{TOKEN}adopt", 1, "must be true or false without quotes, not a number"),
    # sinks
    (f"{TOKEN}sinks", [], "must not be empty"),
    (f"{TOKEN}sinks", None, "is missing; name a file, or nobody gets the token"),
    (f"{TOKEN}sinks", {"file": {}}, "must be a list, not a mapping"),
    (f"{TOKEN}sinks[0]", "/run/x", "must be a mapping, not a text; write file:"),
    (f"{TOKEN}sinks[0]", {}, "names no sink; write file:"),
    (f"{FILE}path", "token", "must be absolute; write /var/run/secret-refresher/token"),
    (f"{FILE}path", "../token", "must be absolute; begin with /"),
    (f"{FILE}path", "/", "must name a file, not a folder"),
    (f"{FILE}path", "/run/x/", "must name a file, not a folder"),
    (f"{FILE}path", "/run/./x", "must not hold //, /./ or /../"),
    (f"{FILE}path", "/run/x\0", "must not hold control characters"),
    (f"{FILE}path", "/run/{namespace}", "no braces but {name}"),
    (f"{FILE}path", "/run/{name}}", "no braces but {name}"),
    (f"{FILE}path", "/run/" + "x" * 201, "a file name of at most 200 bytes"),
    (f"{FILE}path", "/run/" + "\u00fc" * 101, "a file name of at most 200 bytes"),
    (f"{FILE}path", "/run/" + "{name}" * 201, "a file name of at most 200 bytes"),
    (f"{FILE}path", "/run/.a.meta.json", "the files that the program keeps beside a token"),
    (f"{FILE}path", "/run/.a.tmp", "the files that the program keeps"),
    (f"{FILE}mode", 288, 'YAML made it the number 288; write it as "0440"'),
    (f"{FILE}mode", "440x", "must be three or four octal digits"),
    (f"{FILE}mode", "0999", "must be three or four octal digits"),
    (f"{FILE}mode", "40", "must be three or four octal digits"),
    (f"{FILE}mode", "4440", "must not set setuid"),
    (f"{FILE}mode", "0540", "must not let anybody execute"),
    (f"{FILE}mode", "0641", "must not let anybody execute"),
    (f"{FILE}mode", "0442", "must not let everybody write"),
    (f"{FILE}mode", "0040", "must let the owner read"),
    (f"{FILE}render", "raw", "for that format write {format: raw}"),
    (f"{FILE}render", "{{ accessToken", "look at line 1"),
    (f"{FILE}render", "{{ " + "(" * 5000, "nests too deeply"),
    (f"{FILE}render", "{{ token }}", "names token, which does not exist"),
    (f"{FILE}render", "", "must not be empty"),
    (f"{FILE}render", 5, "must be a mapping with format, or a template, not a number"),
    (f"{FILE}render.format", "yaml", "must be raw, bearer, json, env, dockerconfigjson or netrc"),
    (f"{FILE}render.format", None, "not nothing"),
    (f"{FILE}render.format", "template", "must be raw, bearer"),
    # the rest
    ("server.address", "9797", "must be host:port in quotes"),
    ("server.address", 9797, "must be host:port in quotes"),
    ("server.address", "::1:9797", "must be host:port in quotes"),
    ("server.address", "[::1]", "must be host:port in quotes"),
    ("server.address", "[::x]:1", "must be host:port in quotes"),
    ("server.address", "[127.0.0.1]:1", "must be host:port in quotes"),
    ("server.address", "256.0.0.1:1", "must be host:port in quotes"),
    ("server.address", "localhost:65536", "must be host:port in quotes"),
    ("log.level", "Info", "did you mean info?"),
    ("log.level", "verbose", "must be debug, info, warning or error"),
    ("log.format", True, "must be json or console, not the boolean true"),
    ("log", [], "must be a mapping, not a list"),
    ("server", "x", "must be a mapping, not a text"),
    ("tokens", {"a": {}}, "must be a list, not a mapping; write - before each token"),
    ("tokens[0]", "a", "must be a mapping, not a text"),
]


@pytest.mark.parametrize(("path", "value", "message"), CASES)
def test_wrong_values(path: str, value: object, message: str) -> None:
    """A wrong value is one problem at its own path, and the message says what to write."""
    (problem,) = problems(put(path, value))
    where, _, said = problem.partition(": ")
    assert where in {path, f"{path}.file"}
    assert message in said


def test_the_schema_knows_most_of_them(valid: Callable[[object], bool]) -> None:
    """An editor with the schema marks most of these mistakes."""
    assert valid(RIGHT)
    caught = [path for path, value, _ in CASES if not valid(put(path, value))]
    assert len(caught) > len(CASES) / 2


@pytest.mark.parametrize(
    "path",
    ["auth", "request", "tls", "refresh", "request.headers", "sinks[0].file"],
)
def test_sections_must_be_mappings(path: str) -> None:
    """A text in the place of a section is told as such."""
    (problem,) = problems(put(f"tokens[0].{path}", "x"))
    assert problem.startswith(f"tokens[0].{path}: must be a mapping, not a text")


@pytest.mark.parametrize(
    "name",
    [
        "grant_type",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "scope",
        "audience",
        "resource",
    ],
)
def test_standard_parameters_cannot_be_replaced(name: str) -> None:
    """A parameter that the program sets is refused, with the key to use instead."""
    (problem,) = problems(put("tokens[0].request.parameters", {name: "x"}))
    assert problem.startswith(f"tokens[0].request.parameters.{name}: is a standard parameter; use")


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-type",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Authorization",
        "Accept-Encoding",
        "Expect",
        "Upgrade",
        "TE",
        "Trailer",
        "Proxy-Authorization",
        "proxy-x",
    ],
)
def test_headers_of_the_program_cannot_be_set(name: str) -> None:
    """A header that would break the request or leak past `auth` is refused, in any case."""
    (problem,) = problems(put("tokens[0].request.headers", {name: "x"}))
    assert problem.startswith(f"tokens[0].request.headers.{name}: is set by")


@pytest.mark.parametrize("name", ["X A", "X:A", "", "X\n", "\u00fc"])
def test_header_names_are_tokens(name: str) -> None:
    """What is no header's name (RFC 9110 section 5.1) is refused."""
    (problem,) = problems(put("tokens[0].request.headers", {name: "x"}))
    assert "must be a header's name" in problem


@pytest.mark.parametrize(
    ("path", "key", "meant"),
    [
        ("", "token", "tokens"),
        ("tokens[0].", "tokenURL", "tokenUrl"),
        ("tokens[0].", "token_url", "tokenUrl"),
        ("tokens[0].auth.", "clientSecret", "clientSecretFile"),
        ("tokens[0].request.", "scopes", "scope"),
        ("tokens[0].refresh.", "minlead", "minLead"),
        ("tokens[0].sinks[0].file.", "rendering", "render"),
    ],
)
def test_a_misspelt_key_is_recognised(path: str, key: str, meant: str) -> None:
    """An unknown key is told once, with the one that was probably meant and all that exist."""
    document = put(f"{path}{key}", "x")
    if meant in document["tokens"][0]:
        del document["tokens"][0][meant]
    (problem,) = problems(document)
    assert problem.startswith(f"{path}{key}: is not known; did you mean {meant}? (known: ")


@pytest.mark.parametrize(
    ("render", "path", "message"),
    [
        ({"format": "raw", "variable": "X"}, "variable", "is not known"),
        ({"format": "env", "variable": "1X"}, "variable", "must be letters, digits"),
        ({"format": "env", "login": "x"}, "login", "is not known"),
        ({"format": "dockerconfigjson"}, "registries", "is missing"),
        ({"format": "dockerconfigjson", "registries": []}, "registries", "must not be empty"),
        (
            {"format": "dockerconfigjson", "registries": ["x"], "username": "a:b"},
            "username",
            "must not hold a colon",
        ),
        ({"format": "netrc", "machine": "m"}, "login", "is missing: the user"),
        ({"format": "netrc", "machine": "a b", "login": "l"}, "machine", "must not hold blanks"),
        ({"template": "{{ accessToken }}", "format": "raw"}, "format", "is not known"),
        ({"template": None}, "template", "is missing"),
    ],
)
def test_members_of_a_render_belong_to_its_format(
    render: dict[str, Any], path: str, message: str
) -> None:
    """A format has its own members, and needs some of them."""
    (problem,) = problems(put(f"{FILE}render", render))
    assert problem.startswith(f"{FILE}render.{path}: {message}")


def test_rules_wait_for_what_is_wrong() -> None:
    """Where the format itself is wrong, it is not said what a form cannot carry."""
    (problem,) = problems(put("tokens[0].request", {"format": "jsn", "parameters": {"a": {}}}))
    assert problem.startswith("tokens[0].request.format: must be form or json")


def test_get_cannot_carry_json() -> None:
    """GET with format json is refused, told at the method."""
    (problem,) = problems(put("tokens[0].request", {"method": "GET", "format": "json"}))
    assert problem.startswith("tokens[0].request.method: GET has no body")


def test_a_client_id_has_one_place() -> None:
    """A literal client id and a file of it exclude each other."""
    (problem,) = problems(put("tokens[0].auth", {"clientId": "x", "clientIdFile": "/x"}))
    assert problem == "tokens[0].auth.clientId: cannot stand beside clientIdFile; keep one of them"


def test_the_same_header_twice() -> None:
    """Header names that differ only in case are one header."""
    (problem,) = problems(put("tokens[0].request.headers", {"X-A": "1", "x-a": "2"}))
    assert problem == "tokens[0].request.headers.x-a: is the same header as X-A; keep one"


def test_everything_is_told_at_once() -> None:
    """One look finds every problem, wherever it is, and each of them once."""
    found = problems(
        {
            "tokens": [
                {"name": "A", "tokenUrl": "x", "refresh": {"at": 2, "jitter": 2}, "sinks": [{}]},
                "x",
                {"tokenURL": "https://x/", "sinks": [{"file": {"path": "x", "mode": 1}}]},
                {"name": "b", "sinks": [{"file": {"path": "/x"}}, {"file": {"path": "/x"}}]},
            ],
            "defaults": {"adopt": "no"},
            "server": {"address": 1, "page": "x"},
            "log": {"level": "x"},
            "more": 1,
        }
    )
    assert sorted(problem.partition(": ")[0] for problem in found) == sorted(
        [
            "tokens[0].name",
            "tokens[0].tokenUrl",
            "tokens[0].refresh.at",
            "tokens[0].refresh.jitter",
            "tokens[0].sinks[0]",
            "tokens[1]",
            "tokens[2].name",
            "tokens[2].tokenURL",
            "tokens[2].sinks[0].file.path",
            "tokens[2].sinks[0].file.mode",
            "tokens[3].tokenUrl",
            "tokens[3].sinks[1].file.path",
            "defaults.adopt",
            "server.address",
            "server.page",
            "log.level",
            "more",
        ]
    )


def test_traps_of_yaml_are_named(refuse: Refuse) -> None:
    """What YAML made of an unquoted word is told, with the remedy."""
    key, *values, mode = refuse(
        "tokens:\n"
        "  - name: no\n"
        "    tokenUrl: https://x/\n"
        "    auth: {clientId: 0123}\n"
        "    request: {audience: 12:30:00, headers: {X-On: on}, parameters: {d: 2024-01-01}}\n"
        "    sinks: [{file: {mode: 0440}}]\n"
        "on: x\n"
    )
    assert values == [
        "tokens[0].name: must be a text, not the boolean false; put it in quotes",
        "tokens[0].auth.clientId: must be a text, not a number; put it in quotes",
        "tokens[0].request.audience: must be a text, not a number; put it in quotes",
        "tokens[0].request.headers.X-On: must be a text, not the boolean true; put it in quotes",
        "tokens[0].request.parameters.d: must be what JSON can say, not a date; put it in quotes",
    ]
    assert key.startswith("true: must be a text; YAML read something else, so put it in quotes")
    assert mode.startswith(
        f"{FILE}mode: must be a text: without quotes YAML made it the number 288"
    )


@pytest.mark.parametrize("content", [None, [], "x", 5, True])
def test_the_top_must_be_a_mapping(content: object) -> None:
    """A document that is no mapping is one problem of the whole file."""
    found = problems(content)
    assert found[0].startswith(": must be a mapping with tokens, not ")


@pytest.mark.parametrize("content", [{}, {"tokens": None}, {"defaults": {}}])
def test_tokens_must_be_there(content: object) -> None:
    """A configuration that says nothing of tokens is refused: it is the wrong file, or cut off."""
    assert problems(content) == [
        "tokens: is missing; write tokens: and below it - name: and so on",
    ]


def test_no_document_is_no_configuration() -> None:
    """Nothing to read is refused like any other mistake."""
    with pytest.raises(ConfigError):
        read([])


def test_a_key_cannot_disturb_the_report() -> None:
    """A problem stays one line, however a key was written."""
    (problem,) = problems(put("tokens[0].auth", {"a\nb" + "x" * 500: 1}))
    assert "\n" not in problem
    assert len(problem) < 300


KEYS = (
    "name tokenUrl auth request tls refresh sinks file path mode render format template parameters"
    " headers scope at minLead tokens defaults server log address level"
)
RAW = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.dates()
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS.split())
            | st.text(max_size=4)
            | st.booleans()
            | st.none()
            | st.integers(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(RAW, st.sampled_from(["", "tokens[0]", "tokens[0].request", "defaults", FILE[:-1]]))
def test_nothing_breaks_the_reader(value: object, path: str) -> None:
    """Whatever YAML can say is read or refused, and nothing else happens."""
    refused = attempt(put(path, value) if path else value)
    if refused is not None:
        assert refused.problems
        assert len(set(refused.problems)) == len(refused.problems)


SECRET = "hunter2-Zx9"


@given(
    st.sampled_from(sorted({path for path, _, _ in CASES} - {f"{FILE}path"})),
    st.sampled_from([SECRET, f"/{SECRET}/", f" {SECRET}\n", [SECRET], {"x": SECRET}]),
)
def test_a_text_in_the_wrong_place_is_not_quoted(path: str, value: object) -> None:
    """A secret that somebody put into a wrong key does not reach the report.

    (The path of an output is no place for one: a relative path is shown with its remedy.)
    """
    assert SECRET not in str(attempt(put(path, value)))
