"""The configuration's JSON Schema, from the very grammar that reads it."""

from __future__ import annotations

from typing import Any

from secret_refresher.config.grammar import CONFIG


def json_schema() -> dict[str, Any]:
    """Draft 2020-12. What holds between keys is beyond it; `check` tells that."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "secret-refresher",
        **_nullable(CONFIG.schema()),
    }


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Below the top, null removes a default, so it may stand for any optional value."""
    properties = dict(schema["properties"])
    tokens = dict(properties["tokens"])
    tokens["items"] = _optional(tokens["items"])
    properties["tokens"] = tokens
    properties["defaults"] = _optional(properties["defaults"])
    # In a folder of files each has its own part, so no key is required of one file.
    return {key: value for key, value in schema.items() if key != "required"} | {
        "properties": properties
    }


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    if "properties" not in schema:
        return schema
    required = schema.get("required", [])
    return {
        **schema,
        "properties": {
            name: _optional(value)
            if name in required
            else {"anyOf": [_optional(value), {"type": "null"}]}
            for name, value in schema["properties"].items()
        },
    }
