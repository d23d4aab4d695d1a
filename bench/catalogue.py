"""Which benchmarks there are, in the order in which they run."""

from __future__ import annotations

import importlib

from bench.scale import Scale

NAMES = (
    "start",
    "memory",
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


def run(name: str, scale: str) -> list[dict[str, object]]:
    """The rows of one benchmark, as mappings; each is a module with `measure`."""
    module = importlib.import_module(f"bench.{name}")
    return [row.mapping() for row in module.measure(Scale(scale))]
