"""A family of metrics as text, for both formats that Prometheus asks for.

`prometheus_client` encodes sample objects: 1.4 s and 34 MiB for 10,000 tokens, against 0.25 s
and 12 MiB for lines that are written straight away. What we name and label is legal in both
formats (Prometheus text format 0.0.4, OpenMetrics 1.0), so they differ in one place only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

_LINES = 1000
"""In one piece."""


class Kind(StrEnum):
    """The types of metrics that we have."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


Row = tuple[str, float | None]
"""What follows the family's name (a suffix, labels), and the value; None for no such series."""


class Family(NamedTuple):
    """One metric with all of its series; `name` without a counter's `_total`."""

    name: str
    kind: Kind
    text: str
    rows: Iterable[Row]


def encode(family: Family, *, openmetrics: bool) -> Iterator[bytes]:
    """The family's lines in pieces, its head first; without a series it has a head alone."""
    name, kind, text, rows = family
    # The older format types the series that a counter has, the newer one the family.
    typed = name + "_total" if kind is Kind.COUNTER and not openmetrics else name
    yield f"# HELP {typed} {text}\n# TYPE {typed} {kind}\n".encode()
    lines = (f"{name}{series} {value}\n" for series, value in rows if value is not None)
    while piece := "".join(islice(lines, _LINES)):
        yield piece.encode()


def labels(**values: str) -> str:
    """Labels with their values escaped, in the order given."""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in values.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
