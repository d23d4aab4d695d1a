from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import final

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.adapters.token_endpoint.alarms import Alarms
from secret_refresher.adapters.token_endpoint.connections import LINGER
from secret_refresher.adapters.token_endpoint.hop import Hop
from secret_refresher.adapters.token_endpoint.names import Resolver
from secret_refresher.adapters.token_endpoint.request import Client, token_request
from secret_refresher.adapters.token_endpoint.transport import Transport
from secret_refresher.adapters.token_endpoint.trust import Trust
from secret_refresher.adapters.token_endpoint.watch import Watch
from secret_refresher.errors import Fault, Reason
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Grant
from support.authorization_answers import CUT, HANG, Answer, redirect
from support.authorization_server import AuthorizationServer
from support.certificates import Authority
from support.endpoint_tokens import TokenMaker


class Burst:
    """A slow request that is under way, and so keeps the burst going."""

    def __init__(self, fetch: Callable[[], object], server: AuthorizationServer) -> None:
        before = len(server.requests)
        self._ended = threading.Event()
        body = b'{"access_token": "slow", "expires_in": 60}'
        server.queue(Answer(200, {}, body, held=self._ended))
        self._thread = threading.Thread(target=fetch)
        self._thread.start()
        _settle(lambda: len(server.requests) > before)

    def end(self) -> None:
        """Has it answered, and waits for that."""
        self._ended.set()
        self._thread.join()


def test_a_burst_shares_connections(
    endpoint: TokenEndpoint, authority: Authority, token: TokenMaker
) -> None:
    """While requests to an origin overlap, each connection serves many of them."""
    with AuthorizationServer(tls=authority.issue().server()) as server:
        config = token(url=server.token_url, ca_file=authority.file)
        burst = Burst(lambda: endpoint.fetch(config, 60), server)
        for _ in range(20):
            assert isinstance(endpoint.fetch(config, 10).result, Grant)
        burst.end()
        assert len(server.requests) == 21
        assert server.connections == 2


def test_requests_one_after_another_share_a_connection(
    endpoint: TokenEndpoint, authority: Authority, token: TokenMaker
) -> None:
    """A burst is no less one for a moment between its requests: no handshake is made again."""
    with AuthorizationServer(tls=authority.issue().server()) as server:
        config = token(url=server.token_url, ca_file=authority.file)
        for _ in range(20):
            assert isinstance(endpoint.fetch(config, 10).result, Grant)
        assert server.connections < 10  # one, unless the machine stands still in between


def test_no_connection_outlives_its_burst(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """Soon after the last request of a burst nothing stays open."""
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: endpoint.fetch(token(), 10), range(80)))
    assert all(isinstance(outcome.result, Grant) for outcome in outcomes)
    _settle(lambda: server.open_connections() == 0)


def test_idle_connections_go_while_another_request_hangs(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """What nobody uses is closed, whatever else is under way."""
    burst = Burst(lambda: endpoint.fetch(token(), 60), server)
    assert isinstance(endpoint.fetch(token(), 10).result, Grant)
    _settle(lambda: server.open_connections() == 1)
    burst.end()
    _settle(lambda: server.open_connections() == 0)


def test_without_a_thread_nothing_is_kept(server: AuthorizationServer, token: TokenMaker) -> None:
    """Where nobody would close it later, a connection is closed at once, and the token taken."""
    asked: list[float] = []

    @final
    class Refusing:
        """A timer that is not to be had for what comes after the attempt."""

        def __init__(self, seconds: float, _call: Callable[[], None]) -> None:
            self._seconds = seconds

        def start(self) -> None:
            asked.append(self._seconds)
            if self._seconds == LINGER:
                raise RuntimeError("can't start new thread")

        def cancel(self) -> None:
            """Nothing was begun."""

    endpoint = TokenEndpoint(SystemClock(), MountReader(), "test", timer=Refusing)
    for _ in range(2):
        assert isinstance(endpoint.fetch(token(), 10).result, Grant)
        _settle(lambda: server.open_connections() == 0)
    assert asked == [10, LINGER, 10, LINGER]


def test_a_kept_connection_that_died_is_no_failure(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A server that closes a connection just as it is used again costs nobody an attempt."""
    burst = Burst(lambda: endpoint.fetch(token(), 60), server)
    assert isinstance(endpoint.fetch(token(), 10).result, Grant)
    server.queue(CUT)
    outcome = endpoint.fetch(token(), 10)
    burst.end()
    assert isinstance(outcome.result, Grant)
    assert [exchange.status for exchange in outcome.exchanges] == [200]
    assert len({seen.connection for seen in server.requests}) == 3


def test_fresh_means_no_kept_connection(server: AuthorizationServer, token: TokenMaker) -> None:
    """Where one kept connection has died the others may have too, so none of them is tried."""
    transport, clock = Transport(), SystemClock()
    request = token_request(token(), Client(Secret("me"), Secret("sesame")), "test")

    def send(*, fresh: bool) -> int:
        with Watch(clock, 20, Alarms()) as watch:
            hop = Hop(request, watch, Resolver(), clock, fresh=fresh)
            transport.send(hop, Trust())
        return server.requests[-1].connection

    burst = Burst(lambda: send(fresh=False), server)
    kept = send(fresh=False)
    assert send(fresh=False) == kept
    assert send(fresh=True) not in {kept, server.requests[0].connection}
    burst.end()


def test_a_new_connection_in_place_of_a_dropped_one_is_new(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A connection that was seen to be dropped and made anew is not excused a second time."""
    burst = Burst(lambda: endpoint.fetch(token(), 60), server)
    assert isinstance(endpoint.fetch(token(), 10).result, Grant)
    server.cut_connections(server.requests[-1].connection)
    _settle(lambda: server.open_connections() == 1)
    server.queue(CUT)
    outcome = endpoint.fetch(token(), 10)
    burst.end()
    assert isinstance(outcome.result, Fault)
    assert len(server.requests) == 3


def test_a_dead_connection_is_replaced_once(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A server that hangs up on the fresh connection too has failed."""
    burst = Burst(lambda: endpoint.fetch(token(), 60), server)
    assert isinstance(endpoint.fetch(token(), 10).result, Grant)
    server.queue(CUT, CUT)
    outcome = endpoint.fetch(token(), 10)
    burst.end()
    assert isinstance(outcome.result, Fault)
    assert len(outcome.exchanges) == 1
    assert len(server.requests) == 4


@pytest.mark.parametrize("slow", [HANG, Answer(200, {}, b"{}", drip=0.2)], ids=["hang", "drip"])
def test_the_deadline_holds_on_a_kept_connection(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, slow: Answer
) -> None:
    """A deadline on a connection that was used before is a time-out, not a dead connection."""
    burst = Burst(lambda: endpoint.fetch(token(), 60), server)
    assert isinstance(endpoint.fetch(token(), 10).result, Grant)
    server.queue(slow)
    begin = time.monotonic()
    outcome = endpoint.fetch(token(), 0.5)
    assert time.monotonic() - begin < 8
    burst.end()
    assert isinstance(outcome.result, Fault)
    assert outcome.result.reason is Reason.TIMEOUT
    assert [exchange.reached for exchange in outcome.exchanges] == [True]
    assert server.requests[1].connection == server.requests[2].connection


def test_a_kept_connection_to_a_proxy_is_known_as_one(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy that refuses on a connection which was used before is told as the proxy."""
    monkeypatch.setenv("HTTP_PROXY", server.origin)
    config = token(url="http://id.example.com/t")
    burst = Burst(lambda: endpoint.fetch(config, 60), server)
    assert isinstance(endpoint.fetch(config, 10).result, Grant)
    server.queue(Answer(407))
    outcome = endpoint.fetch(config, 10)
    burst.end()
    assert isinstance(outcome.result, Fault)
    assert outcome.result.reason is Reason.PROXY
    assert server.requests[1].connection == server.requests[2].connection


def test_a_restarted_server_is_met_with_fresh_connections(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """Connections from before a restart of the server are noticed and dropped."""
    burst = Burst(lambda: endpoint.fetch(token(), 60), server)
    assert isinstance(endpoint.fetch(token(), 10).result, Grant)
    server.go_away()
    server.come_back()
    assert isinstance(endpoint.fetch(token(), 10).result, Grant)
    burst.end()


def test_threads_never_mix_their_requests(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """32 threads at once, with redirects between: each gets the answer to its own request."""
    server.queue(
        *(redirect(f"/{n}") for n in range(10))
    )  # even one that meets them all is not sent too far

    def fetch(number: int) -> bool:
        outcome = endpoint.fetch(token(scope=(f"s{number}",)), 30)
        assert isinstance(outcome.result, Grant)
        return outcome.result.scope == f"s{number}"

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(fetch, range(300)))
    assert len(server.tokens) == len(set(server.tokens)) == 300
    assert server.connections < 300


def test_secrets_of_two_tokens_never_mix(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A connection that one client used carries another client's credentials only."""
    burst = Burst(lambda: endpoint.fetch(token(), 60), server)
    assert isinstance(endpoint.fetch(token(), 10).result, Grant)
    token.secret("another")
    server.client_secret = "another"
    assert isinstance(endpoint.fetch(token(), 10).result, Grant)
    burst.end()
    assert [seen.client()[1] for seen in server.requests] == ["sesame", "sesame", "another"]
    assert server.requests[1].connection == server.requests[2].connection


def test_descriptors_do_not_leak(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """Failed attempts of every kind leave no descriptor and no thread behind."""
    kinds = [
        CUT,
        Answer(cut=4),
        Answer(500),
        Answer(200, {}, b"x" * 2_000_000),
        redirect("http://x/"),
    ]
    threads = threading.active_count()
    for kind in kinds:  # what is loaded once is loaded now
        server.queue(kind)
        endpoint.fetch(token(), 60)
    before = _descriptors(server)
    for _ in range(5):
        for kind in kinds:
            server.queue(kind)
            endpoint.fetch(token(), 60)
    assert _descriptors(server) <= before
    _settle(lambda: threading.active_count() <= threads)


def _descriptors(server: AuthorizationServer) -> int:
    """Open descriptors once the server has let go of its connections."""
    _settle(lambda: server.open_connections() == 0)
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def _settle(done: Callable[[], bool]) -> None:
    """Waits until something that other threads do is done."""
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)
