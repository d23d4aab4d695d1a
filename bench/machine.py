"""On what it was measured, in general terms."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping

from bench.child import ROOT
from bench.interpreter import WANTED, measured

LIBRARIES = ("kubernetes", "prometheus-client", "requests", "structlog", "tenacity", "urllib3")
_TELL = """\
import json, platform, sys
from importlib.metadata import version
python = f"{platform.python_implementation()} {platform.python_version()}"
print(json.dumps([python, [f"{name} {version(name)}" for name in sys.argv[1:]]]))
"""


def describe() -> Mapping[str, str]:
    """Processors, memory and system; the Python that is measured; libraries; how busy it is."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    asked = [measured(), "-c", _TELL, *LIBRARIES]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    python, libraries = json.loads(told)
    version = ".".join(map(str, WANTED))
    if f" {version}." not in python:
        python += f" (there is no {version} here, for which the bars are meant)"
    return {
        "machine": (
            f"{len(os.sched_getaffinity(0))} {platform.machine()} cores, {pages / 2**30:.0f} GiB,"
            f" {platform.system()} {'.'.join(platform.release().split('.')[:2])}"
        ),
        "python": python,
        "libraries": ", ".join(libraries),
        "load": f"{os.getloadavg()[0]:.1f}",
        "commit": _commit(),
    }


def _commit() -> str:
    """What is measured, as Git knows it; marked where the checkout differs from that."""
    described = _git("describe", "--always", "--abbrev=10", "--exclude=*")
    if not described:
        return "unknown"
    changed = _git("status", "--porcelain", "--", "src", "requirements")
    return f"{described} with changes" if changed else described


def _git(*arguments: str) -> str:
    try:
        asked = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return asked.stdout.strip()
