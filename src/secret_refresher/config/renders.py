"""The shape of `render`: a template, or a format with its own keys."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, final

from secret_refresher.config import checks
from secret_refresher.config.problems import Findings, Path
from secret_refresher.config.sections import Key, Section
from secret_refresher.config.shapes import BAD, Choice, Items, Schema, Text, kind
from secret_refresher.tokens.rendering import Render, RenderFormat, template_problem


@functools.lru_cache(maxsize=64)
def _template(text: str) -> str | None:
    """What is wrong with a template; thousands of tokens may share one."""
    if text in _KEYS:
        return f"would write the very word {text}; for that format write {{format: {text}}}"
    try:
        return template_problem(text)
    except RecursionError:
        return "nests too deep to be a template; make it simpler"


_WORD = Text(checks.word)
_KEYS: dict[RenderFormat, dict[str, Key]] = {
    RenderFormat.RAW: {},
    RenderFormat.BEARER: {},
    RenderFormat.JSON: {},
    RenderFormat.ENV: {
        "variable": Key(
            "variable",
            Text(checks.variable, checks.VARIABLE),
            "The environment variable's name; ACCESS_TOKEN unless given.",
        ),
    },
    RenderFormat.DOCKERCONFIGJSON: {
        "registries": Key("registries", Items(_WORD, least=1), "The hosts of the registries."),
        "username": Key(
            "username",
            Text(checks.user),
            "The user that the registries expect; oauth2accesstoken unless given.",
        ),
    },
    RenderFormat.NETRC: {
        "machine": Key("machine", _WORD, "The host that the token is for."),
        "login": Key("login", _WORD, "The user that the host expects."),
    },
}
_NEEDED = ("format", "registries", "machine", "login")
_SECTIONS = {
    form: Section(
        Render,
        {"format": Key("format", Choice((form,)), "How the token is written."), **keys},
        needed=_NEEDED,
    )
    for form, keys in _KEYS.items()
}
_FORMAT = Choice(tuple(_KEYS))
_TEMPLATE = Text(_template)
_BY_TEMPLATE = Section(
    Render,
    {"template": Key("template", _TEMPLATE, "A Jinja2 template.")},
    needed=("template",),
)


@final
@dataclass(frozen=True, slots=True)
class Rendering:
    """A template as a text or under `template`, or a format with its own keys."""

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """A `Render`."""
        if isinstance(raw, str):
            text = _TEMPLATE.read(raw, at, findings)
            return BAD if text is BAD else _by_template(text)
        if not isinstance(raw, dict):
            findings.add(at, f"must be a mapping with format, or a template, not {kind(raw)}")
            return BAD
        if "template" in raw:
            render = _BY_TEMPLATE.whole(raw, at, findings)
            return BAD if render is BAD else _by_template(render.template)
        form = _FORMAT.read(raw.get("format"), (*at, "format"), findings)
        return BAD if form is BAD else _SECTIONS[form].whole(raw, at, findings)

    def show(self, value: Any) -> Any:
        """A format without keys of its own, as the default is."""
        return {"format": str(value.format)}

    def schema(self) -> Schema:
        """One of the ways to say it."""
        text = {"type": "string", "minLength": 1, "not": _FORMAT.schema()}
        return {"oneOf": [text, *(way.schema() for way in (_BY_TEMPLATE, *_SECTIONS.values()))]}


def _by_template(text: str) -> Render:
    return Render(format=RenderFormat.TEMPLATE, template=text)
