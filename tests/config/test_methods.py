"""Which credentials belong to which method, and what `defaults` leave of them."""

from typing import Any

import pytest

from secret_refresher.config.fingerprint import source_fingerprint, source_section
from secret_refresher.config.hints import hints
from secret_refresher.config.model import Algorithm, Auth, AuthMethod, TokenConfig
from secret_refresher.config.problems import ConfigError
from secret_refresher.config.read import Document, read
from secret_refresher.config.rules import input_files

FOLDER = "/etc/secret-refresher/credentials/a"


def document(auth: Any, default: Any = None, **more: Any) -> dict[str, Any]:
    """One token with this `auth`, over that of `defaults`."""
    token = {"name": "a", "tokenUrl": "https://id.example.com/t", "sinks": [{"file": None}]}
    return {"tokens": [token | {"auth": auth} | more], "defaults": {"auth": default}}


def token(auth: Any, default: Any = None, **more: Any) -> TokenConfig:
    """What it is read to."""
    return read([Document("c.yaml", document(auth, default, **more))]).tokens[0]


def refused(auth: Any, default: Any = None, **more: Any) -> list[str]:
    """Why it is not read."""
    with pytest.raises(ConfigError) as error:
        token(auth, default, **more)
    return [f"{problem.path}: {problem.message}" for problem in error.value.problems]


def files(config: TokenConfig) -> list[str]:
    """The credential files that are read, in order."""
    return [file for path, file in input_files(config) if path[0] == "auth"]


def test_every_key_of_a_signed_assertion() -> None:
    """Each key of private_key_jwt is read to the attribute that has its meaning."""
    config = token(
        {
            "method": "private_key_jwt",
            "clientId": "me",
            "privateKeyFile": "/keys/{name}.pem",
            "keyId": "2026-11",
            "algorithm": "PS384",
            "assertionAudience": "https://id.example.com",
        }
    )
    assert config.auth == Auth(
        method=AuthMethod.PRIVATE_KEY_JWT,
        client_id="me",
        client_id_file=f"{FOLDER}/client_id",
        client_secret_file=f"{FOLDER}/client_secret",
        private_key_file="/keys/a.pem",
        key_id="2026-11",
        algorithm=Algorithm.PS384,
        assertion_audience="https://id.example.com",
        assertion_file=f"{FOLDER}/assertion",
    )
    assert files(config) == ["/keys/a.pem"]


@pytest.mark.parametrize(
    ("method", "read"),
    [
        (None, ["client_id", "client_secret"]),
        ("client_secret_post", ["client_id", "client_secret"]),
        ("private_key_jwt", ["client_id", "private_key"]),
        ("client_assertion", ["assertion"]),
    ],
)
def test_what_is_read_unless_said_otherwise(method: str | None, read: list[str]) -> None:
    """Each method has files of its own below the mount, and only they are read."""
    assert files(token({"method": method})) == [f"{FOLDER}/{name}" for name in read]


@pytest.mark.parametrize("key", ["clientId", "clientIdFile"])
def test_an_assertion_may_have_a_client_id_beside_it(key: str) -> None:
    """client_assertion sends a client id where one is named, and none otherwise."""
    named = token({"method": "client_assertion", key: "/x"}).auth
    assert "/x" in {named.client_id, named.client_id_file}
    unnamed = token({"method": "client_assertion"}).auth
    assert unnamed.client_id is unnamed.client_id_file is None


def test_a_client_id_from_the_defaults_counts_for_an_assertion() -> None:
    """A client id that stands under defaults is named too; null takes it away."""
    default = {"clientIdFile": "/ids/{name}"}
    assert token({"method": "client_assertion"}, default).auth.client_id_file == "/ids/a"
    none = token({"method": "client_assertion", "clientIdFile": None}, default)
    assert none.auth.client_id_file is None


@pytest.mark.parametrize(
    ("method", "key", "value", "told"),
    [
        (None, "privateKeyFile", "/k", "belongs to private_key_jwt, but the method is client_sec"),
        ("client_secret_basic", "keyId", "k", "belongs to private_key_jwt"),
        ("client_secret_post", "algorithm", "RS256", "belongs to private_key_jwt"),
        ("client_assertion", "assertionAudience", "x", "belongs to private_key_jwt"),
        ("private_key_jwt", "assertionFile", "/a", "belongs to client_assertion, but"),
        ("private_key_jwt", "clientSecretFile", "/s", "client_secret_basic and client_secret_post"),
        ("client_assertion", "previousClientSecretFile", "/s", "client_secret_basic and client_"),
    ],
)
def test_a_key_of_another_method(method: str | None, key: str, value: str, told: str) -> None:
    """A credential that the method has no use for is refused, with both ways out of it."""
    (problem,) = refused({"method": method, key: value})
    assert problem.startswith(f"tokens[0].auth.{key}: {'belongs to'}")
    assert told in problem
    assert "remove it, or write method: " in problem


def test_all_that_does_not_belong_is_told_at_once() -> None:
    """Several keys of another method are several problems, at the places that have them."""
    found = refused({"keyId": "k", "assertionFile": "/a"}, {"privateKeyFile": "/k"})
    assert [problem.partition(":")[0] for problem in found] == [
        "defaults.auth.privateKeyFile",
        "tokens[0].auth.keyId",
        "tokens[0].auth.assertionFile",
    ]


@pytest.mark.parametrize("method", ["client_secret_post", None])
def test_choosing_a_method_leaves_what_belongs_to_the_default_s(method: str | None) -> None:
    """A token that chooses another method takes nothing over that belongs to the default's."""
    default = {"method": "private_key_jwt", "privateKeyFile": "/k", "keyId": "k", "clientId": "me"}
    config = token({"method": method}, default)
    assert files(config) == [f"{FOLDER}/client_secret"]
    assert (config.auth.client_id, config.auth.key_id) == ("me", None)
    signed = token({"method": "private_key_jwt", "keyId": "own"}, default)
    assert (signed.auth.private_key_file, signed.auth.key_id) == ("/k", "own")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("privateKeyFile", "-----BEGIN", "The path of a file belongs here, never what is in it"),
        ("assertionFile", "/a/{nam}", "no braces but {name}"),
        ("algorithm", "HS256", "must be RS256, RS384"),
        ("algorithm", "rs256", "did you mean RS256?"),
        ("keyId", 7, "put it in quotes"),
        ("assertionAudience", "a\nb", "must not hold control characters"),
        ("privateKeyFile", "/" + "x" * 256, "longer than 255 bytes"),
    ],
)
def test_wrong_values(key: str, value: object, told: str) -> None:
    """A value that cannot be right is refused where it stands."""
    method = "client_assertion" if key == "assertionFile" else "private_key_jwt"
    (problem,) = refused({"method": method, key: value})
    assert problem.startswith(f"tokens[0].auth.{key}: ")
    assert told in problem
    assert "-----BEGIN" not in problem


def test_a_key_file_is_no_output() -> None:
    """A file that credentials are read from is not written, whatever the method."""
    sinks = [{"file": {"path": f"{FOLDER}/private_key"}}]
    (problem,) = refused({"method": "private_key_jwt"}, sinks=sinks)
    assert "is a file that credentials are read from" in problem
    assert token({"method": "client_assertion"}, sinks=sinks).sinks


@pytest.mark.parametrize(
    "more",
    [
        {"privateKeyFile": "/k"},
        {"keyId": "k"},
        {"algorithm": "PS256"},
        {"assertionAudience": "x"},
        {"method": "client_assertion"},
    ],
)
def test_what_causes_a_fetch(more: dict[str, str]) -> None:
    """A key of the method in force is part of the source, and never of what is written down."""
    base = {"method": "private_key_jwt", "clientId": "me"}
    assert source_section(token(base | more)) != source_section(token(base))
    assert source_fingerprint(token(base | more)) == source_fingerprint(token(base))


@pytest.mark.parametrize("method", ["private_key_jwt", "client_assertion"])
def test_an_assertion_in_the_url(method: str) -> None:
    """GET with an assertion is warned of, as GET with a secret is; POST is not."""

    def said(verb: str) -> list[str]:
        config = document({"method": method}, request={"method": verb})
        return list(hints(read([Document("c.yaml", config)])))

    (hint,) = said("GET")
    assert hint.startswith(f"token a: GET with {method} puts the assertion into the URL")
    assert said("POST") == []
