"""A daemon that is killed, at the worst of moments."""

import time

import pytest

from support.cluster_daemon import employ, found, held, to_secrets
from support.cluster_faults import Cut, FaultyWay, Silence
from support.daemon import Daemon, settings, until
from tools.show.stage import Stage


def to_one(stand: Stage, server: str | None = None) -> Daemon:
    """A daemon for one Secret."""
    sink = {"name": "t", "namespace": stand.account.namespace}
    configured = settings(to_secrets(stand.server.token_url, stand.folder, sink))
    return employ(stand.cluster, stand.account, stand.folder, configured, server=server)


def version(stand: Stage) -> str | None:
    """The resourceVersion of its Secret."""
    secret = found(stand.cluster, stand.account.namespace, "t")
    return None if secret is None else str(secret["metadata"]["resourceVersion"])


def written(stand: Stage) -> str | None:
    """What its Secret holds."""
    return held(stand.cluster, stand.account.namespace, "t")


def test_killed_before_the_write(stand: Stage) -> None:
    """A token that was fetched and never written is all that a kill can lose."""
    with FaultyWay(stand.cluster) as way:
        way.put(Silence(), method="PATCH")
        daemon = to_one(stand, way.url)
        with daemon:
            until(lambda: any(one.method == "PATCH" for one in way.passed), "the write")
            daemon.kill()
            assert len(stand.server.requests) == 1
            assert version(stand) is None
            way.clear()
            daemon.start()
            daemon.wait("token published")
        assert len(stand.server.requests) == 2
        assert written(stand) == stand.server.tokens[1]


def test_killed_before_a_later_write(stand: Stage) -> None:
    """A kill between a refresh's fetch and its write leaves the old token, and costs one fetch."""
    stand.server.lifetime = 10
    with FaultyWay(stand.cluster) as way:
        daemon = to_one(stand, way.url)
        with daemon:
            daemon.wait("token published")
            way.put(Silence(), method="PATCH")
            until(lambda: len(stand.server.requests) == 2, "the refresh")
            until(lambda: any(one.fault for one in way.passed), "the write")
            daemon.kill()
            assert written(stand) == stand.server.tokens[0]
            way.clear()
            daemon.start()
            daemon.wait("token published")
        # Past the refresh point of the token that is there, so it asks at once.
        assert len(stand.server.requests) == 3
        assert written(stand) == stand.server.tokens[2]


def test_killed_after_the_write(stand: Stage) -> None:
    """A token that was written, though nobody heard of it, is adopted: no second fetch."""
    with FaultyWay(stand.cluster) as way:
        way.put(Cut(after=0), method="PATCH", times=1)
        daemon = to_one(stand, way.url)
        with daemon:
            until(lambda: version(stand), "the write")
            way.put(Silence())
            daemon.kill()
            before = version(stand)
            way.clear()
            daemon.start()
            daemon.wait("live token adopted")
            assert daemon.metric("token_healthy", token="partner-api") == 1
        assert len(stand.server.requests) == 1
        assert version(stand) == before
        assert written(stand) == stand.server.tokens[0]


def test_answer_lost(stand: Stage) -> None:
    """A write whose answer is lost is not made twice."""
    with FaultyWay(stand.cluster) as way:
        way.put(Cut(after=0), method="PATCH", times=1)
        daemon = to_one(stand, way.url)
        with daemon:
            daemon.wait("sink publish failed")
            before = version(stand)
            daemon.wait("sink unchanged")
            assert daemon.stop() == 0
        assert version(stand) == before
        assert len(stand.server.requests) == 1


def test_killed_during_a_watch(stand: Stage) -> None:
    """A daemon killed while it watches finds all as it was, writes nothing, and watches on."""
    mark = stand.cluster.mark()

    def watching() -> bool:
        asked = stand.cluster.asked(mark, user=stand.account, verb="watch", resource="secrets")
        return any(one.status is None for one in asked)

    daemon = to_one(stand)
    with daemon:
        daemon.wait("token published")
        until(watching, "its watch")
        before = version(stand)
        daemon.kill()
        mark = stand.cluster.mark()
        daemon.start()
        daemon.wait("live token adopted")
        until(watching, "its new watch")
        assert stand.cluster.asked(mark, user=stand.account, verb="patch") == []
        assert len(stand.server.requests) == 1
        assert version(stand) == before
        # The token is not in memory, so putting it right takes a fetch.
        stand.cluster.admin.delete("secrets", "t", stand.account.namespace)
        daemon.wait("sink put right")
        assert written(stand) == stand.server.tokens[1]
        assert daemon.metric("drift_corrections_total", token="partner-api") == 1


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 1.0])
def test_killed_while_starting(stand: Stage, share: float) -> None:
    """Wherever in its start it is killed, a live token stays as it is and no other is fetched."""
    daemon = to_one(stand)
    with daemon:
        began = time.monotonic()
        daemon.wait("token published")
        took = time.monotonic() - began
        before = version(stand)
        daemon.kill()
        daemon.start()
        time.sleep(took * share)
        daemon.kill()
        daemon.start()
        daemon.wait("live token adopted")
    assert version(stand) == before
    assert len(stand.server.requests) == 1
