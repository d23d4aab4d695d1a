"""The last step to a token's configuration: `{name}` in its paths, and equal parts held once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, TypeVar, final

from secret_refresher.config.consumer_rules import named_consumer
from secret_refresher.config.model import FileSink, SecretSink, TokenConfig

T = TypeVar("T")


@final
class Completion:
    """Completes tokens; among thousands most parts are equal, and equal ones are one object."""

    def __init__(self) -> None:
        self._shared: dict[Hashable, Any] = {}

    def complete(self, token: TokenConfig) -> TokenConfig:
        """The same with its name in its paths; what is `BAD` in it stays so."""

        def named(path: str) -> str:
            return path.replace("{name}", token.name)

        def perhaps(path: str | None) -> str | None:
            return None if path is None else named(path)

        auth, share = token.auth, self._share
        return replace(
            token,
            token_url=share(_lower_scheme(token.token_url)),
            issuer=share(_lower_scheme(token.issuer)),
            auth=share(
                replace(
                    auth,
                    client_id_file=perhaps(auth.client_id_file),
                    client_secret_file=named(auth.client_secret_file),
                    previous_client_secret_file=perhaps(auth.previous_client_secret_file),
                    private_key_file=named(auth.private_key_file),
                    assertion_file=named(auth.assertion_file),
                )
            ),
            # Its mappings have no hash, and to == 1, 1.0 and True are the same.
            request=share(token.request, key=repr(token.request)),
            tls=share(
                replace(
                    token.tls,
                    ca_file=perhaps(token.tls.ca_file),
                    cert_file=perhaps(token.tls.cert_file),
                    key_file=perhaps(token.tls.key_file),
                )
            ),
            refresh=share(token.refresh),
            sinks=tuple(self._sink(sink, named) for sink in token.sinks),
            notify=tuple(named_consumer(consumer, named) for consumer in token.notify),
        )

    def _sink(self, sink: Any, named: Callable[[str], str]) -> Any:
        if isinstance(sink, FileSink):
            return replace(sink, path=named(sink.path), render=self._share(sink.render))
        if isinstance(sink, SecretSink):
            data = self._share(sink.data, key=repr(sink.data))
            return replace(sink, name=named(sink.name), data=data)
        return sink  # `BAD`

    def _share(self, value: T, key: Hashable = None) -> T:
        shared: T = self._shared.setdefault(value if key is None else key, value)
        return shared


def _lower_scheme(url: T) -> T | str:
    """A URL as everything else reads it: whether TLS is meant must not depend on a capital letter.

    The scheme has no case (RFC 3986 section 3.1).
    """
    if not isinstance(url, str):
        return url  # None, or `BAD`
    scheme, colon, rest = url.partition(":")
    return f"{scheme.lower()}{colon}{rest}"
