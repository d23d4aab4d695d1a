"""The commands `check` and `schema`, and what is hinted at."""

import io
import json
from collections.abc import Callable

import pytest

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.cli.check import check
from secret_refresher.cli.schema import schema
from secret_refresher.config.hints import hints
from secret_refresher.config.model import Config
from secret_refresher.config.schema import json_schema

Load = Callable[[str], Config]
URL_MISSING = "is missing; write the URL of the token endpoint, or issuer, or state: absent"
TWO = """
defaults: {tokenUrl: https://x/, auth: {clientId: me, clientSecretFile: /s}}
tokens:
  - {name: a, sinks: [{file: }, {file: {path: /x}}]}
"""


def checked(text: str) -> tuple[int, str]:
    """Status and output of `check`."""
    out = io.StringIO()
    return check(ConfigSource(MountReader(), path=None, text=text), out), out.getvalue()


def test_a_right_configuration() -> None:
    """`check` says how much there is, and ends with 0."""
    assert checked(TWO) == (0, "ok: 1 token, 2 sinks\n")


def test_a_wrong_configuration() -> None:
    """`check` prints every problem on a line of its own, and ends with 2."""
    status, out = checked("tokens: [{name: A}]")
    assert status == 2
    file = "SECRET_REFRESHER_CONFIG_YAML"
    first, *others, last = out.splitlines()
    assert first.startswith(f"{file}: tokens[0].name: must be lower-case letters, digits and")
    assert others == [
        f"{file}: tokens[0].sinks: is missing; name a file, or nobody gets the token",
        f"{file}: tokens[0].tokenUrl: {URL_MISSING}",
    ]
    assert last == "refused: 3 problems"


def test_a_warning_stops_nothing() -> None:
    """What is only odd is printed as a warning, and the status stays 0."""
    status, out = checked(f"{TWO}  - {{name: b, sinks: [{{file: }}]}}\n")
    assert status == 0
    assert out.splitlines() == [
        "warning: token b would fetch the same as a; give one token the sinks of both",
        "ok: 2 tokens, 3 sinks",
    ]


@pytest.mark.parametrize(
    "other",
    [
        "tokenUrl: https://y/",
        "auth: {clientId: you}",
        "auth: {clientSecretFile: /other}",
        "request: {scope: [a]}",
        "request: {parameters: {tenant: red}}",
        "tls: {caFile: /ca}",
        "state: absent",
    ],
)
def test_tokens_that_differ_are_not_the_same(load: Load, other: str) -> None:
    """Whatever makes another token of it makes the warning go."""
    config = load(f"{TWO}  - {{name: b, sinks: [{{file: }}], {other}}}\n")
    assert list(hints(config)) == []


def test_tokens_with_default_credentials_are_not_the_same(load: Load) -> None:
    """Each token has credential files of its own unless somebody says otherwise."""
    config = load(
        "defaults: {tokenUrl: https://x/, sinks: [{file: }]}\ntokens: [{name: a}, {name: b}]"
    )
    assert list(hints(config)) == []


def test_a_secret_in_the_url(load: Load) -> None:
    """GET with client_secret_post is warned of; GET by itself is not."""
    get = "    request: {method: GET}\n"
    one = "tokens:\n  - name: a\n    tokenUrl: https://x/\n    sinks: [{file: }]\n" + get
    assert list(hints(load(one))) == []
    (hint,) = hints(load(one + "    auth: {method: client_secret_post}\n"))
    assert hint.startswith("token a: GET with client_secret_post puts the secret into the URL")


def test_a_template_without_the_token(load: Load) -> None:
    """A template that never names the token is warned of."""
    (hint,) = hints(
        load(TWO.replace("{path: /x}", "{path: /x, render: 'expires {{ expiresAt }}'}"))
    )
    assert hint.startswith("token a: the template of /x never names accessToken")


def test_no_token_at_all(load: Load) -> None:
    """Nothing to do is warned of."""
    (hint,) = hints(load("tokens: []"))
    assert hint.startswith("there is no token")


def test_the_schema_is_printed() -> None:
    """`schema` prints the JSON Schema, and ends with 0."""
    out = io.StringIO()
    assert schema(out) == 0
    assert json.loads(out.getvalue()) == json_schema()
