"""`secret-refresher status --from cluster`: what Secrets say of themselves, and to whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from support.cluster import Cluster
from support.cluster_daemon import employ, held, to_secrets
from support.daemon import settings, until
from tools.show.stage import Stage

Ran = subprocess.CompletedProcess[str]


def status(kubeconfig: str, *arguments: str) -> Ran:
    """The command, with that way to the API server."""
    return subprocess.run(
        [sys.executable, "-m", "secret_refresher", "status", "--from", "cluster", *arguments],
        env={"PATH": os.environ["PATH"], "KUBECONFIG": kubeconfig},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def published(stand: Stage) -> list[str]:
    """The access tokens that a daemon left in Secrets of two tokens; it has ended since."""
    namespace = stand.account.namespace
    one = to_secrets(stand.server.token_url, stand.folder, {"name": "a"}, name="token-a")
    other = to_secrets(stand.server.token_url, stand.folder, {"name": "b"}, name="token-b")
    daemon = employ(stand.cluster, stand.account, stand.folder, settings(one, other))
    with daemon:
        daemon.wait("token published", times=2)
        daemon.stop()
    return [token for name in "ab" if (token := held(stand.cluster, namespace, name))]


def test_who_may_list_sees_all_of_them(stand: Stage) -> None:
    """The life of each by its annotations, with status 0; no content is shown."""
    tokens = published(stand)
    namespace = stand.account.namespace
    ran = status(stand.cluster.admin_kubeconfig, "--namespace", namespace, "--output", "json")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert {each["name"]: each["state"] for each in found["tokens"]} == {
        "token-a": "fresh",
        "token-b": "fresh",
    }
    targets = {each["name"]: each["sinks"][0]["target"] for each in found["tokens"]}
    assert targets == {"token-a": f"{namespace}/a", "token-b": f"{namespace}/b"}
    assert len(tokens) == 2
    assert not any(token in ran.stdout for token in tokens)
    everywhere = status(stand.cluster.admin_kubeconfig)
    assert "token-a" in everywhere.stdout


def test_the_daemons_own_rights_are_enough(stand: Stage) -> None:
    """Who may only get the Secrets by name needs the configuration, and hears so without it."""
    published(stand)
    kubeconfig = str(stand.folder / "kubeconfig")
    refused = status(kubeconfig)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "cannot list /api/v1/secrets" in refused.stderr
    assert "name the daemon's configuration by --config" in refused.stderr
    ran = status(kubeconfig, "--config", str(stand.folder / "config.yaml"))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("All 2 tokens are live in every sink.\n")


def test_a_dead_token_is_told(stand: Stage) -> None:
    """By the API server's clock, whatever became of its daemon: status 1, the worst first."""
    stand.server.lifetime = 4
    published(stand)
    kubeconfig = stand.cluster.admin_kubeconfig

    def dead() -> list[Ran]:
        ran = status(kubeconfig, "--namespace", stand.account.namespace)
        return [ran] if "2 of 2 tokens are not live" in ran.stdout else []

    (ran,) = until(dead, "both tokens' end")
    assert ran.returncode == 1
    assert ran.stdout.count("expired  token-") == 2


def test_an_api_server_that_is_away_is_told(stand: Stage, cluster: Cluster) -> None:
    """Status 1, and where to look."""
    published(stand)
    with cluster.away():
        ran = status(cluster.admin_kubeconfig)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "the API server cannot be reached" in ran.stderr
