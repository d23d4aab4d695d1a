"""Who owns what in a Secret after a person has edited another key of it.

.venv/bin/python tools/show/ownership.py
"""
# ruff: noqa: E402 - as a script it has to find the tests' folder first

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "tests")]

from support.cluster_daemon import employ, to_secrets
from support.daemon import settings
from tools.show.stage import Stage, stage

OTHER = '{"data": {"colour": "Ymx1ZQ=="}, "metadata": {"labels": {"team": "blue"}}}'


def ownership(show: Stage) -> str:
    """What kubectl shows, the token itself and what differs from run to run left out."""
    namespace = show.account.namespace
    token = to_secrets(show.server.token_url, show.folder, {"name": "partner-api-token"})
    daemon = employ(
        show.cluster, show.account, show.folder, settings(token), owner="tokens/secret-refresher"
    )
    with daemon:
        daemon.wait("token published")
        # What `kubectl edit` sends is a patch by the manager kubectl-edit.
        show.cluster.kubectl(
            *("patch", "secret", "partner-api-token", "-n", namespace, "--type=merge"),
            *("--field-manager=kubectl-edit", "-p", OTHER),
        )
        daemon.stop()
    shown = show.cluster.kubectl(
        *("get", "secret", "partner-api-token", "-n", namespace),
        *("-o", "yaml", "--show-managed-fields"),
    )
    shown = re.sub(r"^  token: .*$", "  token: (base64 of the token)", shown, flags=re.MULTILINE)
    shown = re.sub(r"sha256:[0-9a-f]{64}", "sha256:(64 digits)", shown)
    shown = re.sub(r"(/fingerprint: )[^{\n]*$", r"\1(digests)", shown, flags=re.MULTILINE)
    return shown.replace(namespace, "default")


def main() -> int:
    """Prints it."""
    with stage(3600.0) as show:
        print(ownership(show), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
