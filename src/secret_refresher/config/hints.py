"""What is allowed but probably not meant."""

from __future__ import annotations

from collections.abc import Iterator

from secret_refresher.config.fingerprint import source_section
from secret_refresher.config.model import AuthMethod, Config, RequestMethod, State


def hints(config: Config) -> Iterator[str]:
    """Sentences, each naming its token; none of them stops anything."""
    first: dict[str, str] = {}
    for token in config.tokens:
        if token.state is State.ABSENT:
            continue
        post = token.auth.method is AuthMethod.CLIENT_SECRET_POST
        if token.request.method is RequestMethod.GET and post:
            yield (
                f"token {token.name}: GET with client_secret_post puts the secret into the URL,"
                " where proxies and servers log it; use POST, or client_secret_basic"
            )
        section = repr(source_section(token))
        if section in first:
            yield (
                f"token {token.name} would fetch the same as {first[section]}; give one token"
                " both sinks"
            )
        first.setdefault(section, token.name)
