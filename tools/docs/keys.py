"""The tables of keys in docs/configuration.md, from the grammar that reads the configuration.

    python tools/docs/keys.py           prints them
    python tools/docs/keys.py --write   puts them into the page

The tests compare the page with what this prints.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from secret_refresher.config.grammar import CONFIG
from secret_refresher.config.kinds import OneOf
from secret_refresher.config.measures import Address, Duration, Mode, span
from secret_refresher.config.parameters import JsonValue
from secret_refresher.config.renders import Rendering
from secret_refresher.config.sections import Section, Table, Whole
from secret_refresher.config.shapes import Choice, Flag, Items, Number, Shape, Text, shown

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
BEGIN = "<!-- keys: written by tools/docs/keys.py -->"
END = "<!-- keys: end -->"
_HEAD = ("| key | value | default | meaning |", "| --- | --- | --- | --- |")


def tables() -> str:
    """Every section with its keys, outermost first."""
    return "\n".join([BEGIN, *_section("", CONFIG), *_renderings(), END])


def _section(path: str, section: Section) -> Iterator[str]:
    properties = section.schema()["properties"]
    yield ""
    yield f"### `{path}`" if path else "### Top"
    yield ""
    yield from _HEAD
    below: list[tuple[str, Shape]] = []
    for name, key in section.keys.items():
        if name == "defaults":
            shape, value = None, "mapping, as a token without `name`"
        else:
            shape, value = key.shape, _value(key.shape)
        told = _default(properties[name], required=name in section.required)
        yield f"| `{name}` | {value} | {told} | {_cell(key.doc)} |"
        if shape is not None:
            below.append((f"{path}.{name}" if path else name, shape))
    for inner, shape in below:
        yield from _below(inner, shape)


def _below(path: str, shape: Shape) -> Iterator[str]:
    """The sections that a key holds."""
    match shape:
        case Section():
            yield from _section(path, shape)
        case Whole():
            yield from _section(path, shape.of)
        case Items():
            yield from _below(f"{path}[]", shape.of)
        case OneOf():
            yield from (
                "",
                f"### `{path}`",
                "",
                "One of:",
                "",
                "| key | meaning |",
                "| --- | --- |",
            )
            yield from (f"| `{kind}` | {what} |" for kind, (_, what) in shape.kinds.items())
            for kind, (section, _) in shape.kinds.items():
                yield from _section(f"{path}.{kind}", section)


def _value(shape: Shape) -> str:  # noqa: C901 - one case a shape
    match shape:
        case Text():
            return "text"
        case Choice():
            return ", ".join(f"`{word}`" for word in shape.words)
        case Flag():
            return "`true`, `false`"
        case Number():
            whole = "whole number" if shape.whole else "number"
            return f"{whole} from {shown(shape.least)} to {shown(shape.most)}"
        case Duration():
            return f"time from `{span(shape.least)}` to `{span(shape.most)}`"
        case Mode():
            return "three or four octal digits in quotes"
        case Address():
            return "`host:port`"
        case Items():
            return f"list of {_plural(shape.of)}"
        case Table():
            return f"mapping to {_plural(shape.of)}"
        case Rendering():
            return "[rendering](#renderings)"
        case Section():
            return "mapping"
    raise TypeError(f"say how {type(shape).__name__} is written")


def _plural(shape: Shape) -> str:
    match shape:
        case Text():
            return "texts"
        case JsonValue():
            return "anything that JSON can say"
        case Rendering():
            return "[renderings](#renderings)"
        case Section() | Whole() | OneOf():
            return "mappings"
    raise TypeError(f"say how several {type(shape).__name__} are called")


def _default(schema: dict[str, Any], *, required: bool) -> str:
    if required:
        return "required"
    if "default" not in schema:
        return ""
    value = schema["default"]
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _renderings() -> Iterator[str]:
    """The ways to write a token down, each with its own keys."""
    yield from ("", "### Renderings", "", "| rendering | its own keys |", "| --- | --- |")
    text, template, *formats = Rendering().schema()["oneOf"]
    if (text["type"], list(template["properties"])) != ("string", ["template"]):
        raise TypeError("say how a template is written")
    yield "| a text, or `{template: ...}` | A Jinja2 template. |"
    for known in formats:
        properties = known["properties"]
        (name,) = properties["format"]["enum"]
        keys = [
            f"`{key}`{needed}: {_cell(own['description'])}"
            for key, own in properties.items()
            if key != "format"
            for needed in (" (required)" if key in known["required"] else "",)
        ]
        yield f"| `{{format: {name}}}` | {' '.join(keys)} |"


def written(page: str) -> str:
    """The page with the tables as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + tables() + after


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(tables() + "\n")
