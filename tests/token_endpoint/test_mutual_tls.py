"""Client certificates: shown to the token endpoint alone, rotated, and each fault told apart."""

from __future__ import annotations

import gc
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import pytest

from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.adapters.token_endpoint.channel import channel_in
from secret_refresher.adapters.token_endpoint.identity import Identity
from secret_refresher.config.model import Auth, AuthMethod, Tls, TokenConfig
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.lifecycle.events import CertificateEnds
from secret_refresher.ports import Outcome
from secret_refresher.tokens.token import Grant
from support.authorization_answers import Answer, answer
from support.authorization_server import AuthorizationServer
from support.certificates import Authority, Leaf
from support.endpoint_tokens import TokenMaker
from support.tunnels import TunnelProxy

GRANTED = answer({"access_token": "granted", "expires_in": 60})
BOTH = [AuthMethod.TLS_CLIENT_AUTH, AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH]


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority of clients; it has nothing to do with that of servers."""
    return Authority(str(tmp_path_factory.mktemp("clients")), "clients")


@final
@dataclass(frozen=True, slots=True)
class Door:
    """A server that talks to nobody without a certificate of `clients`.

    `seen` are the certificates that it was shown, one a connection.
    """

    server: AuthorizationServer
    authority: Authority
    clients: Authority
    seen: list[bytes | None]

    def token(
        self,
        certificate: str,
        key: str | None = None,
        method: AuthMethod = AuthMethod.TLS_CLIENT_AUTH,
    ) -> TokenConfig:
        """A token that is asked of it with these files."""
        return TokenConfig(
            name="partner-api",
            token_url=self.server.token_url,
            auth=Auth(method=method, client_id="me"),
            tls=Tls(ca_file=self.authority.file, cert_file=certificate, key_file=key),
        )


@pytest.fixture
def door(authority: Authority, clients: Authority) -> Iterator[Door]:
    """It grants the same to everybody whom it lets in."""
    seen: list[bytes | None] = []
    tls = authority.issue().server(clients.file, seen=seen)
    with AuthorizationServer(tls=tls) as running:
        running.always = GRANTED
        yield Door(running, authority, clients, seen)


def fault_of(outcome: Outcome) -> Fault:
    """The fault that an attempt ended with."""
    assert isinstance(outcome.result, Fault)
    assert "\n" not in str(outcome.result)
    return outcome.result


# --- it works --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", BOTH)
def test_the_certificate_is_all_the_proof(
    endpoint: TokenEndpoint,
    door: Door,
    method: AuthMethod,
) -> None:
    """The server sees the certificate, and in the body the client id alone (RFC 8705)."""
    leaf = door.clients.issue()
    outcome = endpoint.fetch(door.token(leaf.certificate, leaf.key, method), 10)
    assert isinstance(outcome.result, Grant)
    assert door.seen == [leaf.der()]
    (request,) = door.server.requests
    assert request.body == b"client_id=me&grant_type=client_credentials"
    assert request.header("authorization") is None


@pytest.mark.parametrize("twice", [False, True])
def test_one_file_with_both(endpoint: TokenEndpoint, door: Door, *, twice: bool) -> None:
    """Certificate and key may stand in one PEM file, named once or twice."""
    leaf = door.clients.issue()
    token = door.token(leaf.in_one(), leaf.in_one() if twice else None)
    assert isinstance(endpoint.fetch(token, 10).result, Grant)
    assert door.seen == [leaf.der()]


def test_beside_another_method(
    endpoint: TokenEndpoint,
    door: Door,
    tmp_path: Path,
) -> None:
    """With a secret too, both are shown."""
    door.server.always = None
    leaf = door.clients.issue()
    token = TokenMaker(door.server.token_url, tmp_path)()
    token = replace(token, tls=Tls(ca_file=door.authority.file, cert_file=leaf.in_one()))
    assert isinstance(endpoint.fetch(token, 10).result, Grant)
    assert door.seen == [leaf.der()]


def test_an_intermediate_is_sent_along(
    endpoint: TokenEndpoint,
    door: Door,
    tmp_path: Path,
) -> None:
    """A chain is shown whole; without its intermediate the fault says what may be missing."""
    leaf = Authority(str(tmp_path), "between", under=door.clients).issue()
    whole = leaf.followed_by(str(tmp_path / "ca.pem"))
    token = door.token(whole.certificate, whole.key)
    assert isinstance(endpoint.fetch(token, 10).result, Grant)
    fault = fault_of(endpoint.fetch(door.token(leaf.certificate, leaf.key), 10))
    assert (fault.reason, fault.lane) == (Reason.TLS, Lane.PERMANENT)
    assert f"client certificate in {leaf.certificate}: it does not know its authority" in str(fault)
    assert "intermediate" in fault.advice


def test_a_server_with_an_intermediate(
    endpoint: TokenEndpoint, authority: Authority, tmp_path: Path, token: TokenMaker
) -> None:
    """A server's chain is followed to the root; a server that sends half of it is told as that."""
    leaf = Authority(str(tmp_path), "between", under=authority).issue()
    with AuthorizationServer(tls=leaf.followed_by(str(tmp_path / "ca.pem")).server()) as server:
        config = token(url=server.token_url, ca_file=authority.file)
        assert isinstance(endpoint.fetch(config, 10).result, Grant)
    with AuthorizationServer(tls=leaf.server()) as server:
        config = token(url=server.token_url, ca_file=authority.file)
        fault = fault_of(endpoint.fetch(config, 10))
    assert "not trusted" in fault.summary
    assert "intermediate" in fault.advice
    assert server.requests == []


def test_no_key_touches_a_disk(
    endpoint: TokenEndpoint,
    door: Door,
) -> None:
    """OpenSSL reads the key from memory: no descriptor of it is left open."""
    before = os.listdir("/proc/self/fd")
    leaf = door.clients.issue()
    token = door.token(leaf.certificate, leaf.key)
    assert isinstance(endpoint.fetch(token, 10).result, Grant)
    names = [_link(fd) for fd in os.listdir("/proc/self/fd") if fd not in before]
    assert not [name for name in names if "memfd" in name or name.endswith(".key")]


def _link(fd: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""


@pytest.mark.parametrize("kind", ["rsa:2048", "ed25519", "ec:P-256", "ec:P-384"])
@pytest.mark.parametrize("form", ["PKCS#8", "traditional", "with text and CRLF"])
def test_forms_of_keys(endpoint: TokenEndpoint, tmp_path: Path, kind: str, form: str) -> None:
    """What cert-manager and openssl write is taken: PKCS#1, SEC 1 with parameters, PKCS#8."""
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    new = ["-newkey", kind] if kind.startswith("rsa") else ["-newkey", kind.partition(":")[0]]
    if kind.startswith("ec:"):
        new += ["-pkeyopt", f"ec_paramgen_curve:{kind[3:]}"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    request = ["openssl", "req", "-x509", "-nodes", "-subj", "/CN=me", *new, *files]
    subprocess.run(request, check=True, capture_output=True)
    if form == "traditional" and kind != "ed25519":
        command = ["openssl", "pkey", "-in", str(key), "-traditional"]
        old = subprocess.run(command, check=True, capture_output=True).stdout
        curve = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        key.write_bytes(curve + old if b"EC PRIVATE KEY" in old else old)
        assert b"BEGIN PRIVATE KEY" not in key.read_bytes()
    elif form == "with text and CRLF":
        for file in (certificate, key):
            text = b"Bag Attributes\n    friendlyName: me\n" + file.read_bytes()
            file.write_bytes(text.replace(b"\n", b"\r\n"))
    token = TokenConfig(
        name="a",
        token_url="https://id.example.com/t",
        auth=Auth(method=AuthMethod.TLS_CLIENT_AUTH, client_id="me"),
        tls=Tls(cert_file=str(certificate), key_file=str(key)),
    )
    assert endpoint.rehearse(token) is None


# --- rotation --------------------------------------------------------------------------------


def mount(folder: Path, generation: str, leaf: Leaf) -> None:
    """Writes the pair as the kubelet does, and swaps `..data` to it."""
    below = folder / generation
    below.mkdir(parents=True)
    (below / "tls.crt").write_bytes(Path(leaf.certificate).read_bytes())
    (below / "tls.key").write_bytes(Path(leaf.key).read_bytes())
    (folder / "..next").symlink_to(generation)
    (folder / "..next").rename(folder / "..data")
    for name in ("tls.crt", "tls.key"):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")


def swap(folder: Path, pairs: list[Leaf], times: int) -> None:
    """Swaps the mount between the pairs that often."""
    for number in range(1, times):
        mount(folder, f"..{number}", pairs[number % len(pairs)])


def test_a_new_certificate_is_taken_without_a_restart(
    endpoint: TokenEndpoint,
    door: Door,
    tmp_path: Path,
) -> None:
    """The next attempt shows the new one, and the digest of credentials tells of the change."""
    old, new = door.clients.issue(), door.clients.issue()
    mount(tmp_path, "..1", old)
    token = door.token(str(tmp_path / "tls.crt"), str(tmp_path / "tls.key"))
    first = endpoint.fetch(token, 10)
    mount(tmp_path, "..2", new)
    assert endpoint.credentials(token) != first.credentials
    assert isinstance(endpoint.fetch(token, 10).result, Grant)
    assert door.seen == [old.der(), new.der()]


def test_a_connection_of_the_old_certificate_is_not_used_for_the_new(
    endpoint: TokenEndpoint,
    door: Door,
    tmp_path: Path,
) -> None:
    """While a request with the old one is under way, the new one still gets a connection."""
    old, new = door.clients.issue(), door.clients.issue()
    mount(tmp_path, "..1", old)
    token = door.token(str(tmp_path / "tls.crt"), str(tmp_path / "tls.key"))
    door.server.queue(replace(GRANTED, delay=1.0), GRANTED)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(endpoint.fetch, token, 20)
        while not door.server.requests:
            time.sleep(0.01)
        # One more of the old: its connection is idle now, and kept while the slow one runs.
        assert isinstance(endpoint.fetch(token, 10).result, Grant)
        mount(tmp_path, "..2", new)
        assert isinstance(endpoint.fetch(token, 10).result, Grant)
        assert isinstance(slow.result().result, Grant)
    assert door.seen == [old.der(), old.der(), new.der()]


def test_old_keys_do_not_linger(endpoint: TokenEndpoint, door: Door, tmp_path: Path) -> None:
    """Once a new pair was used, nothing in the process holds the one before."""
    both = tmp_path / "both.pem"
    for _ in range(4):
        both.write_bytes(Path(door.clients.issue().in_one()).read_bytes())
        assert isinstance(endpoint.fetch(door.token(str(both)), 10).result, Grant)
    gc.collect()
    held = [it for it in gc.get_objects() if isinstance(it, Identity)]
    assert len([identity for identity in held if identity.key_file == str(both)]) == 1


def test_a_pair_is_never_torn(
    endpoint: TokenEndpoint,
    door: Door,
    tmp_path: Path,
) -> None:
    """However often the mount is swapped while it is read, certificate and key belong together."""
    pairs = [door.clients.issue(), door.clients.issue()]
    mount(tmp_path, "..0", pairs[0])
    token = door.token(str(tmp_path / "tls.crt"), str(tmp_path / "tls.key"))
    with ThreadPoolExecutor(1) as pool:
        swaps = pool.submit(swap, tmp_path, pairs, 400)
        results = [endpoint.fetch(token, 10).result]
        while not swaps.done():
            results.append(endpoint.fetch(token, 10).result)
    assert len(results) > 5
    assert [result for result in results if isinstance(result, Fault)] == []


# --- who sees it -----------------------------------------------------------------------------


def test_no_proxy_sees_it(
    endpoint: TokenEndpoint,
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy that speaks TLS and asks for a certificate is shown none; the server behind it is."""
    leaf = door.clients.issue()
    at_the_proxy: list[bytes | None] = []
    asking = door.authority.issue().server(seen=at_the_proxy)
    asking.load_verify_locations(door.clients.file)
    asking.verify_mode = asking.verify_mode.CERT_OPTIONAL
    monkeypatch.setenv("SSL_CERT_FILE", door.authority.file)
    with TunnelProxy(tls=asking) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"https://{proxy.address}")
        token = door.token(leaf.certificate, leaf.key)
        assert isinstance(endpoint.fetch(token, 10).result, Grant)
    assert at_the_proxy == [None]
    assert door.seen == [leaf.der()]


def test_a_redirect_elsewhere_shows_it_to_nobody(endpoint: TokenEndpoint, door: Door) -> None:
    """Another host is not even connected to."""
    leaf = door.clients.issue()
    with AuthorizationServer(tls=door.authority.issue().server()) as other:
        door.server.queue(Answer(307, {"Location": other.token_url}))
        token = door.token(leaf.certificate, leaf.key)
        fault = fault_of(endpoint.fetch(token, 10))
    assert fault.reason is Reason.REDIRECT
    assert other.connections == 0


# --- what can be wrong -----------------------------------------------------------------------


@pytest.fixture(scope="session")
def wrong_files(
    clients: Authority, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[str, str | None]]:
    """Certificate and key files by what is wrong with them."""
    leaf, other, folder = clients.issue(), clients.issue(), tmp_path_factory.mktemp("wrong")

    def made(name: str, content: bytes) -> str:
        (folder / name).write_bytes(content)
        return str(folder / name)

    key, certificate = Path(leaf.key).read_bytes(), Path(leaf.certificate).read_bytes()
    encrypted = folder / "encrypted"
    command = ["openssl", "pkey", "-in", leaf.key, "-aes256", "-passout", "pass:sesame"]
    subprocess.run([*command, "-out", str(encrypted)], check=True)
    rsa = folder / "rsa"
    subprocess.run(["openssl", "genrsa", "-out", str(rsa), "2048"], check=True, capture_output=True)
    legacy = [b"-----BEGIN RSA PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED", b"DEK-Info: AES,00"]
    public = ["openssl", "pkey", "-in", leaf.key, "-pubout", "-out", str(folder / "public")]
    subprocess.run(public, check=True)
    return {
        "missing certificate": (str(folder / "nowhere"), leaf.key),
        "missing key": (leaf.certificate, str(folder / "nowhere")),
        "certificate without its key": (leaf.certificate, None),
        "another's key": (leaf.certificate, other.key),
        "a key of another kind": (leaf.certificate, str(rsa)),
        "an encrypted key": (leaf.certificate, str(encrypted)),
        "a legacy encrypted key": (
            leaf.certificate,
            made("legacy", b"\n".join([*legacy, b"", key])),
        ),
        "a public key": (leaf.certificate, str(folder / "public")),
        "a certificate as key": (leaf.certificate, leaf.certificate),
        "swapped": (leaf.key, leaf.certificate),
        "no key": (leaf.certificate, made("none", b"\x00\xff" * 50)),
        "two keys": (leaf.certificate, made("two", key + Path(other.key).read_bytes())),
        "half a key": (leaf.certificate, made("half", key[: len(key) // 2])),
        "rubbish in a key": (
            leaf.certificate,
            made("bad", b"-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n"),
        ),
        "half a certificate": (made("cut", certificate[: len(certificate) // 2]), leaf.key),
        "rubbish in a certificate": (
            made("junk", b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"),
            leaf.key,
        ),
        "rubbish behind the certificate": (
            made(
                "tail",
                certificate + b"-----BEGIN CERTIFICATE-----\naGVs\n-----END CERTIFICATE-----\n",
            ),
            leaf.key,
        ),
    }


TOLD = {
    "missing certificate": ("cannot read", "tls.certFile names it"),
    "missing key": ("cannot read", "tls.keyFile names it"),
    "certificate without its key": ("holds a certificate without its private key", "tls.keyFile"),
    "another's key": ("is not that of the certificate", "files of one issue"),
    "a key of another kind": ("is not that of the certificate", "files of one issue"),
    "an encrypted key": ("is encrypted", "without a pass phrase"),
    "a legacy encrypted key": ("is encrypted", "without a pass phrase"),
    "a public key": ("holds a public key", "private key"),
    "a certificate as key": ("holds a certificate without its private key", "tls.keyFile"),
    "swapped": ("holds no certificate", "-----BEGIN CERTIFICATE-----"),
    "no key": ("holds no private key", "-----BEGIN PRIVATE KEY-----"),
    "two keys": ("holds 2 private keys", "the certificate's own"),
    "half a key": ("holds a private key that cannot be read", "cut off"),
    "rubbish in a key": ("holds a private key that cannot be read", "cut off"),
    "half a certificate": ("holds no certificate", "-----BEGIN CERTIFICATE-----"),
    "rubbish in a certificate": ("holds a certificate that cannot be read", "cut off"),
    "rubbish behind the certificate": ("holds a certificate that cannot be read", "cut off"),
}


@pytest.mark.parametrize("case", TOLD)
def test_files_that_cannot_be_used(
    endpoint: TokenEndpoint,
    door: Door,
    wrong_files: dict[str, tuple[str, str | None]],
    case: str,
) -> None:
    """Each is a fault for a person, that names the file and the remedy; nobody is asked."""
    certificate, key = wrong_files[case]
    outcome = endpoint.fetch(door.token(certificate, key), 10)
    fault = fault_of(outcome)
    summary, advice = TOLD[case]
    assert (fault.reason, fault.lane) == (Reason.CREDENTIALS, Lane.PERMANENT)
    assert summary in fault.summary
    assert advice in fault.advice
    assert certificate in fault.summary or str(key) in fault.summary
    for file in filter(os.path.exists, (certificate, key or certificate)):
        for line in Path(file).read_text(encoding="latin-1").splitlines():
            assert not line or line.startswith("-----") or line not in repr(outcome)
    assert outcome.exchanges == ()
    assert door.server.connections == 0


def test_a_wrong_pair_is_mended_while_running(
    endpoint: TokenEndpoint,
    door: Door,
    tmp_path: Path,
) -> None:
    """Once the files are right the digest differs, and the next attempt gets a token."""
    leaf, other = door.clients.issue(), door.clients.issue()
    key = tmp_path / "tls.key"
    key.write_bytes(Path(other.key).read_bytes())
    token = door.token(leaf.certificate, str(key))
    first = endpoint.fetch(token, 10)
    assert isinstance(first.result, Fault)
    key.write_bytes(Path(leaf.key).read_bytes())
    assert endpoint.credentials(token) != first.credentials
    assert isinstance(endpoint.fetch(token, 10).result, Grant)


@pytest.mark.parametrize(
    ("days", "words", "advice"),
    [((-9, -1), "expired at 20", "renew"), ((5, 9), "is not valid before 20", "clock")],
)
def test_a_certificate_out_of_date(
    endpoint: TokenEndpoint,
    door: Door,
    days: tuple[int, int],
    words: str,
    advice: str,
) -> None:
    """The refusal names the file, the date, and what to do about it."""
    leaf = door.clients.issue(begins=days[0], ends=days[1])
    fault = fault_of(endpoint.fetch(door.token(leaf.certificate, leaf.key), 10))
    assert f"the client certificate in {leaf.certificate} {words}" in fault.summary
    assert advice in fault.advice
    assert fault.lane is Lane.PERMANENT or fault.reason is Reason.NETWORK


def test_the_server_decides_about_dates(
    endpoint: TokenEndpoint, authority: Authority, clients: Authority
) -> None:
    """A server that does not look at dates grants a token; that it has expired is told once."""
    leaf = clients.issue(begins=-9, ends=-1)
    with AuthorizationServer(tls=authority.issue().server()) as server:
        server.always = GRANTED
        token = Door(server, authority, clients, []).token(leaf.certificate, leaf.key)
        outcomes = [endpoint.fetch(token, 10) for _ in range(3)]
    assert all(isinstance(outcome.result, Grant) for outcome in outcomes)
    told = [notice for outcome in outcomes for notice in outcome.notices]
    (notice,) = told
    assert isinstance(notice, CertificateEnds)
    assert notice.file == leaf.certificate
    assert notice.left < 0


def test_an_end_that_is_near_is_told_once_for_each_certificate(
    endpoint: TokenEndpoint,
    door: Door,
    tmp_path: Path,
) -> None:
    """In the last tenth of its life, not before; the next certificate begins anew."""
    both = tmp_path / "both.pem"
    token = door.token(str(both), None)

    def told(leaf: Leaf) -> list[float]:
        both.write_bytes(Path(leaf.in_one()).read_bytes())
        fetched = [endpoint.fetch(token, 10) for _ in range(2)]
        assert all(isinstance(outcome.result, Grant) for outcome in fetched)
        notices = [notice for outcome in fetched for notice in outcome.notices]
        return [notice.left for notice in notices if isinstance(notice, CertificateEnds)]

    near, far = door.clients.issue(begins=-9.5, ends=0.5), door.clients.issue(begins=-8, ends=2)
    assert told(far) == []
    assert told(near) == [pytest.approx(43200, abs=600)]
    assert told(far) == told(near) == [], "it was told of already"


def test_a_server_that_misses_a_certificate(
    endpoint: TokenEndpoint, door: Door, token: TokenMaker
) -> None:
    """Without one, the fault names the keys to set."""
    fault = fault_of(
        endpoint.fetch(token(url=door.server.token_url, ca_file=door.authority.file), 10)
    )
    assert (fault.reason, fault.lane) == (Reason.TLS, Lane.PERMANENT)
    assert "asks for a client certificate" in fault.summary
    assert "tls.certFile" in fault.advice


def test_a_certificate_of_an_authority_that_is_not_known(
    endpoint: TokenEndpoint, door: Door
) -> None:
    """One that signed itself is refused by a server that wants an authority's."""
    leaf = door.clients.self_signed()
    fault = fault_of(endpoint.fetch(door.token(leaf.certificate, leaf.key), 10))
    assert (fault.reason, fault.lane) == (Reason.TLS, Lane.PERMANENT)
    assert leaf.certificate in fault.summary


def test_before_tls_1_3(
    endpoint: TokenEndpoint, authority: Authority, clients: Authority, token: TokenMaker
) -> None:
    """There a server says less; what may be missing is named all the same."""
    old = authority.issue().server(clients.file)
    old.maximum_version = old.maximum_version.TLSv1_2
    with AuthorizationServer(tls=old) as server:
        server.always = GRANTED
        door = Door(server, authority, clients, [])
        leaf, alone = clients.issue(), clients.self_signed()
        assert isinstance(endpoint.fetch(door.token(leaf.certificate, leaf.key), 10).result, Grant)
        fault = fault_of(endpoint.fetch(door.token(alone.certificate, alone.key), 10))
        assert (fault.reason, fault.lane) == (Reason.TLS, Lane.PERMANENT)
        assert alone.certificate in fault.summary
        fault = fault_of(endpoint.fetch(token(url=server.token_url, ca_file=authority.file), 10))
        assert fault.reason is Reason.TLS
        assert "tls.certFile" in fault.advice


def test_a_rehearsal_tries_the_pair(
    endpoint: TokenEndpoint, door: Door, wrong_files: dict[str, tuple[str, str | None]]
) -> None:
    """What keeps a request from being sent is known before anybody is asked."""
    for case, (summary, _) in TOLD.items():
        fault = endpoint.rehearse(door.token(*wrong_files[case]))
        assert fault is not None
        assert summary in fault.summary
    leaf = door.clients.issue()
    assert endpoint.rehearse(door.token(leaf.certificate, leaf.key)) is None
    assert door.server.connections == 0


def test_an_identity_shows_nothing(clients: Authority) -> None:
    """Neither the key nor the certificate is in its text."""
    leaf = clients.issue()
    token = TokenConfig(name="a", token_url="https://x/", tls=Tls(cert_file=leaf.in_one()))
    identity = channel_in(token, {leaf.in_one(): Path(leaf.in_one()).read_bytes()}).identity
    secret = Path(leaf.key).read_text(encoding="ascii").splitlines()[1]
    assert identity is not None
    assert secret[:8] not in repr(identity)
    assert identity.digest not in repr(identity)
    assert "CERTIFICATE" not in repr(identity)
