"""What of a figure is the interpreter's, the libraries', the floor's, and what is ours."""

from __future__ import annotations

import subprocess
import time

from bench import usage
from bench.child import environment
from bench.interpreter import measured
from bench.report import Row

_ALWAYS = ("prometheus_client", "requests", "structlog", "tenacity", "yaml")
_CLUSTER = ("kubernetes.client", "kubernetes.config.kube_config")
LIBRARIES: dict[str, tuple[str, ...]] = {
    "file": _ALWAYS,
    "Secret": (*_ALWAYS, *_CLUSTER),
    "signing": (*_ALWAYS, "jwt", "cryptography.hazmat.primitives.asymmetric.ec"),
    "template": (*_ALWAYS, "jinja2.sandbox"),
}
"""What a floor imports, by what it does."""
SHARE = "share of Python and libraries"


def imported(modules: tuple[str, ...]) -> tuple[float, dict[str, float]]:
    """Seconds until an interpreter has imported these, and its memory in MiB then."""
    program = f"import {', '.join(('sys', *modules))}\nprint(flush=True)\nsys.stdin.read()"
    begin = time.monotonic()
    with subprocess.Popen(
        [measured(), "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    ) as process:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError(f"{process.args!r} has ended")
        passed, memory = time.monotonic() - begin, usage.memory(process.pid)
        process.communicate()
        return passed, memory


def layers(
    bench: str, kind: str, unit: str, *, bare: float, libraries: float, floor: float, figure: float
) -> list[Row]:
    """One figure taken apart: a row for each layer, and one for the share that is not ours."""
    parts = {
        "interpreter": bare,
        "libraries": libraries - bare,
        "the floor's work": floor - libraries,
        "ours": figure - floor,
    }
    named = {part: (value, unit) for part, value in parts.items()}
    named[SHARE] = (100 * libraries / figure, "%")
    return [
        Row(
            bench=bench,
            what=f"{kind}: {part}",
            figure=value,
            unit=its,
            labels={"kind": kind, "part": part},
        )
        for part, (value, its) in named.items()
    ]
