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
    "start": 1.2,
    "memory": 5.0,
    "cost": 4.0,
    "growth": 8.5,
    "scrape": 0.5,
    "lateness": 3.2,
    "idle": 1.8,
    "lives": 0.5,
    "trust": 1.2,
    "restart": 0.1,
    "rotation": 0.3,
    "recovery": 1.2,
    "fill": 5.5,
    "peers": 14.0,
}
"""About what each takes at the usual scale on two quiet cores."""


def run(name: str, scale: str) -> list[dict[str, object]]:
    """The rows of one benchmark, as mappings; each is a module with `measure`."""
    module = importlib.import_module(f"bench.{name}")
    return [row.mapping() for row in module.measure(Scale(scale))]
