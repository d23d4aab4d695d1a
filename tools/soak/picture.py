"""The picture of a soak: memory, descriptors and threads over refreshes, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT, _LEFT, _GAP = 640, 110, 60, 36
_STYLE = (
    "svg{background:#fff}text{font:12px sans-serif;fill:#333}.a{stroke:#ccc}"
    ".l{fill:none;stroke:#0b62a4;stroke-width:1.5}"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds since the begin, refreshes so far, memory in MiB, and what is open."""

    seconds: float
    refreshes: int
    memory: float
    descriptors: int
    threads: int


def draw(samples: Sequence[Sample]) -> str:
    """Three curves, each from zero, one below the other."""
    curves = (
        ("resident memory, MiB", [one.memory for one in samples]),
        ("descriptors", [float(one.descriptors) for one in samples]),
        ("threads", [float(one.threads) for one in samples]),
    )
    last = samples[-1].refreshes
    parts = []
    for index, (title, values) in enumerate(curves):
        top, bottom = index * (_HEIGHT + _GAP) + 24, index * (_HEIGHT + _GAP) + 24 + _HEIGHT
        most = max(values) * 1.2
        points = " ".join(
            f"{_LEFT + _WIDTH * one.refreshes / last:.1f},{bottom - _HEIGHT * value / most:.1f}"
            for one, value in zip(samples, values, strict=True)
        )
        parts.append(
            f'<text x="{_LEFT}" y="{top - 8}">{title}: at most {max(values):g}</text>'
            f'<path class="a" d="M{_LEFT} {top}V{bottom}H{_LEFT + _WIDTH}" fill="none"/>'
            f'<text x="{_LEFT - 6}" y="{top + 10}" text-anchor="end">{most:.0f}</text>'
            f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>'
            f'<polyline class="l" points="{points}"/>'
        )
    height = len(curves) * (_HEIGHT + _GAP) + 24
    parts.append(
        f'<text x="{_LEFT + _WIDTH}" y="{height - 8}" text-anchor="end">{last:,} refreshes</text>'
    )
    size = f'width="{_LEFT + _WIDTH + 20}" height="{height}"'
    title = f"<title>Memory, descriptors and threads over {last:,} refreshes</title>"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{title}'
    return f"{svg}<style>{_STYLE}</style>{''.join(parts)}</svg>\n"
