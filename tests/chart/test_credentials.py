"""What is mounted follows from how each token proves who asks."""

from __future__ import annotations

from typing import Any

import pytest

from support.chart import HelmError, Object, one, render, secret_token, source_values

FOLDER = "/etc/secret-refresher/credentials/"


def sources(values: Object) -> list[Object]:
    """What the volume of credentials is put together from; nothing where there is none."""
    pod = one(render(values), "Deployment")["spec"]["template"]["spec"]
    volumes = [volume for volume in pod["volumes"] if volume["name"] == "credentials"]
    return [source for volume in volumes for source in volume["projected"]["sources"]]


def paths(values: Object) -> list[str]:
    """The files that are mounted, below the folder of credentials."""
    return [
        path
        for source in sources(values)
        for path in [item["path"] for item in source.get("secret", {}).get("items", [])]
        + [token["path"] for name, token in source.items() if name == "serviceAccountToken"]
    ]


def by(auth: Object, **more: Any) -> Object:
    """Values of one token with this `auth`."""
    return {**source_values({**secret_token(), "auth": auth}), **more}


@pytest.mark.parametrize(
    ("auth", "files"),
    [
        ({}, ["client_id", "client_secret"]),
        ({"clientId": "me"}, ["client_secret"]),
        ({"method": "client_secret_post"}, ["client_id", "client_secret"]),
        ({"method": "private_key_jwt"}, ["client_id", "private_key"]),
        ({"method": "private_key_jwt", "privateKeyFile": FOLDER + "{name}/tls.key"}, None),
        ({"method": "client_assertion"}, ["assertion"]),
        ({"method": "client_assertion", "clientId": "me"}, ["assertion"]),
        (
            {"method": "client_assertion", "clientIdFile": FOLDER + "{name}/client_id"},
            ["assertion", "client_id"],
        ),
        ({"method": "tls_client_auth"}, ["client_id"]),
        ({"method": "self_signed_tls_client_auth", "clientId": "me"}, []),
    ],
)
def test_each_method_mounts_what_it_reads(auth: Object, files: list[str] | None) -> None:
    """A method's files are mounted, and no secret that it has no use for."""
    expected = ["client_id", "tls.key"] if files is None else files
    assert paths(by(auth)) == [f"a/{file}" for file in expected]


def test_a_method_of_the_defaults_counts() -> None:
    """What stands under defaults decides for a token that does not choose, and only for it."""
    values = source_values(secret_token(), {**secret_token("b"), "auth": {"method": None}})
    values["config"]["defaults"]["auth"] = {"method": "private_key_jwt"}
    assert paths(values) == ["a/client_id", "a/private_key", "b/client_id", "b/client_secret"]


def test_a_service_account_token() -> None:
    """An assertion by the cluster is projected for its audience, and renewed by the kubelet."""
    values = by({"method": "client_assertion", "clientId": "me"})
    values["credentials"] = {"a": {"serviceAccountToken": {"audience": "api://exchange"}}}
    told = {"audience": "api://exchange", "expirationSeconds": 3600, "path": "a/assertion"}
    assert sources(values) == [{"serviceAccountToken": told}]
    values["credentials"]["a"]["serviceAccountToken"]["expirationSeconds"] = 600
    assert sources(values) == [{"serviceAccountToken": {**told, "expirationSeconds": 600}}]


BAD = {
    "no audience": (
        {"serviceAccountToken": {}},
        {"method": "client_assertion"},
        "at '/credentials/a/serviceAccountToken': missing property 'audience'",
    ),
    "a Secret beside it": (
        {"serviceAccountToken": {"audience": "x"}, "secretName": "a"},
        {"method": "client_assertion"},
        "at '/credentials/a': 'oneOf' failed",
    ),
    "a life that the API server refuses": (
        {"serviceAccountToken": {"audience": "x", "expirationSeconds": 60}},
        {"method": "client_assertion"},
        "at '/credentials/a/serviceAccountToken/expirationSeconds': minimum",
    ),
    "in place of a secret": (
        {"serviceAccountToken": {"audience": "x"}},
        {"method": "client_secret_post", "clientId": "me"},
        "config.tokens[0].auth.clientSecretFile: is read from credentials.a, which is a Service",
    ),
}


@pytest.mark.parametrize(("entry", "auth", "told"), BAD.values(), ids=BAD)
def test_a_service_account_token_that_cannot_be(entry: Object, auth: Object, told: str) -> None:
    """What the cluster would refuse, or no token could use, is refused with its place."""
    with pytest.raises(HelmError) as refused:
        render(by(auth, credentials={"a": entry}))
    assert told in str(refused.value)
