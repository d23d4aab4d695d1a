"""Assertions on their way to a server, over real connections."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.adapters.token_endpoint.clients import audience
from secret_refresher.adapters.token_endpoint.request import Client, token_request
from secret_refresher.config.model import (
    Algorithm,
    Auth,
    AuthMethod,
    RequestFormat,
    RequestMethod,
    TokenConfig,
)
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Grant
from support.authorization_answers import CUT, Answer, Recorded, answer, redirect, refusal
from support.authorization_server import AuthorizationServer
from support.client_keys import Keyring
from support.endpoint_tokens import TokenMaker
from support.oidc_provider import OidcProvider

SIGNED, GIVEN = AuthMethod.PRIVATE_KEY_JWT, AuthMethod.CLIENT_ASSERTION
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANTED = {"access_token": "granted", "expires_in": 600}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    """Keys that clients sign with."""
    return Keyring(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def server(server: AuthorizationServer) -> AuthorizationServer:
    """One that believes everybody; who is right is for the tests to say."""
    server.always = answer(GRANTED)
    return server


def signing(keys: Keyring, **more: Any) -> Auth:
    """Credentials of the client `me`, who signs."""
    file = str(keys.key("ES256").file)
    return Auth(**{"method": SIGNED, "client_id": "me", "private_key_file": file, **more})


def given(file: Path, **more: Any) -> Auth:
    """Credentials of a client whose assertion is in a file."""
    return Auth(**{"method": GIVEN, "client_id_file": None, "assertion_file": str(file), **more})


def part(assertion: object, index: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of an assertion."""
    text = str(assertion).split(".")[index]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return said


def claims(seen: Recorded) -> dict[str, Any]:
    """What the assertion in a request says."""
    return part(seen.parameters()["client_assertion"], 1)


def fault_of(endpoint: TokenEndpoint, config: TokenConfig) -> Fault:
    """Why no token came."""
    result = endpoint.fetch(config, 10).result
    assert isinstance(result, Fault)
    return result


# --- signed by us ----------------------------------------------------------------------------


def test_the_request_of_one_who_signs(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, keys: Keyring
) -> None:
    """The form holds who asks, the assertion and its type, and then what every form does."""
    config = token(auth=signing(keys, key_id="k1"), scope=("read", "write"))
    assert isinstance(endpoint.fetch(config, 10).result, Grant)
    (seen,) = server.requests
    assert seen.header("authorization") is None
    assert [name for name, _ in seen.pairs] == [
        "client_id",
        "client_assertion_type",
        "client_assertion",
        "grant_type",
        "scope",
    ]
    parameters = seen.parameters()
    assert (parameters["client_id"], parameters["client_assertion_type"]) == ("me", TYPE)
    assert part(parameters["client_assertion"], 0) == {"alg": "ES256", "typ": "JWT", "kid": "k1"}
    said = claims(seen)
    assert (said["iss"], said["sub"], said["aud"]) == ("me", "me", server.token_url)
    assert said["exp"] - said["iat"] == 60
    assert abs(said["iat"] - time.time()) < 30


def test_an_assertion_in_json(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, keys: Keyring
) -> None:
    """A JSON body has the same members, as texts."""
    endpoint.fetch(token(auth=signing(keys), format=RequestFormat.JSON), 10)
    body = json.loads(server.requests[0].body)
    assert list(body) == ["client_id", "client_assertion_type", "client_assertion", "grant_type"]
    assert part(body["client_assertion"], 1)["sub"] == "me"


def test_an_assertion_in_the_query(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, keys: Keyring
) -> None:
    """GET has them in the query, since nothing else is left."""
    endpoint.fetch(token(auth=signing(keys), method=RequestMethod.GET), 10)
    (seen,) = server.requests
    assert seen.body == b""
    assert claims(seen)["sub"] == "me"


def test_whom_it_is_for(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, keys: Keyring
) -> None:
    """The audience is the token endpoint unless the configuration names another."""
    endpoint.fetch(token(auth=signing(keys, assertion_audience="https://id.example.com/")), 10)
    assert claims(server.requests[0])["aud"] == "https://id.example.com/"


@pytest.mark.parametrize(
    ("configured", "issuer", "whom"),
    [
        (None, None, "https://id.example.com/token"),
        (None, "https://id.example.com", "https://id.example.com"),
        ("urn:server", None, "urn:server"),
        ("urn:server", "https://id.example.com", "urn:server"),
    ],
)
def test_whom_it_is_for_where_the_issuer_is_known(
    configured: str | None, issuer: str | None, whom: str
) -> None:
    """What is configured comes before the issuer, and that before the token endpoint."""
    auth = Auth(method=SIGNED, assertion_audience=configured)
    config = TokenConfig(name="a", token_url="https://id.example.com/token", auth=auth)
    assert audience(config, issuer) == whom


def test_a_request_made_anew_stays_where_it_was_sent() -> None:
    """After a redirect the request is made again for where that led."""
    made = iter("abc")
    client = Client(Secret("me"), assertion=lambda: Secret(next(made)))
    config = TokenConfig(name="a", token_url="https://x/token", auth=Auth(method=SIGNED))
    request = token_request(config, client, "test").to("https://x/elsewhere").again()
    assert request.url == "https://x/elsewhere"
    assert b"client_assertion=c&" in (request.body or b"")


def test_each_request_has_an_assertion_of_its_own(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, keys: Keyring
) -> None:
    """A server that takes an assertion once only is never shown one twice, redirects included."""
    server.queue(redirect("/elsewhere"), redirect("/again", 302), refusal("server_error", 503))
    config = token(auth=signing(keys))
    endpoint.fetch(config, 10)
    endpoint.fetch(config, 10)
    assert [seen.path for seen in server.requests] == [
        "/oauth/token",
        "/elsewhere",
        "/again",
        "/oauth/token",
    ]
    assert len({claims(seen)["jti"] for seen in server.requests}) == 4
    assert {claims(seen)["aud"] for seen in server.requests} == {server.token_url}


def test_a_request_that_is_sent_again_too(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, keys: Keyring
) -> None:
    """A kept connection that died may have brought the assertion: the second try has another."""
    config = token(auth=signing(keys))
    slow = Answer(200, {}, json.dumps(GRANTED).encode(), delay=1.5)
    server.queue(slow)
    burst = threading.Thread(target=endpoint.fetch, args=(config, 10))
    burst.start()
    while not server.requests:
        time.sleep(0.01)
    endpoint.fetch(config, 10)
    server.queue(CUT)
    outcome = endpoint.fetch(config, 10)
    burst.join()
    assert isinstance(outcome.result, Grant)
    assert len(outcome.exchanges) == 1
    assert len(server.requests) == 4
    assert len({claims(seen)["jti"] for seen in server.requests}) == 4


def test_a_new_key_is_taken_with_the_next_request(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    keys: Keyring,
    tmp_path: Path,
) -> None:
    """The key file is read for each fetch, and a change of it is a change of credentials."""
    file = tmp_path / "private_key"
    config = token(auth=signing(keys, private_key_file=str(file)))
    digests = set()
    for algorithm in ("ES256", "EdDSA", "RS256"):
        file.write_bytes(keys.key(algorithm).file.read_bytes())
        digests.add(endpoint.fetch(config, 10).credentials)
    heads = [part(seen.parameters()["client_assertion"], 0) for seen in server.requests]
    assert [head["alg"] for head in heads] == ["ES256", "EdDSA", "RS256"]
    assert len(digests) == 3
    assert endpoint.credentials(config) in digests


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot read FILE: No such file or directory"),
        ("", "the key file FILE is empty"),
        ("sesame-sesame-sesame", "the key file FILE holds no private key"),
    ],
)
def test_a_key_that_cannot_be_used_costs_no_request(
    *,
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    keys: Keyring,
    tmp_path: Path,
    content: str | None,
    told: str,
) -> None:
    """What is wrong with a key file is told with its path, and nobody is asked."""
    file = tmp_path / "private_key"
    if content is not None:
        file.write_text(content)
    fault = fault_of(endpoint, token(auth=signing(keys, private_key_file=str(file))))
    assert (fault.reason, fault.lane) == (Reason.CREDENTIALS, Lane.PERMANENT)
    assert told.replace("FILE", str(file)) in str(fault)
    assert "sesame" not in str(fault)
    assert not server.requests


def test_an_algorithm_that_does_not_fit_costs_no_request(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, keys: Keyring
) -> None:
    """An algorithm for another kind of key is told before anybody is asked."""
    fault = fault_of(endpoint, token(auth=signing(keys, algorithm=Algorithm.PS256)))
    assert "holds an EC key on secp256r1, which cannot sign with auth.algorithm PS256" in str(fault)
    assert not server.requests


@pytest.mark.parametrize(
    ("off", "told"), [(330, "behind the server's"), (-330, "ahead of the server's")]
)
def test_a_clock_five_minutes_off(
    *,
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    keys: Keyring,
    off: int,
    told: str,
) -> None:
    """A refusal whose Date is far from our clock says clock, by how much and which way."""
    server.queue(refusal("invalid_client", 401, Date=formatdate(time.time() + off, usegmt=True)))
    fault = fault_of(endpoint, token(auth=signing(keys)))
    assert "; this machine's clock is 5 min " in fault.summary
    assert fault.summary.endswith(told)
    assert fault.reason is Reason.INVALID_CLIENT
    assert "set this machine's clock" in fault.advice


def test_a_refused_key_says_what_to_look_at(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, keys: Keyring
) -> None:
    """Where the clock is right, the refusal names the key file and the audience, and no secret."""
    server.queue(refusal("invalid_client", 401))
    auth = signing(keys)
    fault = fault_of(endpoint, token(auth=auth))
    assert f"the public half of {auth.private_key_file}" in fault.advice
    assert "client id and secret" not in fault.advice
    told = repr(fault) + repr(endpoint) + repr(auth)
    assertion = str(server.requests[0].parameters()["client_assertion"])
    assert not any(piece in told for piece in assertion.split("."))


# --- signed by somebody else -----------------------------------------------------------------


def projected(keys: Keyring, name: str = "app", life: float = 3600) -> str:
    """A token as the API server gives one to a ServiceAccount."""
    return keys.assertion(
        {
            "iss": "https://kubernetes.default.svc",
            "sub": f"system:serviceaccount:default:{name}",
            "aud": ["api://exchange"],
            "iat": int(time.time()),
            "exp": int(time.time() + life),
        }
    )


def test_a_given_assertion_is_read_for_each_fetch(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    keys: Keyring,
    tmp_path: Path,
) -> None:
    """Each request has what the file holds then, byte for byte; no client id is made up."""
    file = tmp_path / "token"
    sent = [projected(keys, "a"), projected(keys, "b")]
    for content in sent:
        file.write_text(content)
        assert isinstance(endpoint.fetch(token(auth=given(file)), 10).result, Grant)
    assert [seen.pairs for seen in server.requests] == [
        [
            ("client_assertion_type", TYPE),
            ("client_assertion", content),
            ("grant_type", "client_credentials"),
        ]
        for content in sent
    ]


def test_a_client_id_beside_a_given_assertion(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    keys: Keyring,
    tmp_path: Path,
) -> None:
    """A client id goes with it where one is named: Microsoft Entra ID asks for it."""
    file = tmp_path / "token"
    file.write_text(projected(keys))
    endpoint.fetch(token(auth=given(file, client_id="11111111-2222")), 10)
    assert server.requests[0].pairs[0] == ("client_id", "11111111-2222")


@pytest.mark.parametrize("content", ["sesame-sesame", "-----BEGIN PRIVATE KEY-----\nAA", ""])
def test_what_is_no_assertion_is_never_sent(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    tmp_path: Path,
    content: str,
) -> None:
    """A secret or a key in the assertion's place is told, and does not leave the machine."""
    file = tmp_path / "token"
    file.write_text(content)
    fault = fault_of(endpoint, token(auth=given(file)))
    assert (fault.reason, fault.lane) == (Reason.CREDENTIALS, Lane.PERMANENT)
    assert str(file) in fault.summary
    assert "sesame" not in str(fault)
    assert not server.requests


def test_an_expired_assertion_is_for_the_server_to_refuse(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    keys: Keyring,
    tmp_path: Path,
) -> None:
    """It is sent, as our clock may be wrong; refused, the fault says by whose clock it is late."""
    file = tmp_path / "token"
    file.write_text(projected(keys, life=-3000))
    config = token(auth=given(file))
    assert isinstance(endpoint.fetch(config, 10).result, Grant)
    server.queue(refusal("invalid_client", 401))
    fault = fault_of(endpoint, config)
    assert f"the assertion in {file} expired 50 min" in fault.summary
    assert "by the server's clock; see who renews it" in str(fault)


# --- a server that nobody here wrote ---------------------------------------------------------


class Shifted:
    """The machine's clocks, its wall clock off by some seconds."""

    def __init__(self, seconds: float) -> None:
        self._clock = SystemClock()
        self._seconds = seconds

    def now(self) -> float:
        """As it is."""
        return self._clock.now()

    def wall(self) -> float:
        """Off."""
        return self._clock.wall() + self._seconds


@contextmanager
def knowing(keys: Keyring, *algorithms: str) -> Iterator[OidcProvider]:
    """A provider with one client for each algorithm, named like it."""
    clients = [
        {
            "client_id": algorithm,
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": algorithm,
            "grant_types": ["client_credentials"],
            "redirect_uris": [],
            "response_types": [],
            "jwks": {"keys": [keys.key(algorithm).jwk]},
        }
        for algorithm in algorithms
    ]
    with OidcProvider(clients, algorithms=algorithms) as provider:
        yield provider


@pytest.fixture(scope="module")
def provider(keys: Keyring) -> Iterator[OidcProvider]:
    """One that knows a client for an RSA key and one for a curve."""
    with knowing(keys, "PS256", "ES256") as running:
        yield running


def asking(keys: Keyring, algorithm: str, **more: Any) -> Auth:
    """Credentials of a provider's client."""
    file = str(keys.key(algorithm).file)
    return Auth(
        **{
            "method": SIGNED,
            "client_id": algorithm,
            "private_key_file": file,
            "algorithm": Algorithm(algorithm),
            **more,
        }
    )


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
def test_a_real_server_takes_it(
    endpoint: TokenEndpoint,
    token: TokenMaker,
    keys: Keyring,
    provider: OidcProvider,
    algorithm: str,
) -> None:
    """A certified server takes request after request, for its token endpoint or for itself."""
    for whom in (None, provider.issuer):
        auth = asking(keys, algorithm, assertion_audience=whom)
        result = endpoint.fetch(token(url=provider.token_url, auth=auth), 20).result
        assert isinstance(result, Grant), whom


@pytest.mark.parametrize(
    "more", [{"private_key_file": "other"}, {"assertion_audience": "https://elsewhere.example"}]
)
def test_a_real_server_refuses(
    *,
    endpoint: TokenEndpoint,
    token: TokenMaker,
    keys: Keyring,
    provider: OidcProvider,
    tmp_path: Path,
    more: dict[str, str],
) -> None:
    """Another key and another audience are refused as invalid_client, with what to look at."""
    if "private_key_file" in more:
        stranger = Keyring(tmp_path).key("ES256")
        more = {"private_key_file": str(stranger.file)}
    config = token(url=provider.token_url, auth=asking(keys, "ES256", **more))
    fault = fault_of(endpoint, config)
    assert (fault.reason, fault.lane) == (Reason.INVALID_CLIENT, Lane.PERMANENT)
    assert "auth.assertionAudience" in fault.advice


def test_a_real_server_and_a_clock_that_is_slow(
    token: TokenMaker, keys: Keyring, provider: OidcProvider
) -> None:
    """An assertion that has expired is refused, and the fault says that it is the clock."""
    slow = TokenEndpoint(Shifted(-330), MountReader(), "test")
    fault = fault_of(slow, token(url=provider.token_url, auth=asking(keys, "ES256")))
    assert (fault.reason, fault.lane) == (Reason.INVALID_CLIENT, Lane.PERMANENT)
    assert "; this machine's clock is 5 min " in fault.summary
    assert fault.summary.endswith("behind the server's")


def test_a_real_server_and_a_clock_that_is_fast(
    token: TokenMaker, keys: Keyring, provider: OidcProvider
) -> None:
    """An assertion from the future is taken: it has no `nbf` that forbids it."""
    fast = TokenEndpoint(Shifted(330), MountReader(), "test")
    config = token(url=provider.token_url, auth=asking(keys, "ES256"))
    assert isinstance(fast.fetch(config, 10).result, Grant)


# --- what it costs who does not sign ---------------------------------------------------------

LOADED = """
import sys
from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.config.model import Auth, AuthMethod, TokenConfig
import secret_refresher.cli.run

url, method, file = sys.argv[1:]
auth = Auth(method=AuthMethod(method), client_id="me", client_secret_file=file,
            assertion_file=file, private_key_file=file)
endpoint = TokenEndpoint(SystemClock(), MountReader(), "test")
outcome = endpoint.fetch(TokenConfig(name="a", token_url=url, auth=auth), 20)
print(type(outcome.result).__name__, *sorted({"jwt", "cryptography"} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("method", "loaded"),
    [
        ("client_secret_basic", "Grant"),
        ("client_secret_post", "Grant"),
        ("client_assertion", "Grant"),
        ("private_key_jwt", "Grant cryptography jwt"),
    ],
)
def test_only_who_signs_loads_what_signs(
    server: AuthorizationServer, keys: Keyring, tmp_path: Path, method: str, loaded: str
) -> None:
    """The libraries that sign are loaded by a token that signs, and by no other."""
    file = tmp_path / "credential"
    file.write_bytes(
        keys.key("ES256").file.read_bytes()
        if method == "private_key_jwt"
        else projected(keys).encode()
    )
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, server.token_url, method, str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == loaded
