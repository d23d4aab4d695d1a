"""Over what TLS a token is asked for: whom we trust, and who we are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from secret_refresher.adapters.token_endpoint.trust import Trust, named_bundle, trust_in
from secret_refresher.config.model import TokenConfig
from secret_refresher.errors import Fault

if TYPE_CHECKING:
    from secret_refresher.adapters.token_endpoint.identity import Identity


@final
@dataclass(frozen=True, slots=True)
class Channel:
    """`trust` holds for every server that a token needs, `identity` for its endpoint alone."""

    trust: Trust
    identity: Identity | None = None


def tls_files(token: TokenConfig) -> Iterator[str]:
    """The files that the channel is made of."""
    authorities = _authorities(token)
    if authorities is not None:
        yield authorities[1]
    for path in (token.tls.cert_file, token.tls.key_file):
        if path is not None:
            yield path


def channel_in(token: TokenConfig, files: Mapping[str, bytes | Fault]) -> Channel:
    """The channel that the files make, as they were read. Raises `Trouble` that names one."""
    identity = None
    certificate, key = token.tls.cert_file, token.tls.key_file
    if certificate is not None:
        from secret_refresher.adapters.token_endpoint.identity import identity_in

        apart = key if key != certificate else None
        held = None if apart is None else files[apart]
        identity = identity_in(certificate, files[certificate], apart, held)
    return Channel(_trust(token, files), identity)


def _authorities(token: TokenConfig) -> tuple[str, str] | None:
    """What names authorities for a token, and the file or folder; None for the machine's own."""
    if token.issuer is None and not token.token_url.startswith("https:"):
        return None
    return ("tls.caFile", token.tls.ca_file) if token.tls.ca_file else named_bundle(os.environ)


def _trust(token: TokenConfig, files: Mapping[str, bytes | Fault]) -> Trust:
    named = _authorities(token)
    if named is None:
        return Trust()
    named_by, path = named
    if not token.tls.ca_file and os.path.isdir(path):
        return Trust(path)
    return trust_in(path, files[path], named_by)
