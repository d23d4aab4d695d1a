#!/usr/bin/env python3
"""Makes the chart's values.schema.json and the table in its README from values.yaml.

The comment above a value is its meaning; a last line `@schema` in it is its JSON Schema, where the
default alone does not tell. `--check` writes nothing and fails where a file is not up to date.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import yaml

from secret_refresher.config.schema import json_schema

_HERE = os.path.dirname(os.path.abspath(__file__))
_CHART = os.path.join(_HERE, "..", "..", "charts", "secret-refresher")
_BEGIN, _END = "<!-- values: begin -->", "<!-- values: end -->"
_MARK = "@schema "
Schema = dict[str, Any]


@final
@dataclass(frozen=True, slots=True)
class Value:
    """One key of values.yaml; `within` are the keys of a section, and empty for a value."""

    path: tuple[str, ...]
    meaning: str
    default: Any
    schema: Schema
    within: tuple[Value, ...] = ()


def values(text: str) -> tuple[Value, ...]:
    """Every key of values.yaml, in its order. Raises ValueError for one without a comment."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise ValueError("values.yaml must be a mapping")  # noqa: TRY004 - of what it says
    return tuple(_within(root, yaml.safe_load(text), (), text.splitlines()))


def _within(
    node: yaml.MappingNode, defaults: Any, path: tuple[str, ...], lines: list[str]
) -> Iterator[Value]:
    for key, value in node.value:
        name = key.value
        here = (*path, name)
        meaning, given = _comment(lines, key.start_mark.line)
        default = defaults[name]
        if given is None and isinstance(value, yaml.MappingNode) and value.value:
            within = tuple(_within(value, default, here, lines))
            yield Value(here, meaning, default, _section(within, meaning), within)
            continue
        if not meaning:
            raise ValueError(f"{'.'.join(here)} has no comment that says what it means")
        schema = {"description": meaning, **(given or _plain(default, here))}
        yield Value(here, meaning, default, schema)


def _comment(lines: list[str], at: int) -> tuple[str, Schema | None]:
    """What stands above line `at`: the meaning, and the schema where there is one."""
    words: list[str] = []
    schema: Schema | None = None
    while at > 0 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
        line = lines[at].lstrip().removeprefix("#").strip()
        if line.startswith(_MARK):
            schema = yaml.safe_load(line.removeprefix(_MARK))
        else:
            words.insert(0, line)
    return " ".join(words), schema


def _plain(default: Any, path: tuple[str, ...]) -> Schema:
    for kind, word in ((bool, "boolean"), (int, "integer"), (str, "string")):
        if isinstance(default, kind):
            return {"type": word}
    raise ValueError(f"{'.'.join(path)} needs a line `# @schema ...`: its default says too little")


def _section(within: tuple[Value, ...], meaning: str = "") -> Schema:
    """A closed object.

    Helm takes null for "remove the default": then a mapping that templates look into is missing.
    """
    needed = [one.path[-1] for one in within if isinstance(one.default, dict)]
    return {
        **({"description": meaning} if meaning else {}),
        "type": "object",
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
        "properties": {one.path[-1]: one.schema for one in within},
    }


def schema(found: tuple[Value, ...]) -> Schema:
    """The schema of all values: draft 7, which every Helm from 3 on validates."""
    with open(os.path.join(_HERE, "definitions.yaml"), encoding="utf-8") as file:
        definitions: Schema = yaml.safe_load(file)
    config = json_schema()
    for key in ("$schema", "title", "description"):
        del config[key]
    whole = _section(found)
    # Helm hands it to every dependency.
    whole["properties"]["global"] = {"type": ["object", "null"]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart secret-refresher",
        **whole,
        "definitions": {"config": for_helm(config), **definitions},
    }


def for_helm(part: Any) -> Any:
    """The same schema without what Go's regular expressions (RE2) lack: looking ahead.

    Raises ValueError for a pattern that looks ahead in another way than to forbid the empty text.
    """
    if isinstance(part, list):
        return [for_helm(item) for item in part]
    if not isinstance(part, dict):
        return part
    same = {key: for_helm(value) for key, value in part.items()}
    pattern = same.get("pattern")
    if isinstance(pattern, str) and "(?" in pattern:
        same |= {"pattern": pattern.replace("^(?=.)", "^"), "minLength": 1}
        if "(?" in same["pattern"]:
            raise ValueError(f"Helm cannot validate the pattern {pattern}")
    return same


def table(found: tuple[Value, ...]) -> str:
    """Each value with its default and its meaning, in Markdown."""
    rows = ["| value | default | meaning |", "| --- | --- | --- |"]
    for one in _leaves(found):
        default = json.dumps(one.default, ensure_ascii=False)
        cells = (f"`{'.'.join(one.path)}`", f"`{default}`", one.meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _leaves(found: tuple[Value, ...]) -> Iterator[Value]:
    for one in found:
        if one.within:
            yield from _leaves(one.within)
        else:
            yield one


def made(chart: str) -> dict[str, str]:
    """The files that are made, by their path, as they should be."""
    with open(os.path.join(chart, "values.yaml"), encoding="utf-8") as file:
        found = values(file.read())
    readme = os.path.join(chart, "README.md")
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(_BEGIN)
    _, after = rest.split(_END)
    return {
        os.path.join(chart, "values.schema.json"): json.dumps(
            schema(found), indent=2, ensure_ascii=False
        )
        + "\n",
        readme: f"{before}{_BEGIN}\n{table(found)}\n{_END}{after}",
    }


def main(arguments: list[str] | None = None) -> int:
    """0: done. 1: with `--check`, a file is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail where outdated")
    parser.add_argument("--chart", default=_CHART, help="the chart's folder")
    options = parser.parse_args(arguments)
    status = 0
    for path, wanted in made(options.chart).items():
        present = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                present = file.read()
        if present == wanted:
            continue
        name = os.path.basename(path)
        if options.check:
            print(
                f"{name} is not up to date; run .venv/bin/python tools/chart/generate.py",
                file=sys.stderr,
            )
            status = 1
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(wanted)
            print(f"wrote {name}")
    return status


if __name__ == "__main__":
    sys.exit(main())
