"""What is allowed but probably not meant."""

from __future__ import annotations

from collections.abc import Iterator

from secret_refresher.config.fingerprint import source_section
from secret_refresher.config.model import AuthMethod, Config, RequestMethod, State, TokenConfig


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
    for sink in token.sinks:
        template = sink.render.template
        if template is not None and "accessToken" not in template:
            yield (
                f"token {token.name}: the template of {sink.path} never names accessToken; write"
                " {{ accessToken }} where the token belongs"
            )
