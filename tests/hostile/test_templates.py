"""Templates that want too much: more than a token, or all of the machine."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from secret_refresher.errors import Trouble
from secret_refresher.tokens.rendering import (
    MOST,
    Render,
    RenderFormat,
    render,
    template_problem,
)
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Life, Token

TOKEN = Token(
    Secret("abc.DEF-1~2"), "Bearer", "read write", Life(100, 175, 200, 1_700_000_000), "0"
)
BOMBS = [
    "{{ 'x' * 10 ** 10 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ accessToken.ljust(10000000000) }}",
    "{{ accessToken.zfill(10000000000) }}",
    "{{ accessToken | center(10000000000) }}",
    "{{ '\t'.expandtabs(10000000000) }}",
    "{{ accessToken | indent(10000000000) }}",
    "{{ lipsum(n=10000000) }}",
    "{{ range(10 ** 9) | list }}",
    "{% for a in range(1000) %}" * 3 + "x" + "{% endfor %}" * 3,
    "{% for a in range(1000) recursive %}{{ loop(range(1000)) }}{% endfor %}",
    "{% for a in range(100000000) %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set a = 'xx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "{% set a = 'xx' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "{% set a0 = 'xx' %}" + "".join(f"{{% set a{n + 1} = a{n} ~ a{n} %}}" for n in range(40)),
    "{% set accessToken = accessToken ~ accessToken %}",
    "{% set a %}x{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 40 + "{{ a }}",
    "{% set n = namespace(a='x') %}{% for i in range(40) %}{% set n.a = n.a ~ n.a %}{% endfor %}",
    "{{ accessToken" + " | replace('', 'xxxxxxxx')" * 30 + " }}",
    "{{ '\"'" + " | tojson" * 60 + " }}",
    "{{ '%'" + " | urlencode | replace('%', '%%')" * 30 + " }}",
    "{{ accessToken" + " | list | join('xxxxxxxxxx')" * 30 + " }}",
    "{% filter upper %}x{% endfilter %}",
    "{% call f() %}{% endcall %}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ accessToken | map('upper') | list }}",
    "{{ accessToken | attr('__class__') }}",
    "{{ ['__class__'] | map(attribute='__class__') }}",
    "{{ accessToken['__class__'] }}",
    "{{ accessToken['format']('{0.__class__}') }}",
    "{{ self }}",
    "{{ range.__self__ }}",
    "{{ (accessToken, )[0].__init__ }}",
    "{% autoescape true %}{% endautoescape %}",
    "{% debug %}",
    "x" * (65 * 1024),
]


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_a_bomb_is_refused_or_fails_at_once(text: str) -> None:
    """Neither reading the configuration nor rendering takes long or much memory."""
    spec = Render(format=RenderFormat.TEMPLATE, template=text)
    begun = time.process_time()
    with pytest.raises(Trouble) as failed:
        render(spec, TOKEN, "partner-api")
    told = template_problem(text) or failed.value.fault.summary
    assert len(told) < 400
    assert time.process_time() - begun < 5


def test_all_of_them_fit_into_little_memory() -> None:
    """One process under a limit of its address space renders every one of them."""
    code = (
        "import resource, sys, test_templates as t;"
        "limit = 900 << 20; resource.setrlimit(resource.RLIMIT_AS, (limit, limit));"
        "[t.test_a_bomb_is_refused_or_fails_at_once(text) for text in t.BOMBS]; print('done')"
    )
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{here}:{here.parent}"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout == "done\n", done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{% macro m() %}{% endmacro %}", "uses macro, which is not offered"),
        ("{{ name | center(9) }}", "uses the filter center, which is not offered"),
        ("{{ name.ljust(9) }}", "uses a call of ljust, which is not offered"),
        ("{% for a in name %}{% for b in name %}{% endfor %}{% endfor %}", "a loop within a loop"),
        ("{% set a = name %}{% set b = a %}", "sets a variable from another one"),
        ("{% set name = 1 %}", "sets a name that it is given"),
        ("{{ 2 ** 9 }}", "uses pow, which is not offered"),
        ("{% include name %}", "uses include, which is not offered"),
    ],
)
def test_what_is_not_offered_is_told(text: str, said: str) -> None:
    """With the configuration, not with the first token."""
    assert said in (template_problem(text) or "")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: {{ tokenType }} {{ accessToken }}\n",
        '{"token": {{ accessToken | tojson }}, "expires": "{{ expiresAt }}"}',
        "{{ {'token': accessToken, 'scopes': scope.split()} | tojson }}",
        "{% for one in scope.split() %}{{ loop.index }}={{ one }}\n{% endfor %}{{ name }}",
        "{% set parts = accessToken.split('.') %}{{ parts[0] ~ '...' ~ parts[-1] }}",
        "{% if scope %}scope={{ scope | urlencode }}&{% endif %}token={{ accessToken | e }}",
        "{{ name | upper | replace('-', '_') }}={{ accessToken }}",
        "{{ expiresIn // 60 }} minutes, {{ expiresIn * 1000 }} ms, {{ (expiresIn / 2) | int }}",
        "{{ accessToken[:8] if name is defined else name }}{{ scope | default('none') }}",
    ],
)
def test_what_people_write_is_offered(text: str) -> None:
    """Headers, JSON, loops over scopes, parts of a JWT, conditions, arithmetic."""
    assert template_problem(text) is None
    spec = Render(format=RenderFormat.TEMPLATE, template=text)
    assert 0 < len(render(spec, TOKEN, "partner-api").reveal()) < MOST
