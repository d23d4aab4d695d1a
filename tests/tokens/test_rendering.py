"""Every way in which a token is written down."""

import base64
import json
import netrc
import string
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st

from secret_refresher.errors import Lane, Reason, Trouble
from secret_refresher.tokens.rendering import (
    MOST,
    TEMPLATE_NAMES,
    Render,
    RenderFormat,
    render,
    template_problem,
)
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Life, Token

LIFE = Life(5000.0, 7700.0, 8600.0, 1_700_000_000.123)
TOKEN = Token(Secret("abc.DEF-1~2"), "Bearer", "read write", LIFE, "source")
VISIBLE = st.text(string.ascii_letters + string.digits + string.punctuation, min_size=1)
"""What a token may be made of (RFC 6749 appendix A.12), but for blanks, which we refuse."""


def rendered(spec: Render, token: Token = TOKEN) -> str:
    """As text."""
    return render(spec, token, "partner-api").reveal().decode()


def template(text: str, token: Token = TOKEN) -> str:
    """A template filled."""
    return rendered(Render(format=RenderFormat.TEMPLATE, template=text), token)


def trouble(text: str) -> str:
    """What is wrong with a template that fails; its token is not quoted."""
    with pytest.raises(Trouble) as failed:
        template(text)
    fault = failed.value.fault
    assert fault.reason is Reason.RENDERING
    assert fault.lane is Lane.PERMANENT
    assert TOKEN.access_token.reveal() not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__ or failed.value.__context__ is None
    return str(fault)


DOCKER = (
    '{"username":"oauth2accesstoken","password":"abc.DEF-1~2",'
    '"auth":"b2F1dGgyYWNjZXNzdG9rZW46YWJjLkRFRi0xfjI="}'
)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (Render(), "abc.DEF-1~2"),
        (Render(format=RenderFormat.BEARER), "Bearer abc.DEF-1~2"),
        (
            Render(format=RenderFormat.JSON),
            '{"access_token":"abc.DEF-1~2","token_type":"Bearer","expires_in":3600,'
            '"issued_at":"2023-11-14T22:13:20.123Z","expires_at":"2023-11-14T23:13:20.123Z",'
            '"scope":"read write"}',
        ),
        (Render(format=RenderFormat.ENV), "ACCESS_TOKEN=abc.DEF-1~2\n"),
        (Render(format=RenderFormat.ENV, variable="API_TOKEN"), "API_TOKEN=abc.DEF-1~2\n"),
        (
            Render(format=RenderFormat.NETRC, machine="api.example.com", login="me"),
            "machine api.example.com login me password abc.DEF-1~2\n",
        ),
        (
            Render(format=RenderFormat.DOCKERCONFIGJSON, registries=("one.example", "two.example")),
            f'{{"auths":{{"one.example":{DOCKER},"two.example":{DOCKER}}}}}',
        ),
        (
            Render(
                format=RenderFormat.DOCKERCONFIGJSON, registries=("one.example",), username="bot"
            ),
            '{"auths":{"one.example":{"username":"bot","password":"abc.DEF-1~2",'
            '"auth":"Ym90OmFiYy5ERUYtMX4y"}}}',
        ),
    ],
    ids=["raw", "bearer", "json", "env", "env-variable", "netrc", "docker", "docker-username"],
)
def test_formats(spec: Render, expected: str) -> None:
    """Byte for byte."""
    assert rendered(spec) == expected


def test_json_without_a_scope_has_no_such_key() -> None:
    """As a token endpoint that granted what was asked for (RFC 6749 section 5.1)."""
    answer = json.loads(rendered(Render(format=RenderFormat.JSON), replace(TOKEN, scope=None)))
    assert "scope" not in answer


@given(VISIBLE)
def test_no_token_breaks_json(text: str) -> None:
    """Quotes and backslashes come out as they went in."""
    token = replace(TOKEN, access_token=Secret(text))
    assert json.loads(rendered(Render(format=RenderFormat.JSON), token))["access_token"] == text
    spec = Render(format=RenderFormat.DOCKERCONFIGJSON, registries=("r",))
    entry = json.loads(rendered(spec, token))["auths"]["r"]
    assert entry["password"] == text
    assert base64.b64decode(entry["auth"]).decode() == f"oauth2accesstoken:{text}"


@settings(max_examples=30)
@example("~")
@example("a:~/b")
@example("=~")
@example("$(id)`id`'\"\\")
@given(VISIBLE)
def test_no_token_breaks_a_shell(text: str) -> None:
    """A POSIX shell that sources the file has the token in its variable, and runs nothing."""
    written = rendered(Render(format=RenderFormat.ENV), replace(TOKEN, access_token=Secret(text)))
    script = f'{written}printf %s "$ACCESS_TOKEN"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert shown.stdout.decode() == text


def test_usual_tokens_are_not_quoted_for_the_shell() -> None:
    """Readers of such files that are no shell (systemd, Docker) take quotes for content."""
    text = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2ln_-~+/=="
    written = rendered(Render(format=RenderFormat.ENV), replace(TOKEN, access_token=Secret(text)))
    assert written == f"ACCESS_TOKEN={text}\n"


def test_netrc_is_read_by_others(tmp_path: Path) -> None:
    """Python's reader finds login and password."""
    file = tmp_path / "netrc"
    spec = Render(format=RenderFormat.NETRC, machine="api.example.com", login="me")
    file.write_text(rendered(spec))
    assert netrc.netrc(str(file)).authenticators("api.example.com") == ("me", "", "abc.DEF-1~2")


def test_a_rendering_does_not_change_by_itself() -> None:
    """By another process's clock the same token is the same text in every format."""
    later = TOKEN.living(Life(0.0, 2700.0, 3600.0, 1_700_000_000.123))
    everything = " ".join(f"{{{{ {name} }}}}" for name in TEMPLATE_NAMES)
    specs = [Render(format=kind, machine="m", login="l") for kind in RenderFormat]
    for spec in (*specs[:-1], Render(format=RenderFormat.TEMPLATE, template=everything)):
        assert rendered(spec) == rendered(spec, later)


# --- templates ---------------------------------------------------------------------------------


def test_a_template_knows_the_token() -> None:
    """Its names, and nothing else."""
    text = template("\n".join(f"{name}={{{{ {name} }}}}" for name in TEMPLATE_NAMES) + "\n")
    assert text.splitlines() == [
        "accessToken=abc.DEF-1~2",
        "expiresAt=2023-11-14T23:13:20.123Z",
        "expiresIn=3600",
        "issuedAt=2023-11-14T22:13:20.123Z",
        "name=partner-api",
        "scope=read write",
        "tokenType=Bearer",
    ]
    assert text.endswith("\n")


def test_a_template_escapes_nothing() -> None:
    """It is no HTML."""
    assert template("<{{ name }}>&'\"{{ '&' }}") == "<partner-api>&'\"&"


def test_a_missing_scope_is_empty() -> None:
    """A template need not ask whether there is one."""
    token = replace(TOKEN, scope=None)
    assert template("[{{ scope }}]{{ accessToken }}", token) == "[]abc.DEF-1~2"


@pytest.mark.parametrize(
    "text",
    [
        "{{ accessToken.__class__ }}",
        "{{ accessToken.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.__class__ }}",
        "{{ name.format.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__ }}",
        "{{ joiner.__init__ }}",
        "{{ '{0.__class__}'.format(name) }}",
        "{% set x = [] %}{{ x.append(accessToken) }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os }}",
        "{% extends '/etc/passwd' %}",
        "{{ range(10 ** 9) | list }}",
        "{{ 1 / 0 }}",
        "{{ accessToken | int('x') / name }}",
        "{{ accessToken.nothing }}",
        "{{ nothing }}",
        "{{ accessToken[50:][0] }}",
        "{{ accessToken() }}",
        "{% for x in 5 %}{% endfor %}",
        "{{ '%d' % accessToken }}",
    ],
)
def test_a_template_stays_in_its_sandbox(text: str) -> None:
    """What reaches out of it or fails is told by the kind of the failure, never by its text."""
    assert trouble(text).startswith("the rendering failed with ")


@pytest.mark.parametrize("text", ["{{ '' }}", " \n\t", "{% if 0 %}x{% endif %}", "{# x #}"])
def test_an_empty_rendering_is_refused(text: str) -> None:
    """Nobody wants an empty token file."""
    assert trouble(text) == "the rendering is empty; have it write {{ accessToken }}"


def test_a_giant_rendering_is_refused() -> None:
    """One byte more than a Secret could hold is too much, whatever its characters."""
    full = "{% for _ in range(1024) %}{{ 'xxxxxxxxxxxxxxxx' | replace('x', X) }}{% endfor %}"
    exact = full.replace("X", repr("x" * (MOST // 1024 // 16)))
    assert len(template(exact)) == MOST
    too_large = "the rendering is larger than 1 MiB; make the template shorter"
    assert trouble(f"{exact}x") == too_large
    umlauts = full.replace("X", repr("\u00fc" * (MOST // 1024 // 32)))
    assert len(template(umlauts).encode()) == MOST
    assert trouble(f"{umlauts}\u00fc") == too_large


def test_half_a_character_is_refused() -> None:
    """A template that writes what is no text."""
    assert trouble("{{ accessToken }}{{ '\\ud800' }}") == (
        "the rendering is no text; mend the template"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ accessToken }}", None),
        ("{% for x in range(3) %}{{ x }}{% endfor %}{{ name }}", None),
        ("{{ accessToken", "is no Jinja2 template: look at line 1 of it"),
        ("a\nb\n{% if %}", "is no Jinja2 template: look at line 3 of it"),
        ("{{ token }}", "names token, which does not exist; there are accessToken, "),
        ("{{ b }}{{ a }}", "names a, which does not exist"),
    ],
)
def test_templates_are_checked_before_use(text: str, problem: str | None) -> None:
    """What cannot work is told with the configuration, not at the first token."""
    found = template_problem(text)
    assert (found is None) if problem is None else (found or "").startswith(problem)


# --- telling renderings apart --------------------------------------------------------------------


def test_different_renderings_have_different_digests() -> None:
    """A changed rendering is known as such after a restart."""
    specs = [
        Render(),
        Render(format=RenderFormat.BEARER),
        Render(format=RenderFormat.ENV),
        Render(format=RenderFormat.ENV, variable="X"),
        Render(format=RenderFormat.TEMPLATE, template="{{ name }}"),
        Render(format=RenderFormat.TEMPLATE, template="{{ name }} "),
        Render(format=RenderFormat.DOCKERCONFIGJSON, registries=("a", "b")),
        Render(format=RenderFormat.DOCKERCONFIGJSON, registries=("a, b",)),
        Render(format=RenderFormat.NETRC, machine="a", login="b"),
        Render(format=RenderFormat.NETRC, machine="b", login="a"),
    ]
    assert len({spec.digest() for spec in specs}) == len(specs)


def test_a_digest_is_the_same_for_ever() -> None:
    """A new release that changed it would ask for every token anew."""
    assert Render().digest() == "8ce366a9"
