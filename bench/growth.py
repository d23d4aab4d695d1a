"""Memory from few tokens to many, of the real daemon before a real server."""

from __future__ import annotations

from bench import usage
from bench.child import apart
from bench.contest import DAEMON, course
from bench.report import Row, median
from bench.scale import Scale

BAR = 8.0
LIVELY = 1000
"""Tokens from which a life of two seconds asks for more than a machine can refresh."""
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
    rounds = [
        {size: apart(held, size=size, life=_life(size)) for size in sizes}
        for _ in range(scale.of(tiny=1, usual=5))
    ]
    few, many = 10, sizes[-1]
    between = {
        kind: [_between(found[few], found[many], kind, many - few) for found in rounds]
        for kind in ("resident", "peak")
    }
    return [
        *(
            Row(
                bench="growth",
                what=f"{kind} memory a token, {few} to {many:,}, beside the token",
                figure=median(runs),
                unit="KiB",
                bar=BAR,
                runs=tuple(runs),
            )
            for kind, runs in between.items()
        ),
        *(
            Row(
                bench="growth",
                what=f"{says} with {size:,} tokens",
                figure=median([found[size][kind] * factor for found in rounds]),
                unit=unit,
                runs=tuple(found[size][kind] * factor for found in rounds),
                labels={"column": says, "tokens": str(size)},
            )
            for kind, says, unit, factor in CURVES
            for size in sizes
        ),
    ]


def _life(size: int) -> float:
    """As short as the machine can refresh so many."""
    return 2.0 if size < LIVELY else 20.0 if size == LIVELY else 60.0


def _between(less: dict[str, float], more: dict[str, float], kind: str, tokens: int) -> float:
    """KiB for each token more, beside the token itself."""
    return usage.MIB * (more[kind] - less[kind]) / tokens - more["token"]
