"""Peak memory of a sidecar with one file sink after ten refreshes, by how it proves who asks.

.venv/bin/python tools/show/signing.py [--python PATH] [--rounds 3]

`--python` is another interpreter that has requirements/runtime.txt. The server grants whatever is
asked for: what is measured is the sidecar.
"""
# ruff: noqa: E402 - as a script it has to find the tests' folder first

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.authorization_answers import answer
from support.authorization_server import AuthorizationServer
from support.client_keys import Keyring
from support.daemon import Daemon, credentials, entry, settings, until
from tools.show.memory import MIB, REFRESHES, peak
from tools.show.stage import figures

LIFE = 2.0


def ways(folder: Path) -> dict[str, dict[str, Any]]:
    """Each way to prove who asks, with its files."""
    secret, keys = credentials(folder), Keyring(folder)
    (folder / "assertion").write_text(keys.assertion({"sub": "me"}))
    signed = {"method": "private_key_jwt", "clientId": "me"}
    return {
        "client_secret_basic": {"method": "client_secret_basic", **secret},
        "client_assertion": {
            "method": "client_assertion",
            "assertionFile": str(folder / "assertion"),
        },
        **{
            f"private_key_jwt, {algorithm}": {
                **signed,
                "privateKeyFile": str(keys.key(algorithm).file),
            }
            for algorithm in ("ES256", "RS256")
        },
    }


def measured(auth: dict[str, Any], folder: Path, python: str) -> int:
    """A sidecar's peak, in KiB."""
    with AuthorizationServer() as server:
        server.always = answer({"access_token": "x" * 100, "expires_in": LIFE})
        token = entry(server.token_url, folder, adopt=False) | {"auth": auth}
        direct = {name: "" for name in os.environ if name.lower().endswith("_proxy")}
        with Daemon(folder, settings(token), python=python, environment=direct) as running:
            until(lambda: len(server.requests) > REFRESHES, "the last refresh", 120)
            running.metrics()  # whoever runs it looks at it
            return peak(running.pid)


def main() -> int:
    """Runs it and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    version = subprocess.run(
        [options.python, "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    found: dict[str, object] = {"interpreter": version, "refreshes": REFRESHES}
    with tempfile.TemporaryDirectory(prefix="secret-refresher-show-") as name:
        for way, auth in ways(Path(name)).items():
            rounds = [measured(auth, Path(name), options.python) for _ in range(options.rounds)]
            found[f"{way}, MiB"] = statistics.median(rounds) / MIB
    figures("Peak memory by auth.method", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
