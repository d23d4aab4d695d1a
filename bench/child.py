"""A measurement in a process of its own, so that none inherits another's memory."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def environment() -> dict[str, str]:
    """Ours, with the checkout and the tests' support to import from.

    Compiled modules are kept, as in any installed program: else the daemon would be compiled
    at every start, and its libraries not.
    """
    own = (ROOT, os.path.join(ROOT, "src"), os.path.join(ROOT, "tests"))
    paths = (*own, os.environ.get("PYTHONPATH", ""))
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def apart(measure: Callable[..., Any], *, python: str = sys.executable, **arguments: object) -> Any:
    """What `measure(**arguments)` returns when it runs in a new process; JSON both ways.

    Where what is measured runs in that process, `python` is the interpreter that is measured.
    """
    name = f"{measure.__module__}:{measure.__qualname__}"
    ended = subprocess.run(
        [python, "-m", "bench.child", name, json.dumps(arguments)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    return json.loads(ended.stdout)


def _main(name: str, arguments: str) -> None:
    module, _, function = name.partition(":")
    print(json.dumps(getattr(importlib.import_module(module), function)(**json.loads(arguments))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
