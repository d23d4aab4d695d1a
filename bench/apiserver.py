"""Whether there is an API server to measure with."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.child import ROOT


def there() -> bool:
    """Whether its programs are built or named by KUBEBUILDER_ASSETS; says where they are not."""
    if os.environ.get("KUBEBUILDER_ASSETS"):
        return True
    command = [os.path.join(ROOT, "tools", "cluster", "build"), "--where"]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return True
    print("no API server: `make cluster-assets` builds one", file=sys.stderr)
    return False
