"""The chart gives the rights that `secret-refresher rbac` prints, and the configuration it got."""

import random
from typing import Any

import pytest
import yaml

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.config.model import Config
from secret_refresher.rights import manifests
from support.chart import (
    Object,
    ci_values,
    every,
    given,
    one,
    render,
    secret_token,
    source_values,
)

URL = "https://id.example.com/token"


def config_text(objects: list[Object]) -> str:
    """The configuration that the daemon reads."""
    text: str = one(objects, "ConfigMap")["data"]["config.yaml"]
    return text


def read(text: str) -> Config:
    """As the daemon reads it."""
    return ConfigSource(MountReader(), path=None, text=text).load().config


def agree(values: Object, namespace: str = "home") -> list[Object]:
    """Renders, and compares rights with those of the daemon's own command."""
    objects = [
        found for found in render(values, namespace=namespace) if found["metadata"]["name"] != "x"
    ]
    name = one(objects, "Deployment")["metadata"]["name"]
    wanted = manifests(read(config_text(objects)), name, namespace)
    assert given(objects) == given(wanted)
    return objects


def token(draw: random.Random, name: str) -> Object:
    """Some token; every way to write Secret sinks is among them."""
    found: Object = {"name": name}
    if draw.random() < 0.3:
        found["state"] = draw.choice(["present", "absent", None])
    if draw.random() < 0.3:
        found["refresh"] = draw.choice(
            [{"onExpired": "delete"}, {"onExpired": "keep"}, {"onExpired": None}, {"at": 0.8}, None]
        )
    if draw.random() < 0.4:
        found["notify"] = draw.choice(
            [
                None,
                [],
                [{"http": {"url": "http://app/"}}, _rollout(draw, "{name}-app")],
                [_rollout(draw, "one"), _rollout(draw, "two")],
            ]
        )
    if draw.random() < 0.8:
        found["sinks"] = [sink(draw, f"s{number}-{{name}}") for number in range(draw.randint(1, 3))]
    return found


def _rollout(draw: random.Random, name: str) -> Object:
    where: Object = draw.choice([{}, {"namespace": None}, {"namespace": "workloads"}])
    kind = draw.choice(["Deployment", "StatefulSet", "DaemonSet"])
    return {"rollout": {"kind": kind, "name": name, **where}}


def sink(draw: random.Random, name: str) -> Object:
    """Some Secret sink."""
    where: Any = draw.choice(
        [
            {},
            {"namespace": "home"},
            {"namespace": "other"},
            {"namespace": None},
            {"namespaces": ["b", "a", "home"]},
            {"namespaces": None, "namespaceSelector": {}},
            {"namespaceSelector": {"matchLabels": {"team": "blue"}}},
            {"namespaceSelector": None},
        ]
    )
    return {"secret": {"name": name, **where}}


@pytest.mark.parametrize("seed", range(60))
def test_any_configuration(seed: int) -> None:
    """Rights are equal, verb by verb and name by name, whatever defaults and tokens say."""
    draw = random.Random(seed)  # noqa: S311 - the same examples every time
    names = [f"t{number}" for number in range(draw.randint(1, 5))]
    defaults = {"tokenUrl": URL, **token(draw, "")}
    defaults.pop("name")
    defaults.setdefault("sinks", [sink(draw, "{name}")])
    values = source_values(*(token(draw, name) for name in names))
    values["config"]["defaults"] = defaults
    if draw.random() < 0.5:
        values["config"]["kubernetes"] = {"drift": draw.choice(["auto", "namespace", None])}
    values["config"]["election"] = draw.choice(
        [
            None,
            {"enabled": False, "shards": 2},
            {"enabled": True},
            {"enabled": True, "name": "x", "namespace": "home", "shards": 1},
            {"enabled": True, "namespace": "leases", "shards": 12},
        ]
    )
    agree(values)


def test_two_releases_have_two_leases() -> None:
    """Leases are called as the release, so that two in one namespace do not meet."""
    values = source_values(secret_token(), replicas=2)
    values["config"]["election"] = {"enabled": True}
    election = read(config_text(agree(values))).election
    assert election.enabled
    assert election.name == "sr-secret-refresher"


@pytest.mark.parametrize("many", [63, 64, 65])
def test_watching_ends_above_64(many: int) -> None:
    """Up to 64 Secrets are watched, as many as the daemon watches."""
    objects = agree(source_values(*(secret_token(f"t{number}") for number in range(many))))
    watched = {verb for _, verb, resource, _, _ in given(objects) if resource == "/secrets"}
    assert ("watch" in watched) is (many <= 64)


def test_sinks_that_meet_count_once() -> None:
    """The own namespace is the same target whether it is named or selected."""
    sinks: list[Object] = [
        {"secret": {"name": f"s{number}", "namespace": "home"}} for number in range(64)
    ]
    values = source_values({"name": "a", "sinks": [*sinks, {"secret": {"name": "s0"}}]})
    # The daemon refuses the same Secret under two names of its namespace only within one.
    objects = render(values)
    assert given(objects) == given(
        manifests(read(config_text(objects)), "sr-secret-refresher", "home")
    )


@pytest.mark.parametrize("name", ["source", "many", "everything", "injection", "monitoring"])
def test_ci_values(name: str) -> None:
    """Rights are equal for the values in `ci`."""
    values = ci_values()[name]
    values.pop("extraObjects", None)
    values.pop("dashboard", None)
    objects = render(values)
    account = one(objects, "ServiceAccount")["metadata"]["name"]
    assert given(objects) == given(manifests(read(config_text(objects)), account, "home"))


def test_the_role_of_one_token() -> None:
    """What one Secret needs, by its name, and nothing else."""
    role = one(agree(ci_values()["source"]), "Role")
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": ["partner-api-token"],
            "verbs": ["create", "get", "list", "patch", "watch"],
        },
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
    ]


def test_files_need_no_rights() -> None:
    """A token source without Secrets gets no Role, and no token of its ServiceAccount."""
    values = source_values(
        {"name": "a", "sinks": [{"file": {"path": "/out/a"}}]},
        volumes=[{"name": "out", "emptyDir": {}}],
        volumeMounts=[{"name": "out", "mountPath": "/out"}],
    )
    objects = render(values)
    assert given(objects) == set()
    spec = one(objects, "Deployment")["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False


def test_rbac_can_be_left_out() -> None:
    """With rbac.create: false no right is given."""
    objects = render(source_values(secret_token(), rbac={"create": False}))
    assert not every(objects, "Role")
    assert not every(objects, "RoleBinding")


AWKWARD = [
    *("0440", "1e3", "on", "yes", "No", "null", "~", "12:30:45", "0x10", "0b1", "1_000", "=", "<<"),
    *(
        "2026-01-01",
        "a: b",
        "a #b",
        "- a",
        "{a}",
        "[a]",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a",
        "'",
        '"',
    ),
    *(
        "a\nb\n",
        "\n a",
        " a ",
        "\ta",
        "a\\b",
        "{{ accessToken }}",
        "$(HOME) $$",
        "ä€😀",
        "<&>",
        "1.",
        ".5",
    ),
]


def test_texts_reach_the_daemon_as_they_are() -> None:
    """No text becomes a number, a date or a boolean on its way through Helm's YAML."""
    parameters = {f"p{number}": text for number, text in enumerate(AWKWARD)}
    parameters |= {text: "key" for text in AWKWARD if text.isprintable()}
    values = source_values(
        {**secret_token(), "request": {"format": "json", "parameters": parameters}}
    )
    text = config_text(render(values))
    assert yaml.safe_load(text)["tokens"] == values["config"]["tokens"]
    assert read(text).tokens[0].request.parameters == parameters


def test_numbers_reach_the_daemon_as_they_are() -> None:
    """Large whole numbers and fractions stay what they are."""
    parameters = {"a": 1000000, "b": 9007199254740991, "c": 0.1, "d": -5, "e": 1e-6, "f": True}
    refresh = {"at": 0.85, "maxRequestsPerHour": 1000000}
    values = source_values(
        {
            **secret_token(),
            "request": {"format": "json", "parameters": parameters},
            "refresh": refresh,
        }
    )
    token = read(config_text(render(values))).tokens[0]
    assert token.request.parameters == parameters
    assert (token.refresh.at, token.refresh.max_requests_per_hour) == (0.85, 1000000)


def test_the_release_is_the_owner() -> None:
    """Two releases never take each other's Secrets, unless they are told to be one."""
    objects = render(source_values(secret_token()), namespace="blue")
    assert read(config_text(objects)).kubernetes.owner == "blue/sr-secret-refresher"
    named = source_values(secret_token())
    named["config"]["kubernetes"] = {"owner": "x/y"}
    assert read(config_text(render(named))).kubernetes.owner == "x/y"
