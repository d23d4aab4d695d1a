"""What is not even loaded, or held open."""

import os
import re
from pathlib import Path

from support.authorization_server import AuthorizationServer
from support.daemon import Start, entry, settings, until
from support.elsewhere import needs_root


def test_kubernetes_is_not_loaded_for_files(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """A sidecar with file sinks pays for no client that it does not use, nor for templates."""
    daemon = start(
        settings(entry(server.token_url, tmp_path)), environment={"PYTHONPROFILEIMPORTTIME": "1"}
    )
    daemon.wait("token published")
    until(lambda: daemon.get("/freshz")[0] == 200, "fresh")
    daemon.stop()
    loaded = set(re.findall(r"^import time:.*\| +(\S+)$", daemon.text(), re.MULTILINE))
    assert {"secret_refresher.cli.run", "requests", "structlog"} <= loaded
    assert {module.partition(".")[0] for module in loaded} & {"kubernetes", "jinja2"} == set()


def test_secrets_do_not_stay_open(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """No descriptor of a credential file or of the token's is held."""
    needs_root()  # nobody else can look
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    folder = f"/proc/{daemon.pid}/fd"
    held = {os.path.basename(os.readlink(f"{folder}/{fd}")) for fd in os.listdir(folder)}
    assert held & {"client_id", "client_secret", "partner-api"} == set()
    assert ".partner-api.meta.json" in held
