"""Secret sinks and the section `kubernetes`."""

from collections.abc import Callable
from typing import Any

import pytest

from secret_refresher.config.hints import hints
from secret_refresher.config.model import (
    Config,
    Drift,
    Expression,
    Kubernetes,
    Operator,
    SecretSink,
)
from secret_refresher.tokens.rendering import Render, RenderFormat

Load = Callable[[str], Config]
Refuse = Callable[[str], list[str]]
Valid = Callable[[object], bool]
HEAD = "tokens: [{name: api, tokenUrl: 'https://id.example.com/t', "


def sink_of(config: Config) -> SecretSink:
    """The only sink."""
    ((sink,),) = [token.sinks for token in config.tokens]
    assert isinstance(sink, SecretSink)
    return sink


def test_a_name_is_enough(load: Load) -> None:
    """The defaults: the pod's own namespace, Opaque, the key `token` with the raw token."""
    sink = sink_of(load(HEAD + "sinks: [{secret: {name: api-token}}]}]"))
    assert sink == SecretSink(name="api-token")
    assert sink.fixed_namespaces == (None,)
    assert dict(sink.data) == {"token": Render()}
    assert (sink.type, sink.force, sink.propagation) == ("Opaque", False, 90.0)


def test_every_key_is_read(load: Load) -> None:
    """All that a Secret sink can say arrives in the model."""
    sink = sink_of(
        load(
            HEAD
            + """sinks: [{secret: {
              name: '{name}-x', namespaces: [a, b], type: example.com/token, force: true,
              data: {token: {format: bearer}, TOKEN.env: {format: env}, t: 'x {{ accessToken }}'},
              labels: {team: blue, marker: ''}, annotations: {note: "two\\nlines"},
              propagation: 5s}}]}]"""
        )
    )
    assert sink.name == "api-x"
    assert sink.fixed_namespaces == ("a", "b")
    assert sink.data["token"].format is RenderFormat.BEARER
    assert sink.data["t"].template == "x {{ accessToken }}"
    assert sink.labels == {"team": "blue", "marker": ""}
    assert sink.annotations == {"note": "two\nlines"}
    assert (sink.type, sink.force, sink.propagation) == ("example.com/token", True, 5.0)


def test_a_selector_becomes_a_query(load: Load) -> None:
    """Labels and expressions are told as the API server takes them."""
    sink = sink_of(
        load(
            HEAD
            + """sinks: [{secret: {name: x, namespaceSelector: {
              matchLabels: {team: blue},
              matchExpressions: [
                {key: env, operator: In, values: [prod, test]},
                {key: tier, operator: NotIn, values: [edge]},
                {key: example.com/wanted, operator: Exists},
                {key: legacy, operator: DoesNotExist}]}}}]}]"""
        )
    )
    selector = sink.namespace_selector
    assert selector is not None
    assert selector.match_expressions[0] == Expression(
        key="env", operator=Operator.IN, values=("prod", "test")
    )
    assert selector.query() == (
        "team=blue,env in (prod,test),tier notin (edge),example.com/wanted,!legacy"
    )
    assert sink.fixed_namespaces == ()


def test_the_section_kubernetes(load: Load) -> None:
    """It is read, and has its defaults where it is not given."""
    assert load(HEAD + "sinks: [{file: {}}]}]").kubernetes == Kubernetes()
    config = load(
        HEAD + "sinks: [{file: {}}]}]\n"
        "kubernetes: {fieldManager: me, owner: apps/tokens, drift: namespace}"
    )
    assert config.kubernetes == Kubernetes(
        field_manager="me", owner="apps/tokens", drift=Drift.NAMESPACE
    )


def test_the_slowest_sink_sets_the_propagation(load: Load) -> None:
    """Files are seen at once; of several Secrets the latest counts."""
    (token,) = load(
        HEAD + "sinks: [{file: {}}, {secret: {name: a, propagation: 10s}},"
        " {secret: {name: b, propagation: 2m}}]}]"
    ).tokens
    assert token.propagation == 120.0
    (token,) = load(HEAD + "sinks: [{file: {}}]}]").tokens
    assert token.propagation == 0.0


WRONG: list[tuple[str, str]] = [
    ("{}", "secret.name: is missing"),
    ("{name: Under_score}", "secret.name: must be lower-case letters"),
    ("{name: '{nom}'}", "secret.name: may hold no braces but {name}"),
    ("{name: '" + "a" * 254 + "'}", "secret.name: must be lower-case letters"),
    ("{name: '" + "a" * 248 + "-{name}xx'}", "secret.name: must be lower-case letters"),
    ("{name: x, namespace: a.b}", "secret.namespace: must be lower-case letters"),
    ("{name: x, namespaces: []}", "secret.namespaces: must not be empty"),
    ("{name: x, namespaces: [a, a]}", "secret.namespaces: names a namespace twice"),
    (
        "{name: x, namespace: a, namespaces: [b]}",
        "secret.namespace: cannot stand beside namespaces; keep one of them",
    ),
    (
        "{name: x, namespace: a, namespaces: [b], namespaceSelector: {}}",
        "secret.namespace: cannot stand beside namespaces and namespaceSelector",
    ),
    (
        "{name: x, namespaceSelector: {matchExpressions: [{key: a, operator: In}]}}",
        "matchExpressions[0].values: is missing; In compares with a list",
    ),
    (
        "{name: x, namespaceSelector: {matchExpressions: [{key: a, operator: Exists,"
        " values: [b]}]}}",
        "matchExpressions[0].values: cannot stand beside Exists; remove it",
    ),
    ("{name: x, data: {}}", "secret: must not be empty; write a key"),
    ("{name: x, data: {a/b: {format: raw}}}", 'data["a/b"]: must be letters, digits, dots'),
    ("{name: x, data: {..: {format: raw}}}", 'data[".."]: must be letters, digits, dots'),
    ("{name: x, data: {token: {format: row}}}", "data.token.format: must be raw, bearer"),
    ("{name: x, labels: {team: 'a b'}}", "labels.team: must be letters, digits, dots"),
    (
        "{name: x, labels: {secret-refresher.io/managed: 'x'}}",
        'labels["secret-refresher.io/managed"]: is set by the program',
    ),
    (
        "{name: x, annotations: {secret-refresher.io/owner: x}}",
        'annotations["secret-refresher.io/owner"]: is set by the program',
    ),
    ("{name: x, type: kubernetes.io/service-account-token}", "type: is filled by Kubernetes"),
    (
        "{name: x, type: kubernetes.io/dockerconfigjson}",
        "secret.data: has no key .dockerconfigjson, which type kubernetes.io/dockerconfigjson",
    ),
    ("{name: x, type: kubernetes.io/basic-auth}", "secret.data: has no key password"),
    ("{name: x, force: 'yes'}", "secret.force: must be true or false"),
    ("{name: x, propagation: 90}", "secret.propagation: must be a time as 90s"),
    ("{name: x, data: {token: {format: raw}}, keys: 1}", "secret.keys: is not known"),
]


@pytest.mark.parametrize(("secret", "message"), WRONG)
def test_what_kubernetes_would_refuse_is_refused_first(
    refuse: Refuse, secret: str, message: str
) -> None:
    """Each problem has its path and the remedy, before anything is sent to an API server."""
    found = refuse(HEAD + f"sinks: [{{secret: {secret}}}]}}]")
    assert any(message in problem for problem in found), found


@pytest.mark.parametrize("more", ["refresh: {onExpired: delete},", "state: absent,"])
def test_a_key_that_a_type_needs_cannot_be_removed(refuse: Refuse, more: str) -> None:
    """Such a Secret would be invalid without it, so the configuration is refused."""
    (problem,) = refuse(
        HEAD + more + "sinks: [{secret: {name: x, type: kubernetes.io/dockerconfigjson, data:"
        " {.dockerconfigjson: {format: dockerconfigjson, registries: [r.example.com]}}}}]}]"
    )
    assert "cannot remove a key that type kubernetes.io/dockerconfigjson needs" in problem


def test_one_entry_is_one_sink(refuse: Refuse) -> None:
    """A file and a Secret under one dash are two sinks in one."""
    (problem,) = refuse(HEAD + "sinks: [{file: {}, secret: {name: x}}]}]")
    assert problem == (
        "tokens[0].sinks[0]: names two sinks; begin a new entry with a dash for each"
    )


def test_two_tokens_cannot_share_a_secret(refuse: Refuse) -> None:
    """Neither in one namespace, nor in the pod's own, nor by the same selector."""
    where = [
        ("namespace: a", "namespaces: [b, a]"),
        ("type: Opaque", "type: Opaque"),
        (
            "namespaceSelector: {matchLabels: {t: b}}",
            "namespaceSelector: {matchLabels: {t: b}}",
        ),
    ]
    for one, other in where:
        (problem,) = refuse(
            "defaults: {tokenUrl: 'https://x/'}\n"
            f"tokens: [{{name: a, sinks: [{{secret: {{name: s, {one}}}}}]}},"
            f" {{name: b, sinks: [{{secret: {{name: s, {other}}}}}]}}]"
        )
        assert problem == (
            "tokens[1].sinks[0].secret.name: is the Secret of tokens[0].sinks[0].secret.name too;"
            " choose another"
        )


def test_sinks_that_may_meet_must_agree(load: Load, refuse: Refuse) -> None:
    """Two selectors of one token may find one Secret: then both must write the same into it."""
    one = "{name: s, namespaceSelector: {matchLabels: {a: b}}"
    other = "{name: s, namespaceSelector: {matchLabels: {c: d}}"
    (token,) = load(HEAD + f"sinks: [{{secret: {one}}}}}, {{secret: {other}}}}}]}}]").tokens
    assert len(token.sinks) == 2
    (problem,) = refuse(
        HEAD
        + f"sinks: [{{secret: {one}}}}}, {{secret: {other}, data: {{k: {{format: raw}}}}}}}}]}}]"
    )
    assert problem.startswith("tokens[0].sinks[1].secret.name: may meet sinks[0] where a namespace")


def test_defaults_give_each_token_its_own_secret(load: Load, refuse: Refuse) -> None:
    """`{name}` in a default's Secret name tells tokens apart; without it they would collide."""
    tokens = "tokens: [{name: a}, {name: b}]\ndefaults: {tokenUrl: 'https://x/', sinks: "
    config = load(tokens + "[{secret: {name: '{name}-token'}}]}")
    assert [
        sink.name for token in config.tokens for sink in token.sinks if isinstance(sink, SecretSink)
    ] == ["a-token", "b-token"]
    (problem,) = refuse(tokens + "[{secret: {name: token}}]}")
    assert problem.endswith("is one Secret for several tokens; write {name} into it")


def test_what_is_probably_not_meant_is_told(load: Load) -> None:
    """A template without the token, and a selector that selects everything, are warned of."""
    found = list(
        hints(
            load(
                HEAD + "sinks: [{secret: {name: x, namespaceSelector: {}, data: {k: 'static'}}}]}]"
            )
        )
    )
    assert "the template of key k of Secret x never names accessToken" in found[0]
    assert "namespaceSelector is empty, so every namespace gets the token" in found[1]


@pytest.mark.parametrize(
    ("sink", "taken"),
    [
        ({"secret": {"name": "x"}}, True),
        ({"file": None}, True),
        ({"secret": None}, False),
        ({"secret": {}}, False),
        ({"file": {}, "secret": {"name": "x"}}, False),
        ({}, False),
        ({"secret": {"name": "x", "namespace": "a", "namespaces": ["b"]}}, False),
        ({"secret": {"name": "x", "namespace": None, "namespaces": ["b"]}}, True),
        ({"secret": {"name": "x", "labels": {"a": ""}}}, True),
    ],
)
def test_the_schema_agrees(valid: Valid, sink: dict[str, Any], taken: bool) -> None:  # noqa: FBT001 - a table
    """An editor with the JSON Schema sees the same as `check`."""
    document = {"tokens": [{"name": "a", "tokenUrl": "https://x/", "sinks": [sink]}]}
    assert valid(document) is taken
