"""Whether there is an API server to measure with."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.child import ROOT

_VARIABLE = "KUBEBUILDER_ASSETS"


def find() -> None:
    """Names the programs that are built, where none are named; says where there are none."""
    if os.environ.get(_VARIABLE):
        return
    command = [os.path.join(ROOT, "tools", "cluster", "build"), "--where"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode == 0:
        os.environ[_VARIABLE] = asked.stdout.strip()
    else:
        print("no API server: `make cluster-assets` builds one", file=sys.stderr)


def there() -> bool:
    """Whether `find` has found, or somebody has named, an API server's programs."""
    return bool(os.environ.get(_VARIABLE))
