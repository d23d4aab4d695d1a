"""What happens to the API server, with a daemon that has a ServiceAccount and its rights only."""

from __future__ import annotations

import time

from support.cluster import Cluster, Object
from support.cluster_assets import assets
from support.cluster_daemon import employ, held, permit, to_secrets
from support.daemon import settings, until
from support.secret_consumer import SecretConsumer
from tools.faults.stage import LIFE, Stage, expect, pause

_LIFE = 5 * LIFE
"""Seconds: an API server that starts on a busy machine takes a while."""
_A_LIFE = 2.6
"""Token requests at most for each life of less than ten minutes."""


def restarted(stage: Stage) -> str:
    """Killed and started again, in the middle of tokens' lives."""
    rounds = 2 if stage.full else 1
    cluster = Cluster(assets())
    cluster.start()
    try:
        account = cluster.service_account(cluster.namespace())
        stage.server.lifetime = _LIFE
        token = to_secrets(stage.server.token_url, stage.folder, {"name": "t"})
        daemon = employ(cluster, account, stage.folder, settings(token))
        namespace = account.namespace
        with daemon:
            daemon.wait("token published")
            begun = time.monotonic()
            with SecretConsumer(cluster.admin, namespace, "t") as consumer:
                for _ in range(rounds):
                    seen = len(consumer.tokens)
                    with cluster.away():
                        pause(0.5)
                    until(lambda seen=seen: len(consumer.tokens) > seen, "a new token", 60)  # type: ignore[misc]
            asked, lives = len(stage.server.tokens), (time.monotonic() - begun) / _LIFE
            expect(daemon.stop() == 0, "it did not end well")
    finally:
        cluster.stop()
    expect(not consumer.faults, f"the consumer read {consumer.faults}")
    expect(asked <= 1 + _A_LIFE * lives, f"{asked} token requests in {lives:.1f} lives")
    told = f"{asked} token requests in {lives:.1f} lives"
    return f"{rounds} restarts; {consumer.reads} reads, none bad; {told}"


def wiped(stage: Stage) -> str:
    """Everything in etcd is lost; namespace, account, rights come back, the Secret by us."""
    cluster = Cluster(assets())
    cluster.start()
    try:
        account = cluster.service_account(cluster.namespace())
        namespace = account.namespace
        token = to_secrets(stage.server.token_url, stage.folder, {"name": "t"})
        daemon = employ(cluster, account, stage.folder, settings(token))
        with daemon:
            daemon.wait("token published")
            before = held(cluster, namespace, "t")
            cluster.wipe()
            metadata: Object = {"name": namespace}
            cluster.admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
            again = cluster.service_account(namespace)
            permit(cluster, again, daemon)
            again.kubeconfig(str(stage.folder / "kubeconfig"))
            begun = time.monotonic()
            until(lambda: held(cluster, namespace, "t") == before, "the Secret", 90)
            took = time.monotonic() - begun
            expect(daemon.stop() == 0, "it did not end well")
    finally:
        cluster.stop()
    asked = len(stage.server.tokens)
    expect(asked == 1, f"{asked} token requests")
    return f"the Secret is there again {took:.1f} s after its rights, from memory; no token request"
