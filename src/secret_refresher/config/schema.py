"""The configuration's JSON Schema, from the very grammar that reads it."""

from __future__ import annotations

from typing import Any

from secret_refresher.config.grammar import CONFIG
from secret_refresher.config.sections import nullable


def json_schema() -> dict[str, Any]:
    """Draft 2020-12, for one file of perhaps many, so that no key of the top is required.

    What holds between keys is beyond it; `check` tells that.
    """
    whole = CONFIG.schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of secret-refresher",
        "description": "Which OAuth 2.0 access tokens to keep fresh, and where.",
        "type": whole["type"],
        "additionalProperties": whole["additionalProperties"],
        "properties": whole["properties"] | {"tokens": nullable(whole["properties"]["tokens"])},
    }
