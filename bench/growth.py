"""Memory from few tokens to many."""

from __future__ import annotations

from bench import usage
from bench.child import apart
from bench.fleet import TOKEN_BYTES, Fleet
from bench.report import Row
from bench.scale import Scale

BAR = 8.0
_ACCEPT = "application/openmetrics-text;version=1.0.0"


def resident(size: int, life: float) -> dict[str, float]:
    """KiB that a process with that many tokens holds, and has held at most.

    Every token has been fetched, published and refreshed once, and metrics were scraped.
    """
    with Fleet(size, life=life, latency=(0.0, 0.005)) as fleet:
        fleet.start()
        fleet.wait_until_full()
        fleet.wait_for_requests(2 * size)
        fleet.metrics.exposition(_ACCEPT)
        return {"now": usage.status("self", "VmRSS"), "peak": usage.status("self", "VmHWM")}


def measure(scale: Scale) -> list[Row]:
    """Two processes, and what lies between them."""
    few, many = 10, scale.of(tiny=60, usual=10_000)
    life = scale.of(tiny=4.0, usual=24.0)
    small, large = (apart(resident, size=size, life=life) for size in (few, many))
    beside = TOKEN_BYTES / 1024
    return [
        Row(
            bench="growth",
            what=f"{what} memory a token, {few} to {many:,}, beside the token",
            figure=(large[key] - small[key]) / (many - few) - beside,
            unit="KiB",
            bar=BAR,
        )
        for key, what in (("now", "resident"), ("peak", "peak"))
    ]
