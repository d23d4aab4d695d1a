"""No way to the server, in all its forms: each is told apart and says what to do."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint, faults
from secret_refresher.adapters.token_endpoint.alarms import Alarms
from secret_refresher.adapters.token_endpoint.hop import Hop, Stage
from secret_refresher.adapters.token_endpoint.names import Address, Resolver
from secret_refresher.adapters.token_endpoint.request import Client, token_request
from secret_refresher.adapters.token_endpoint.trust import Trust
from secret_refresher.adapters.token_endpoint.watch import Watch
from secret_refresher.config.model import TokenConfig
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Grant
from support.authorization_answers import CUT, Answer
from support.authorization_server import AuthorizationServer
from support.certificates import Authority
from support.endpoint_tokens import TokenMaker
from support.tunnels import TunnelProxy


def fault_of(endpoint: TokenEndpoint, token: TokenConfig) -> Fault:
    """The fault that an attempt ends with."""
    result = endpoint.fetch(token, 10).result
    assert isinstance(result, Fault)
    assert "\n" not in str(result)
    return result


def test_nobody_listens(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A refused connection names host and port; once the server is back it works."""
    server.go_away()
    outcome = endpoint.fetch(token(), 5)
    fault = outcome.result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.lane, fault.code) == (
        Reason.CONNECT,
        Lane.TRANSIENT,
        "ECONNREFUSED",
    )
    assert f"127.0.0.1 port {server.port}" in fault.summary
    assert "is the server up" in fault.advice
    assert [(e.status, e.reached) for e in outcome.exchanges] == [(None, False)]
    server.come_back()
    assert isinstance(endpoint.fetch(token(), 5).result, Grant)


@pytest.mark.parametrize(
    ("number", "summary", "advice"),
    [
        (socket.EAI_NONAME, "there is no host named id.example.com", "spelling in tokenUrl"),
        (socket.EAI_NODATA, "there is no host named id.example.com", "spelling in tokenUrl"),
        (socket.EAI_AGAIN, "give no answer for id.example.com", "CoreDNS"),
    ],
)
def test_no_address(token: TokenMaker, number: int, summary: str, advice: str) -> None:
    """A name that does not exist and name servers that do not answer are told apart."""

    def lookup(_host: str, _port: int) -> list[Address]:
        raise socket.gaierror(number, "hush")

    endpoint = TokenEndpoint(SystemClock(), MountReader(), "test", lookup=lookup)
    outcome = endpoint.fetch(token(url="https://id.example.com/t"), 5)
    fault = outcome.result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.lane) == (Reason.DNS, Lane.TRANSIENT)
    assert summary in fault.summary
    assert advice in fault.advice
    assert (fault.code or "").startswith("EAI_")
    assert [(e.origin, e.reached) for e in outcome.exchanges] == [
        ("https://id.example.com:443", False)
    ]


def test_a_name_from_the_real_resolver(endpoint: TokenEndpoint, token: TokenMaker) -> None:
    """A name that is reserved not to exist (RFC 6761) is a DNS fault."""
    fault = fault_of(endpoint, token(url="https://nowhere.invalid/t"))
    assert fault.reason is Reason.DNS
    assert "nowhere.invalid" in fault.summary


def test_a_name_resolves(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A host name works, whichever of its addresses the server listens at."""
    url = f"http://localhost:{server.port}/oauth/token"
    assert isinstance(endpoint.fetch(token(url=url), 10).result, Grant)


def test_ipv6(endpoint: TokenEndpoint, token: TokenMaker) -> None:
    """An IPv6 address in brackets works, and its origin is written with them."""
    try:
        running = AuthorizationServer(host="::1").start()
    except OSError:
        pytest.skip("no IPv6 loopback here")
    try:
        outcome = endpoint.fetch(token(url=running.token_url), 10)
    finally:
        running.stop()
    assert isinstance(outcome.result, Grant)
    assert outcome.exchanges[0].origin == f"http://[::1]:{running.port}"


def test_a_connection_that_ends_early(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A server that hangs up is a network fault, and counts as reached."""
    server.queue(CUT)
    outcome = endpoint.fetch(token(), 5)
    assert isinstance(outcome.result, Fault)
    assert outcome.result.reason is Reason.NETWORK
    assert "ended before the answer" in outcome.result.summary
    assert [(e.status, e.reached) for e in outcome.exchanges] == [(None, True)]
    assert len(server.requests) == 1, "nothing is retried behind the lifecycle's back"


# --- TLS -------------------------------------------------------------------------------------


def test_own_authority(endpoint: TokenEndpoint, authority: Authority, token: TokenMaker) -> None:
    """A server of an authority that only tls.caFile names is trusted."""
    with AuthorizationServer(tls=authority.issue().server()) as server:
        outcome = endpoint.fetch(token(url=server.token_url, ca_file=authority.file), 10)
    assert isinstance(outcome.result, Grant)
    assert outcome.exchanges[0].origin == f"https://127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    "case",
    [
        ({"ends": -1, "begins": -9}, "has expired", "renew it"),
        ({"begins": 5}, "is not valid yet", "clock"),
        ({"names": "DNS:other.example.com"}, "is for another host name", "tokenUrl"),
        ({"names": "IP:127.0.0.9"}, "is for another host name", "tokenUrl"),
    ],
)
def test_bad_certificates(
    endpoint: TokenEndpoint,
    authority: Authority,
    token: TokenMaker,
    case: tuple[dict[str, Any], str, str],
) -> None:
    """Expired, early and foreign certificates are told apart; nothing is sent to any."""
    leaf, words, advice = case
    with AuthorizationServer(tls=authority.issue(**leaf).server()) as server:
        fault = fault_of(endpoint, token(url=server.token_url, ca_file=authority.file))
    assert (fault.reason, fault.lane) == (Reason.TLS, Lane.TRANSIENT)
    assert words in fault.summary
    assert advice in fault.advice
    assert server.requests == []


def test_a_wrong_host_name(
    endpoint: TokenEndpoint, authority: Authority, token: TokenMaker
) -> None:
    """A certificate for an address is none for the name that leads there."""
    with AuthorizationServer(tls=authority.issue("IP:127.0.0.1").server()) as server:
        url = f"https://localhost:{server.port}/t"
        fault = fault_of(endpoint, token(url=url, ca_file=authority.file))
    assert fault.reason is Reason.TLS
    assert f"localhost port {server.port} is for another host name" in fault.summary


def test_an_unknown_authority(
    endpoint: TokenEndpoint, authority: Authority, token: TokenMaker
) -> None:
    """Without caFile a private authority is not trusted, and the advice names the key."""
    with AuthorizationServer(tls=authority.issue().server()) as server:
        fault = fault_of(endpoint, token(url=server.token_url))
    assert fault.reason is Reason.TLS
    assert "an authority that is not trusted" in fault.summary
    assert "tls.caFile" in fault.advice
    assert server.requests == []


def test_no_tls_there(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """https:// to a port that speaks plain HTTP says so."""
    url = server.token_url.replace("http://", "https://")
    fault = fault_of(endpoint, token(url=url))
    assert fault.reason is Reason.TLS
    assert "does not speak TLS" in fault.summary
    assert "scheme and port" in fault.advice


def test_plain_http_to_a_tls_port(
    endpoint: TokenEndpoint, authority: Authority, token: TokenMaker
) -> None:
    """http:// to a port that speaks TLS is a fault that asks for scheme and port."""
    with AuthorizationServer(tls=authority.issue().server()) as server:
        fault = fault_of(endpoint, token(url=server.token_url.replace("https://", "http://")))
    assert fault.reason in {Reason.NETWORK, Reason.BAD_ANSWER}


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_own_authority_wins_over_the_environment(
    endpoint: TokenEndpoint,
    authority: Authority,
    token: TokenMaker,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    """tls.caFile is the only trust of its token, whatever bundle the environment names."""
    other = _other_authority(token)
    with AuthorizationServer(tls=authority.issue().server()) as server:
        monkeypatch.setenv(variable, other.file)
        outcome = endpoint.fetch(token(url=server.token_url, ca_file=authority.file), 10)
        assert isinstance(outcome.result, Grant)
        monkeypatch.setenv(variable, authority.file)
        fault = fault_of(endpoint, token(url=server.token_url, ca_file=other.file))
        assert "not trusted" in fault.summary
        # Without one of its own, the token takes the environment's.
        assert isinstance(endpoint.fetch(token(url=server.token_url), 10).result, Grant)


def test_a_ca_file_is_read_again(
    endpoint: TokenEndpoint, authority: Authority, token: TokenMaker, tmp_path: Path
) -> None:
    """A changed caFile counts from the next attempt on, and changes the digest."""
    other = _other_authority(token)
    file = tmp_path / "ca.pem"
    file.write_bytes(Path(other.file).read_bytes())
    with AuthorizationServer(tls=authority.issue().server()) as server:
        config = token(url=server.token_url, ca_file=str(file))
        before = endpoint.fetch(config, 10)
        assert isinstance(before.result, Fault)
        file.write_bytes(
            b"# old\n" + Path(other.file).read_bytes() + Path(authority.file).read_bytes()
        )
        assert endpoint.credentials(config) != before.credentials
        assert isinstance(endpoint.fetch(config, 10).result, Grant)


def _other_authority(token: TokenMaker) -> Authority:
    folder = token.secret_file.parent / "other"
    folder.mkdir()
    return Authority(str(folder), "other")


CA_FILES = {
    "missing": (None, "cannot read", "tls.caFile names it"),
    "empty": (b"", "holds no certificate", "-----BEGIN CERTIFICATE-----"),
    "binary": (b"\x00\xff" * 100, "holds no certificate", "-----BEGIN CERTIFICATE-----"),
    "garbage in PEM": (
        b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
        "holds a certificate that cannot be read",
        "cut off",
    ),
}


@pytest.mark.parametrize("name", CA_FILES)
def test_bad_ca_files(
    endpoint: TokenEndpoint, token: TokenMaker, tmp_path: Path, name: str
) -> None:
    """A missing or broken caFile is a fault that names the path; nobody is asked."""
    content, summary, advice = CA_FILES[name]
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    outcome = endpoint.fetch(token(url="https://localhost:1/", ca_file=str(file)), 10)
    fault = outcome.result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.lane) == (Reason.TLS, Lane.PERMANENT)
    assert str(file) in fault.summary
    assert summary in fault.summary
    assert advice in fault.advice
    assert outcome.exchanges == ()


def test_a_truncated_ca_file(
    endpoint: TokenEndpoint, authority: Authority, token: TokenMaker, tmp_path: Path
) -> None:
    """A caFile that was cut in the middle of its certificate is told as such."""
    file = tmp_path / "ca.pem"
    file.write_bytes(Path(authority.file).read_bytes()[:200])
    fault = fault_of(endpoint, token(url="https://localhost:1/", ca_file=str(file)))
    assert "holds no certificate" in fault.summary


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_that_is_missing(
    endpoint: TokenEndpoint, token: TokenMaker, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A bundle that only the environment names is told with the variable's name."""
    monkeypatch.setenv(variable, "/nowhere/ca.pem")
    fault = fault_of(endpoint, token(url="https://localhost:1/"))
    assert fault.reason is Reason.TLS
    assert "/nowhere/ca.pem" in fault.summary
    assert variable in fault.advice


def test_a_folder_of_authorities(
    endpoint: TokenEndpoint,
    authority: Authority,
    token: TokenMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The environment may name a folder of hashed certificates, as OpenSSL keeps them."""
    folder = tmp_path / "authorities"
    folder.mkdir()
    (folder / "ca.pem").write_bytes(Path(authority.file).read_bytes())
    subprocess.run(["openssl", "rehash", folder], check=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder))
    with AuthorizationServer(tls=authority.issue().server()) as server:
        assert isinstance(endpoint.fetch(token(url=server.token_url), 10).result, Grant)


def test_the_machines_own_store(
    endpoint: TokenEndpoint,
    authority: Authority,
    token: TokenMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without any bundle named, the machine's store counts, wherever SSL_CERT_FILE puts it."""
    monkeypatch.setenv("SSL_CERT_FILE", authority.file)
    with AuthorizationServer(tls=authority.issue().server()) as server:
        assert isinstance(endpoint.fetch(token(url=server.token_url), 10).result, Grant)


def test_a_machine_without_a_store(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image without certificates trusts those that come with the program."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert Trust().context(authority.file).cert_store_stats()["x509_ca"] == 1


# --- proxies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_http_goes_through_the_proxy(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    """An http:// request is sent to the proxy of the environment, with its whole URL."""
    monkeypatch.setenv(variable, f"http://who:hush@127.0.0.1:{server.port}")
    outcome = endpoint.fetch(token(url="http://id.example.com:8080/t?x=1"), 10)
    assert isinstance(outcome.result, Grant)
    assert outcome.exchanges[0].origin == "http://id.example.com:8080"
    (seen,) = server.requests
    assert seen.target == "http://id.example.com:8080/t?x=1"
    assert seen.header("host") == "id.example.com:8080"
    assert seen.header("proxy-authorization") == "Basic d2hvOmh1c2g="


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_https_goes_through_a_tunnel(
    endpoint: TokenEndpoint,
    authority: Authority,
    token: TokenMaker,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    """An https:// request passes the proxy unseen, in a tunnel, and the origin stays the same."""
    with AuthorizationServer(tls=authority.issue().server()) as server, TunnelProxy() as proxy:
        monkeypatch.setenv(variable, f"http://who:hush@{proxy.address}")
        outcome = endpoint.fetch(token(url=server.token_url, ca_file=authority.file), 10)
        assert isinstance(outcome.result, Grant)
        assert outcome.exchanges[0].origin == server.origin
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT 127.0.0.1:{server.port} ")
    assert "Basic d2hvOmh1c2g=" in head
    assert server.requests[0].header("proxy-authorization") is None


@pytest.mark.parametrize("bypass", ["127.0.0.1", "127.0.0.0/8", "*", "localhost, 127.0.0.1"])
def test_no_proxy(
    endpoint: TokenEndpoint,
    token: TokenMaker,
    monkeypatch: pytest.MonkeyPatch,
    bypass: str,
) -> None:
    """NO_PROXY keeps a host away from the proxy, by name, address or network."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", bypass)
    assert isinstance(endpoint.fetch(token(), 10).result, Grant)


@pytest.mark.parametrize(
    "case",
    [
        ("http://who:hush@127.0.0.1:1", "https://id.example.com/t", "the proxy 127.0.0.1 port 1"),
        ("http://who:hush@127.0.0.1:1", "http://id.example.com/t", "the proxy 127.0.0.1 port 1"),
        ("http://who:hush@nowhere.invalid:1", "https://id.example.com/t", "nowhere.invalid"),
        ("http://who:hush@[broken", "https://id.example.com/t", "proxy"),
        ("socks5://who:hush@127.0.0.1:1", "https://id.example.com/t", "proxy"),
        ("who:hush@:1", "https://id.example.com/t", "proxy"),
        ("ftp://who:hush@127.0.0.1", "https://id.example.com/t", "proxy"),
    ],
)
def test_proxies_that_are_no_use(
    endpoint: TokenEndpoint,
    token: TokenMaker,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, str, str],
) -> None:
    """A proxy that is away or is no URL is told without its password."""
    proxy, url, summary = case
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("HTTP_PROXY", proxy)
    fault = fault_of(endpoint, token(url=url))
    assert fault.reason in {Reason.PROXY, Reason.DNS}
    assert summary in fault.summary
    assert "HTTPS_PROXY" in fault.advice
    assert "hush" not in str(fault)


@pytest.mark.parametrize(
    ("status", "words"), [(407, "asks for a user and password"), (403, "(HTTP 403)")]
)
def test_a_proxy_that_refuses_the_tunnel(
    endpoint: TokenEndpoint,
    token: TokenMaker,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    words: str,
) -> None:
    """A refusal of the proxy is told as the proxy's, and the server was not reached."""
    with TunnelProxy(status) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        outcome = endpoint.fetch(token(url="https://id.example.com/t"), 10)
    fault = outcome.result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.status) == (Reason.PROXY, status)
    assert words in fault.summary
    assert [(e.status, e.reached) for e in outcome.exchanges] == [(None, False)]


def test_a_proxy_that_refuses_a_request(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A 407 to an http:// request is the proxy's too."""
    monkeypatch.setenv("HTTP_PROXY", server.origin)
    server.queue(Answer(407))
    fault = fault_of(endpoint, token(url="http://id.example.com/t"))
    assert (fault.reason, fault.status) == (Reason.PROXY, 407)
    assert f"the proxy 127.0.0.1 port {server.port} asks" in fault.summary


def test_a_proxy_that_speaks_tls(
    endpoint: TokenEndpoint,
    authority: Authority,
    token: TokenMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An https:// proxy is verified by the machine's trust, not by the server's caFile."""
    with AuthorizationServer(tls=authority.issue().server()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.origin)
        config = token(url="https://id.example.com/t", ca_file=authority.file)
        fault = fault_of(endpoint, config)
    assert fault.reason is Reason.TLS
    assert "not trusted" in fault.summary
    assert proxy.requests == []


def test_a_tunnel_through_a_proxy_that_speaks_tls(
    endpoint: TokenEndpoint,
    authority: Authority,
    token: TokenMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """TLS to a proxy that the machine trusts, and within it TLS to a server of tls.caFile."""
    other = _other_authority(token)
    monkeypatch.setenv("SSL_CERT_FILE", other.file)
    with (
        AuthorizationServer(tls=authority.issue().server()) as server,
        TunnelProxy(tls=other.issue().server()) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"https://{proxy.address}")
        outcome = endpoint.fetch(token(url=server.token_url, ca_file=authority.file), 10)
        assert isinstance(outcome.result, Grant), outcome


# --- texts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "error", "reason", "advice"),
    [
        (Stage.CONNECT, OSError(errno.ENETUNREACH, "hush"), Reason.CONNECT, "no way there"),
        (Stage.CONNECT, OSError(errno.EHOSTUNREACH, "hush"), Reason.CONNECT, "no way there"),
        (Stage.CONNECT, OSError(errno.EMFILE, "hush"), Reason.CONNECT, "look at the server"),
        (Stage.TLS, ConnectionResetError(errno.ECONNRESET, "hush"), Reason.NETWORK, "look at"),
        (Stage.TLS, ssl.SSLEOFError(8, "hush"), Reason.NETWORK, "look at the server"),
        (Stage.TLS, ssl.SSLError(1, "hush"), Reason.TLS, "TLS 1.2"),
        (Stage.ANSWER, http.client.LineTooLong("hush"), Reason.BAD_ANSWER, "scheme and port"),
        (Stage.ANSWER, KeyError("hush"), Reason.INTERNAL, "report it"),
        (Stage.BEGIN, KeyError("hush"), Reason.INTERNAL, "report it"),
    ],
)
def test_errors_of_the_system_and_of_libraries(
    token: TokenMaker, stage: Stage, error: Exception, reason: Reason, advice: str
) -> None:
    """An error is told by its kind and by how far the request had come, never by its text."""
    clock = SystemClock()
    request = token_request(token(), Client(Secret("me"), Secret("sesame")), "test")
    hop = Hop(request, Watch(clock, 60, Alarms()), Resolver(), clock)
    hop.stage = stage
    wrapped = ValueError("hush") if stage is not Stage.BEGIN else KeyError()
    wrapped.__cause__ = error
    fault = faults.fault_of(wrapped, hop)
    assert fault.reason is reason
    assert advice in fault.advice
    assert "hush" not in str(fault)
