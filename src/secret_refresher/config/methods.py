"""Which credentials belong to which way of authentication."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from secret_refresher.config.model import Auth, AuthMethod
from secret_refresher.config.sections import Part, given

SECRETS = (AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST)
SIGNED = (AuthMethod.PRIVATE_KEY_JWT,)
GIVEN = (AuthMethod.CLIENT_ASSERTION,)
SHOWN = (AuthMethod.TLS_CLIENT_AUTH, AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH)
"""A client certificate is all the proof there is."""
BELONGS: Mapping[str, tuple[AuthMethod, ...]] = {
    "clientSecretFile": SECRETS,
    "previousClientSecretFile": SECRETS,
    "privateKeyFile": SIGNED,
    "keyId": SIGNED,
    "algorithm": SIGNED,
    "assertionAudience": SIGNED,
    "assertionFile": GIVEN,
}
"""Keys of `auth` that count for some methods only."""


def credential_files(auth: Auth, method: AuthMethod) -> Iterator[tuple[str, str]]:
    """Every credential file that the method reads, with the key that names it."""
    if auth.client_id is None and auth.client_id_file is not None:
        yield "clientIdFile", auth.client_id_file
    if method in SECRETS:
        yield "clientSecretFile", auth.client_secret_file
        if auth.previous_client_secret_file is not None:
            yield "previousClientSecretFile", auth.previous_client_secret_file
    elif method in SIGNED:
        yield "privateKeyFile", auth.private_key_file
    elif method in GIVEN:
        yield "assertionFile", auth.assertion_file


def of_the_method(beneath: Part, own: Part) -> Part:
    """The default's `auth` under a token's own, less what belongs to another method.

    A token that chooses a method chooses its credentials with it; null chooses the request
    format's own way, which is one with a secret.
    """
    chosen = own.get("method") or SECRETS[0]
    if "method" not in own or not isinstance(chosen, AuthMethod):
        return beneath
    return Part(
        (key, value) for key, value in beneath.items() if chosen in BELONGS.get(key, (chosen,))
    )


def identified(auth: Auth, part: object) -> Auth:
    """The same, without a client id where nobody names one and the assertion says who it is.

    An assertion's subject is the client, so the id may be left out (RFC 7521 section 4.2).
    """
    named = isinstance(part, Part) and any(
        given(part.get(key)) for key in ("clientId", "clientIdFile")
    )
    return auth if named or auth.method not in GIVEN else replace(auth, client_id_file=None)
