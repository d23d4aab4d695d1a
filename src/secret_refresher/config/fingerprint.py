"""What makes a token the token of one source: compared on reload, written beside it.

A sink adds the digest of its own rendering itself, so nothing here knows of sinks.
"""

from __future__ import annotations

import hashlib
import json

from secret_refresher.config.methods import credential_files
from secret_refresher.config.model import TokenConfig

_VERSION = "v1"


def source_section(token: TokenConfig) -> tuple[object, ...]:
    """What a fetch depends on, as a value to compare: equal sections fetch equal tokens.

    Writing a default out, or naming parameters in another order, changes nothing.
    """
    auth, request = token.auth, token.request
    return (
        token.token_url,
        token.issuer,
        token.auth_method,
        auth.client_id,
        tuple(credential_files(auth, token.auth_method)),
        (auth.key_id, auth.algorithm, auth.assertion_audience),
        token.tls,
        request.format,
        request.method,
        request.scope,
        request.audience,
        request.resource,
        # As text, because to == the parameters 1 and true are the same.
        json.dumps(dict(request.parameters), sort_keys=True),
        frozenset((name.lower(), value) for name, value in request.headers.items()),
    )


def source_fingerprint(token: TokenConfig) -> str:
    """The source as `v1:` and 32 hexadecimal digits, fit to be written where anybody reads it.

    Parameters and headers are told by their names only, a client id only where the
    configuration has it in the clear: nothing that goes in may be a secret.
    """
    request = token.request
    public = {
        ("tokenUrl" if token.issuer is None else "issuer"): token.asked_at,
        "clientId": token.auth.client_id,
        "scope": request.scope,
        "audience": request.audience,
        "resource": request.resource,
        "parameters": sorted(request.parameters),
        "headers": sorted(name.lower() for name in request.headers),
    }
    canonical = json.dumps(public, sort_keys=True, separators=(",", ":"))
    return f"{_VERSION}:{hashlib.sha256(canonical.encode()).hexdigest()[:32]}"
