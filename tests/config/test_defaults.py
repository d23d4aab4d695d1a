"""What `defaults` does under each token."""

from collections.abc import Callable

import pytest

from secret_refresher.config.model import Config, TokenConfig
from secret_refresher.config.problems import ConfigError, Problem
from secret_refresher.config.read import Document, read
from support.tokens import files_of

Load = Callable[[str], Config]
Refuse = Callable[[str], list[str]]
BASE = "tokenUrl: https://id.example.com/t, sinks: [{file: }]"


def only(config: Config) -> TokenConfig:
    """The one token."""
    (token,) = config.tokens
    return token


def test_maps_merge(load: Load) -> None:
    """A section of a token adds to the default's, down to single parameters and headers."""
    token = only(
        load(
            f"defaults: {{{BASE}, refresh: {{at: 0.8, jitter: 0.2}},"
            " request: {parameters: {a: 1, b: 2}, headers: {X-A: a}}}\n"
            "tokens: [{name: t, refresh: {at: 0.9},"
            " request: {parameters: {b: 3, c: 4}, headers: {X-B: b}}}]"
        )
    )
    assert (token.refresh.at, token.refresh.jitter) == (0.9, 0.2)
    assert dict(token.request.parameters) == {"a": 1, "b": 3, "c": 4}
    assert dict(token.request.headers) == {"X-A": "a", "X-B": "b"}


def test_lists_and_scalars_replace(load: Load) -> None:
    """A list of a token stands in the place of the default's."""
    token = only(
        load(
            f"defaults: {{{BASE}, adopt: false, request: {{scope: [a, b]}}}}\n"
            "tokens: [{name: t, adopt: true, request: {scope: [c]},"
            " sinks: [{file: {path: /x}}, {file: {path: /y}}]}]"
        )
    )
    assert (token.adopt, token.request.scope) == (True, ("c",))
    assert [sink.path for sink in files_of(token)] == ["/x", "/y"]


def test_null_removes(load: Load) -> None:
    """Null takes a default away: of one key, of one parameter, of a whole section."""
    token = only(
        load(
            f"defaults: {{{BASE}, refresh: {{at: 0.9, maxRequestsPerHour: 9}}, tls: {{caFile: /c}},"
            " request: {audience: a, parameters: {a: 1, b: 2}}}\n"
            "tokens: [{name: t, refresh: {maxRequestsPerHour: ~}, tls: ~,"
            " request: {audience: ~, parameters: {a: ~}}}]"
        )
    )
    assert (token.refresh.at, token.refresh.max_requests_per_hour) == (0.9, None)
    assert token.tls.ca_file is token.request.audience is None
    assert dict(token.request.parameters) == {"b": 2}


def test_a_parameter_is_one_value(load: Load) -> None:
    """A JSON object as a parameter replaces the default's; nulls in it are values."""
    token = only(
        load(
            f"defaults: {{{BASE}, request: {{format: json, parameters: {{c: {{a: 1}}}}}}}}\n"
            "tokens: [{name: t, request: {parameters: {c: {b: ~}}}}]"
        )
    )
    assert dict(token.request.parameters) == {"c": {"b": None}}


def test_a_render_is_one_value(load: Load) -> None:
    """A token's sinks bring their own render; nothing of a default's gets in."""
    token = only(
        load(
            "defaults: {tokenUrl: 'https://x/', sinks: [{file: {render: {format: env}}}]}\n"
            "tokens: [{name: t, sinks: [{file: {render: '{{ accessToken }}'}}]}]"
        )
    )
    assert (files_of(token)[0].render.format, files_of(token)[0].render.variable) == (
        "template",
        None,
    )


def test_a_token_s_client_id_removes_the_default_s(load: Load) -> None:
    """Literal id and file exclude each other, so whichever a token has is the one."""
    config = load(
        f"defaults: {{{BASE}, auth: {{clientId: common}}}}\n"
        "tokens: [{name: a}, {name: b, auth: {clientIdFile: /id}}]"
    )
    assert [token.auth.client_id for token in config.tokens] == ["common", None]
    assert config.tokens[1].auth.client_id_file == "/id"
    kept = load(
        f"defaults: {{{BASE}, auth: {{clientIdFile: /id}}}}\n"
        "tokens: [{name: a, auth: {clientId: ~}}]"
    )
    assert kept.tokens[0].auth.client_id_file == "/id"
    turned = load(
        f"defaults: {{{BASE}, auth: {{clientIdFile: /id}}}}\n"
        "tokens: [{name: a, auth: {clientId: own}}]"
    )
    assert turned.tokens[0].auth.client_id == "own"


def test_the_name_is_expanded_in_every_path(load: Load) -> None:
    """`{name}` in a default stands for each token's own name, wherever a path is."""
    config = load(
        "defaults:\n"
        "  tokenUrl: https://x/\n"
        "  auth: {clientIdFile: '/c/{name}/i', clientSecretFile: '/c/{name}/s',"
        " previousClientSecretFile: '/c/{name}/p'}\n"
        "  tls: {caFile: '/ca/{name}'}\n"
        "  sinks: [{file: {path: '/o/{name}/{name}.txt'}}]\n"
        "tokens: [{name: a}, {name: b}]"
    )
    for token in config.tokens:
        name = token.name
        assert token.auth.client_id_file == f"/c/{name}/i"
        assert token.auth.client_secret_file == f"/c/{name}/s"
        assert token.auth.previous_client_secret_file == f"/c/{name}/p"
        assert token.tls.ca_file == f"/ca/{name}"
        assert files_of(token)[0].path == f"/o/{name}/{name}.txt"


def test_a_wrong_default_is_told_once(refuse: Refuse) -> None:
    """What is wrong in `defaults` is one problem there, however many tokens have it."""
    found = refuse(
        "defaults: {tokenUrl: ftp://x, refresh: {at: 5}, request: {timeout: 1h}}\n"
        "tokens: [{name: a, sinks: [{file: }]}, {name: b, sinks: [{file: }]}]"
    )
    assert [problem.partition(": ")[0] for problem in found] == [
        "defaults.tokenUrl",
        "defaults.refresh.at",
        "defaults.request.timeout",
    ]


def test_a_rule_broken_by_defaults_is_told_there_once(refuse: Refuse) -> None:
    """Rules over the merged result find the place that has to change."""
    found = refuse(
        "defaults: {tokenUrl: http://x/, request: {method: GET, format: json,"
        " headers: {A-B: x, a-b: y}}, auth: {clientSecretFile: /s, previousClientSecretFile: /s}}\n"
        "tokens: [{name: a, sinks: [{file: }]}, {name: b, sinks: [{file: }]}]"
    )
    assert [problem.partition(": ")[0] for problem in found] == [
        "defaults.tokenUrl",
        "defaults.request.method",
        "defaults.request.headers.a-b",
        "defaults.auth.previousClientSecretFile",
    ]


def test_a_rule_broken_by_a_token_is_told_at_the_token(refuse: Refuse) -> None:
    """Where a token and its defaults do not go together, the token's own key is named."""
    found = refuse(
        f"defaults: {{{BASE}, request: {{method: GET, parameters: {{a: 1}}}},"
        " allowInsecure: true}\n"
        "tokens: [{name: a, request: {format: json}},"
        " {name: b, request: {parameters: {a: {}}}},"
        " {name: c, tokenUrl: http://x/, allowInsecure: false}]"
    )
    assert [problem.partition(": ")[0] for problem in found] == [
        "tokens[0].request.format",
        "tokens[1].request.parameters.a",
        "tokens[2].tokenUrl",
    ]


def test_a_token_can_mend_a_default(load: Load) -> None:
    """Rules look at the merged result, so a default need not be right on its own."""
    token = only(
        load(
            f"defaults: {{{BASE}, request: {{method: GET}}}}\n"
            "tokens: [{name: a, tokenUrl: http://localhost/t, request: {method: ~, format: json}}]"
        )
    )
    assert token.request.method == "POST"


def test_defaults_have_no_name(refuse: Refuse) -> None:
    """A default name would be the same for all."""
    (problem,) = refuse(f"defaults: {{{BASE}, name: x}}\ntokens: [{{name: a}}]")
    assert problem.startswith("defaults.name: must stand in each token itself")


def test_both_client_ids_in_defaults_are_told_there(refuse: Refuse) -> None:
    """Exclusive keys are exclusive in `defaults`, too."""
    (problem,) = refuse(
        f"defaults: {{{BASE}, auth: {{clientId: a, clientIdFile: /b}}}}\ntokens: [{{name: a}}]"
    )
    assert problem.startswith("defaults.auth.clientId: cannot stand beside clientIdFile")


def test_defaults_that_are_no_mapping_cause_no_other_problems(refuse: Refuse) -> None:
    """What tokens lack because `defaults` is wrong is not told as well."""
    (problem,) = refuse("defaults: [x]\ntokens: [{name: a}]")
    assert problem.startswith("defaults: must be a mapping, not a list")


def test_documents_share_one_defaults() -> None:
    """Defaults of one document hold for the tokens of all; a second `defaults` is refused."""
    defaults = {"tokenUrl": "https://x/", "sinks": [{"file": None}]}
    first = Document("a.yaml", {"tokens": [{"name": "a"}], "log": {"level": "debug"}})
    second = Document("b.yaml", {"tokens": [{"name": "b"}], "defaults": defaults})
    config = read([first, second])
    assert [token.name for token in config.tokens] == ["a", "b"]
    assert {token.token_url for token in config.tokens} == {"https://x/"}
    assert config.log.level == "debug"
    third = Document("c.yaml", {"defaults": {}, "log": {}, "server": {}})
    with pytest.raises(ConfigError) as refused:
        read([first, second, third])
    assert refused.value.problems == (
        Problem("c.yaml", "defaults", "stands in b.yaml too; keep it in one file"),
        Problem("c.yaml", "log", "stands in a.yaml too; keep it in one file"),
    )


def test_an_unreadable_document_causes_no_other_problems() -> None:
    """Defaults and tokens may be in the file that cannot be read, so nothing is missed yet."""
    unreadable = ConfigError((Problem("a.yaml", "line 3", "is not YAML"),))
    with pytest.raises(ConfigError, match=r"^a.yaml: line 3: is not YAML$"):
        read([Document("a.yaml", unreadable), Document("b.yaml", {"defaults": {}})])
    tokens = {"tokens": [{"name": "b"}, {"name": "B", "sinks": [{"file": None}]}]}
    with pytest.raises(ConfigError) as refused:
        read([Document("a.yaml", unreadable), Document("b.yaml", tokens)])
    assert [(problem.file, problem.path) for problem in refused.value.problems] == [
        ("a.yaml", "line 3"),
        ("b.yaml", "tokens[1].name"),
    ]
