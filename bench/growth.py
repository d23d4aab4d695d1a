"""Memory from few tokens to many, of the real daemon before a real server."""

from __future__ import annotations

from bench import usage
from bench.child import apart
from bench.contest import DAEMON, course
from bench.report import Row
from bench.scale import Scale

BAR = 8.0
LIVELY = 1000
"""Tokens from which a life of two seconds is more than the machine can refresh."""
CURVES = (
    ("resident", "resident memory", "MiB", 1.0),
    ("peak", "peak memory", "MiB", 1.0),
    ("proportional", "proportional memory", "MiB", 1.0),
    ("cpu", "CPU a refresh", "ms", 1000.0),
)
_PATIENCE = 400.0


def held(size: int, life: float) -> dict[str, float]:
    """MiB that the daemon with that many tokens holds, and has held at most, and CPU a refresh.

    Every token has been fetched, published and refreshed once, and metrics were scraped twice.
    """
    with course(lifetime=life) as on:
        defaults = {key: value for key, value in on.entry("{name}").items() if key != "name"}
        names = [{"name": f"token-{number:05d}"} for number in range(size)]
        on.configure(names, defaults=defaults, log={"level": "warning"})
        with on.running(DAEMON) as process:
            on.until(process, lambda: len(on.server.tokens) >= size, _PATIENCE)
            filled, before = len(on.server.tokens), usage.cpu(process.pid)
            on.until(process, lambda: len(on.server.tokens) >= filled + size, _PATIENCE)
            used, refreshes = usage.cpu(process.pid) - before, len(on.server.tokens) - filled
            on.scrape()
            on.scrape()
            return {
                **usage.memory(process.pid),
                "token": len(on.server.tokens[-1]) / 1024,
                "cpu": used / refreshes,
            }


def measure(scale: Scale) -> list[Row]:
    """Daemons of ever more tokens, and what lies between two of them."""
    sizes = scale.of(tiny=[1, 10, 40], usual=[1, 10, 100, 1000, 10_000])
    few, many = 10, sizes[-1]
    life = {size: 2.0 if size < LIVELY else 60.0 for size in sizes}
    found = {size: apart(held, size=size, life=life[size]) for size in sizes}
    between = {
        kind: usage.MIB * (found[many][kind] - found[few][kind]) / (many - few)
        - found[many]["token"]
        for kind in ("resident", "peak")
    }
    return [
        *(
            Row(
                bench="growth",
                what=f"{kind} memory a token, {few} to {many:,}, beside the token",
                figure=figure,
                unit="KiB",
                bar=BAR,
            )
            for kind, figure in between.items()
        ),
        *(
            Row(
                bench="growth",
                what=f"{says} with {size:,} tokens",
                figure=found[size][kind] * factor,
                unit=unit,
                labels={"column": says, "tokens": str(size)},
            )
            for kind, says, unit, factor in CURVES
            for size in sizes
        ),
    ]
