"""Memory from few tokens to many, of the real daemon before a real server."""

from __future__ import annotations

from bench import usage
from bench.child import apart
from bench.contest import DAEMON, course
from bench.report import Row
from bench.scale import Scale

BAR = 8.0
_PATIENCE = 400.0


def held(size: int, life: float) -> dict[str, float]:
    """KiB that the daemon with that many tokens holds, and has held at most.

    Every token has been fetched, published and refreshed once, and metrics were scraped twice.
    """
    with course(lifetime=life) as on:
        on.configure([f"token-{number:05d}" for number in range(size)])
        with on.running(DAEMON) as process:
            on.until(process, lambda: len(on.server.tokens) >= 2 * size, _PATIENCE)
            on.scrape()
            on.scrape()
            return {
                "resident": usage.status(process.pid, "VmRSS"),
                "peak": usage.status(process.pid, "VmHWM"),
                "token": len(on.server.tokens[-1]) / 1024,
            }


def measure(scale: Scale) -> list[Row]:
    """Two daemons, and what lies between them."""
    few, many = 10, scale.of(tiny=40, usual=10_000)
    small = apart(held, size=few, life=2.0)
    large = apart(held, size=many, life=scale.of(tiny=2.0, usual=60.0))
    return [
        Row(
            bench="growth",
            what=f"{kind} memory a token, {few} to {many:,}, beside the token",
            figure=(large[kind] - small[kind]) / (many - few) - large["token"],
            unit="KiB",
            bar=BAR,
        )
        for kind in ("resident", "peak")
    ]
