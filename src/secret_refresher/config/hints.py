"""What is allowed but probably not meant."""

from __future__ import annotations

from collections.abc import Iterator

from secret_refresher.config.consumer_rules import consumer_hints
from secret_refresher.config.fingerprint import source_section
from secret_refresher.config.methods import GIVEN, SIGNED
from secret_refresher.config.model import (
    AuthMethod,
    Config,
    RequestMethod,
    SecretSink,
    SinkSpec,
    State,
    TokenConfig,
)
from secret_refresher.tokens.rendering import Render


def hints(config: Config) -> Iterator[str]:
    """Sentences, each naming its token; none of them stops anything."""
    if not config.tokens:
        yield "there is no token, so there is nothing to do; add one under tokens"
    first: dict[tuple[object, ...], str] = {}
    for token in config.tokens:
        if token.state is State.ABSENT:
            continue
        yield from _token(token)
        other = first.setdefault(source_section(token), token.name)
        if other != token.name:
            yield (
                f"token {token.name} would fetch the same as {other}; give one token the sinks"
                " of both"
            )


def _token(token: TokenConfig) -> Iterator[str]:
    post = token.auth_method is AuthMethod.CLIENT_SECRET_POST
    if token.request.method is RequestMethod.GET and post:
        yield (
            f"token {token.name}: GET with client_secret_post puts the secret into the URL,"
            " where proxies and servers log it; use POST, or client_secret_basic"
        )
    asserts = token.auth_method in (*SIGNED, *GIVEN)
    if token.request.method is RequestMethod.GET and asserts:
        yield (
            f"token {token.name}: GET with {token.auth_method} puts the assertion into the URL,"
            " where proxies and servers log it, and whoever reads that may use it while it lives;"
            " use POST"
        )
    yield from consumer_hints(token)
    for sink in token.sinks:
        for where, render in _renders(sink):
            if render.template is not None and "accessToken" not in render.template:
                yield (
                    f"token {token.name}: the template of {where} never names accessToken; write"
                    " {{ accessToken }} where the token belongs"
                )
        selector = sink.namespace_selector if isinstance(sink, SecretSink) else None
        if selector is not None and not selector.query():
            yield (
                f"token {token.name}: the namespaceSelector is empty, so every namespace gets the"
                " token; name the labels of those that should"
            )


def _renders(sink: SinkSpec) -> Iterator[tuple[str, Render]]:
    """Each rendering and where it goes."""
    if isinstance(sink, SecretSink):
        for key, render in sink.data.items():
            yield f"key {key} of Secret {sink.name}", render
    else:
        yield sink.path, sink.render
