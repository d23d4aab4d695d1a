"""A tenant who may write the Secret in his namespace, and lies about what it holds."""

import base64
import time

from secret_refresher.adapters.kubernetes.secret_form import rendering_of
from secret_refresher.tokens.moments import rfc3339
from support.cluster import Object
from support.cluster_daemon import employ, found, held, to_secrets
from support.daemon import Daemon, settings, until
from support.secret_consumer import SecretConsumer
from tools.show.stage import Stage

PREFIX = "secret-refresher.io/"
HIS = "t0-4070908800000-aTokenThatTheTenantMadeHimself00"
"""In the form of the server's tokens; it says that it dies in 2099."""
IN_2099 = 4070908800.0
NINE_YEARS = 9 * 365 * 86400.0
"""A life that is just believed."""


def to_both(stand: Stage) -> tuple[Daemon, str, str]:
    """A daemon that fills one Secret in two namespaces, the tenant's first."""
    tenant, neighbour = stand.cluster.namespace(), stand.cluster.namespace()
    sink = {"name": "t", "namespaces": [tenant, neighbour]}
    configured = settings(to_secrets(stand.server.token_url, stand.folder, sink))
    daemon = employ(stand.cluster, stand.account, stand.folder, configured)
    return daemon, tenant, neighbour


def forge(stand: Stage, tenant: str, **instants: float) -> None:
    """Puts the tenant's token into his Secret, with annotations that say it is ours.

    Hash and fingerprint are right; it was issued now and lives for years, unless `instants`
    (issued, refresh, expires) say else. All that he needs is what he can read there.
    """
    now = time.time()
    dies = now + NINE_YEARS
    told = {"issued": now, "refresh": dies, "expires": dies, **instants}
    patch: Object = {
        "metadata": {
            "annotations": {
                PREFIX + "rendering": rendering_of({"token": HIS.encode()}),
                **{f"{PREFIX}{what}-at": rfc3339(at) for what, at in told.items()},
            }
        },
        "data": {"token": base64.b64encode(HIS.encode()).decode()},
    }
    stand.cluster.admin.patch("secrets", "t", patch, tenant, manager="tenant")


def test_forged(stand: Stage) -> None:
    """A forged token stays in the namespace of its forger, and goes with the next refresh."""
    stand.server.lifetime = 12
    daemon, tenant, neighbour = to_both(stand)
    with daemon:
        daemon.wait("token published", 2)
        consumer = SecretConsumer(
            stand.cluster.admin, neighbour, "t", known=lambda text: text in stand.server.tokens
        )
        with consumer:
            forge(stand, tenant)
            assert held(stand.cluster, tenant, "t") == HIS
            until(lambda: held(stand.cluster, tenant, "t") != HIS, "healing")
            assert held(stand.cluster, tenant, "t") == held(stand.cluster, neighbour, "t")
            assert len(stand.server.requests) == 2
        assert consumer.reads
        assert consumer.faults == {}


def test_forged_while_away(stand: Stage) -> None:
    """A token forged while the daemon was away is not taken to others when it starts."""
    stand.server.lifetime = 20
    daemon, tenant, neighbour = to_both(stand)
    with daemon:
        daemon.wait("token published", 2)
        before = found(stand.cluster, neighbour, "t")
        assert daemon.stop() == 0
        forge(stand, tenant)
        consumer = SecretConsumer(
            stand.cluster.admin, neighbour, "t", known=lambda text: text in stand.server.tokens
        )
        with consumer:
            daemon.start()
            daemon.wait("live token adopted", 2)
            assert found(stand.cluster, neighbour, "t") == before
            assert len(stand.server.requests) == 1
            # The neighbour's refresh point is the earlier one, and counts for both.
            until(lambda: held(stand.cluster, tenant, "t") != HIS, "healing")
            assert len(stand.server.requests) == 2
        assert consumer.faults == {}
        daemon.wait("token published", 2)
        assert held(stand.cluster, tenant, "t") == stand.server.tokens[1]
        assert held(stand.cluster, neighbour, "t") == stand.server.tokens[1]


def test_neighbour_lost_meanwhile(stand: Stage) -> None:
    """Where a namespace lost its Secret it gets a token of the server's, never the forged one."""
    daemon, tenant, neighbour = to_both(stand)
    with daemon:
        daemon.wait("token published", 2)
        assert daemon.stop() == 0
        forge(stand, tenant)
        stand.cluster.admin.delete("secrets", "t", neighbour)
        daemon.start()
        daemon.wait("token published", sink="secret", target=f"{neighbour}/t")
        assert held(stand.cluster, neighbour, "t") == stand.server.tokens[1]
        until(lambda: held(stand.cluster, tenant, "t") == stand.server.tokens[1], "healing")
    assert len(stand.server.requests) == 2


def test_expiry_in_2099(stand: Stage) -> None:
    """A token that says it lives until 2099 is put right at once: no token lives that long."""
    daemon, tenant, neighbour = to_both(stand)
    with daemon:
        daemon.wait("token published", 2)
        forge(stand, tenant, refresh=IN_2099, expires=IN_2099)
        daemon.wait("sink put right")
        assert held(stand.cluster, tenant, "t") == stand.server.tokens[0]
        assert held(stand.cluster, neighbour, "t") == stand.server.tokens[0]
    assert len(stand.server.requests) == 1


def test_from_the_future(stand: Stage) -> None:
    """A token that says it was issued later than now is put right at once, from memory."""
    daemon, tenant, neighbour = to_both(stand)
    with daemon:
        daemon.wait("token published", 2)
        forge(stand, tenant, issued=time.time() + 3600)
        daemon.wait("sink put right")
        assert held(stand.cluster, tenant, "t") == stand.server.tokens[0]
        assert held(stand.cluster, neighbour, "t") == stand.server.tokens[0]
    assert len(stand.server.requests) == 1


def test_another_fingerprint(stand: Stage) -> None:
    """A token by another source's fingerprint is put right at once, from memory."""
    daemon, tenant, _ = to_both(stand)
    with daemon:
        daemon.wait("token published", 2)
        patch = {
            "metadata": {"annotations": {PREFIX + "fingerprint": "somebody's"}},
            "data": {"token": base64.b64encode(HIS.encode()).decode()},
        }
        stand.cluster.admin.patch("secrets", "t", patch, tenant, manager="tenant")
        daemon.wait("sink put right")
        assert held(stand.cluster, tenant, "t") == stand.server.tokens[0]
    assert len(stand.server.requests) == 1


def test_due_at_once(stand: Stage) -> None:
    """Who forges refresh points in the past cannot have more than a fetch in ten seconds."""
    daemon, tenant, neighbour = to_both(stand)
    with daemon:
        daemon.wait("token published", 2)
        began = time.monotonic()
        for number in range(3):
            forge(stand, tenant, refresh=time.time() - 1, issued=time.time() - 1)
            until(lambda: held(stand.cluster, tenant, "t") != HIS, f"healing {number}")
        took = time.monotonic() - began
        assert len(stand.server.requests) <= 2 + took / 10
        assert held(stand.cluster, neighbour, "t") in stand.server.tokens
