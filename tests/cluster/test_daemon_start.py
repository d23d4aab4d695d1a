"""How a daemon with Secrets begins, and what it says of its readiness."""

import subprocess
import sys

import pytest

LOADED = """
import sys
from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.cli.sinks import Sinks

source = ConfigSource(MountReader(1 << 20), path=None, text=sys.argv[1])
config = source.load().config
clock = SystemClock()
Sinks(clock, config.kubernetes, {}).prepare(config)
print("kubernetes.client" in sys.modules, "kubernetes.config.kube_config" in sys.modules)
"""

TOKEN = """
tokens:
- name: a
  tokenUrl: https://id.example.com/token
  auth: {clientId: me, clientSecretFile: /secret}
  sinks:
"""


@pytest.mark.parametrize(
    ("sink", "loaded"),
    [("  - file: {path: /tmp/x}", "False False"), ("  - secret: {name: t}", "True True")],
)
def test_client_is_loaded(sink: str, loaded: str) -> None:
    """The Kubernetes client is there before any thread, where there is a Secret; else never.

    Two threads that import it and `requests` at once can break each other's import.
    """
    command = [sys.executable, "-c", LOADED, TOKEN + sink]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == loaded
