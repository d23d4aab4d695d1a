"""The Python that is measured: what an installation has, and nothing that a developer adds.

The bars of the design are for CPython 3.13. Where this machine has none, the Python that runs the
benchmarks is measured, and the report says so.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.child import ROOT

WANTED = (3, 13)
VARIABLE = "BENCH_PYTHON"
"""Names the chosen one to the processes of a run."""
_TELL = "import ensurepip, sys, venv; print(*sys.version_info[:2])"


def candidates() -> Iterable[str]:
    """Where a Python 3.13 may be: on the PATH, and where pyenv puts it."""
    name = "python{}.{}".format(*WANTED)
    on_path = shutil.which(name)
    if on_path:
        yield on_path
    yield from sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/3.13*/bin/{name}")))


def wanted(paths: Iterable[str]) -> str | None:
    """The first that runs, is the wanted one, and can make environments."""
    for path in paths:
        try:
            asked = subprocess.run([path, "-c", _TELL], capture_output=True, text=True, check=False)
        except OSError:
            continue
        if asked.returncode == 0 and asked.stdout.split() == [str(part) for part in WANTED]:
            return path
    return None


def prepared() -> str:
    """An interpreter with exactly requirements/runtime.txt, in build/; made where it is not.

    It is made anew when the requirements or the Python behind it change.
    """
    base = wanted(candidates()) or sys.executable
    requirements = Path(ROOT, "requirements", "runtime.txt")
    digest = hashlib.sha256(requirements.read_bytes() + os.path.realpath(base).encode())
    folder = Path(ROOT, "build", "bench", digest.hexdigest()[:16])
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        print(f"installing what an installation has into {folder} ...", file=sys.stderr, flush=True)
        subprocess.run([base, "-m", "venv", "--clear", str(folder)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*command, "--requirement", str(requirements)], check=True)
        done.touch()
    return str(python)


def measured() -> str:
    """The interpreter of what is measured; ours where none was chosen."""
    return os.environ.get(VARIABLE, sys.executable)
