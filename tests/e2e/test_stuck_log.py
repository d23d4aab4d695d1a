"""A log that nobody reads."""

import fcntl
import json
import signal
import subprocess
import sys
from pathlib import Path

from support.authorization_server import AuthorizationServer
from support.daemon import entry, settings, until


def test_a_pipe_that_nobody_empties_stops_nothing(
    server: AuthorizationServer, tmp_path: Path
) -> None:
    """Tokens are fetched and published on, and SIGTERM still ends the daemon with status 0."""
    server.lifetime = 1
    token = entry(server.token_url, tmp_path, refresh={"minLead": "0s"})
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps(settings(token)))
    process = subprocess.Popen(
        [sys.executable, "-m", "secret_refresher", "run", "--config", str(config)],
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        until(lambda: len(server.tokens) > 8, "eight tokens", patience=60)
        until(lambda: (tmp_path / "partner-api").read_text() in server.tokens[8:], "a later one")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()
