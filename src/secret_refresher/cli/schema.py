"""`secret-refresher schema`: the configuration's JSON Schema, for editors and CI."""

from __future__ import annotations

import json
from typing import TextIO

from secret_refresher.config.schema import json_schema


def schema(out: TextIO) -> int:
    """Prints it. Returns the exit status."""
    print(json.dumps(json_schema(), indent=2), file=out)
    return 0
