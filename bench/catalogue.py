"""Which benchmarks there are, in the order in which they run."""

from __future__ import annotations

import importlib

from bench.scale import Scale

NAMES = (
    "start",
    "memory",
    "cost",
    "growth",
    "scrape",
    "lateness",
    "idle",
    "lives",
    "trust",
    "restart",
    "rotation",
    "recovery",
    "fill",
    "peers",
)
MINUTES = {
    "start": 1.5,
    "memory": 6.0,
    "cost": 7.0,
    "growth": 4.0,
    "scrape": 0.5,
    "lateness": 3.5,
    "idle": 3.0,
    "lives": 0.5,
    "trust": 1.2,
    "restart": 0.2,
    "rotation": 0.3,
    "recovery": 1.5,
    "fill": 8.0,
    "peers": 14.0,
}
"""About what each takes at the usual scale on two quiet cores."""


def run(name: str, scale: str) -> list[dict[str, object]]:
    """The rows of one benchmark, as mappings; each is a module with `measure`."""
    module = importlib.import_module(f"bench.{name}")
    return [row.mapping() for row in module.measure(Scale(scale))]
