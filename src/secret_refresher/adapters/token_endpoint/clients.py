"""Who we are to a token endpoint, by `auth.method`: from credential files to a proof."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, final

from secret_refresher.adapters.token_endpoint.request import Client
from secret_refresher.config.methods import GIVEN, SECRETS, SIGNED
from secret_refresher.config.model import TokenConfig
from secret_refresher.errors import Fault
from secret_refresher.ports import Clock
from secret_refresher.tokens import assertion, credentials
from secret_refresher.tokens.secret import Secret

if TYPE_CHECKING:
    from secret_refresher.adapters.token_endpoint.signing import KeyRing

Files = Mapping[str, bytes | Fault]


@final
class Clients:
    """Makes proofs for many threads; remembers keys that have been read."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ring: KeyRing | None = None

    def client(self, token: TokenConfig, files: Files, issuer: str | None = None) -> Client:
        """The client with its current credentials; `issuer` is the server's, where it is known.

        Raises `Trouble` where a credential is missing or unusable.
        """
        auth, method = token.auth, token.auth_method
        client_id = _client_id(token, files)
        if method in SECRETS:
            path = auth.client_secret_file
            return Client(client_id, secret=credentials.parse(path, files[path]))
        if method in GIVEN:
            path = auth.assertion_file
            given = assertion.parse(path, files[path])
            return Client(client_id, assertion=lambda: given)
        if method in SIGNED and client_id is not None:
            return Client(
                client_id, assertion=self._signer(token, files, client_id, audience(token, issuer))
            )
        return Client(client_id)

    def _signer(
        self, token: TokenConfig, files: Files, client_id: Secret[str], whom: str
    ) -> Callable[[], Secret[str]]:
        """Makes one assertion after another with the key as it is now."""
        from secret_refresher.adapters.token_endpoint import signing

        with self._lock:
            if self._ring is None:
                self._ring = signing.KeyRing()
            ring = self._ring
        auth = token.auth
        path = auth.private_key_file
        key = ring.key(path, files[path], auth.key_id, auth.algorithm)
        return lambda: signing.assertion(key, client_id, whom, self._clock.wall())


def audience(token: TokenConfig, issuer: str | None) -> str:
    """Whom a signed assertion is for (`aud`), as one value.

    What is configured, else the issuer where discovery told it: the only audience that the
    successor of RFC 7523 (draft-ietf-oauth-rfc7523bis section 4) lets servers take. Without
    discovery nobody knows the issuer; then the token endpoint's URL, which RFC 7523 section 3
    names, and which Okta and Microsoft Entra ID document. Auth0 wants its issuer.
    """
    return token.auth.assertion_audience or issuer or token.token_url


def _client_id(token: TokenConfig, files: Files) -> Secret[str] | None:
    """The client id; None where the assertion alone says who asks."""
    auth = token.auth
    if auth.client_id is not None:
        return Secret(auth.client_id)
    path = auth.client_id_file
    return None if path is None else credentials.parse(path, files[path])
