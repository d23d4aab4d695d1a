"""Configurations, grants and tokens for tests of the core."""

from __future__ import annotations

from secret_refresher.config.model import Auth, FileSink, Refresh, State, TokenConfig
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Grant

WALL = 1_700_000_000.0
"""The wall clock at the zero of the process's clock."""


def token_config(
    name: str = "partner-api",
    *,
    sinks: int = 1,
    refresh: Refresh | None = None,
    url: str = "https://id.example.com/oauth/token",
    adopt: bool = True,
    state: State = State.PRESENT,
) -> TokenConfig:
    """One configured token with that many file sinks."""
    return TokenConfig(
        name=name,
        state=state,
        token_url=url,
        auth=Auth(client_id="me", client_secret_file="/credentials/secret"),
        refresh=refresh or Refresh(),
        adopt=adopt,
        sinks=tuple(FileSink(path=f"/tokens/{name}-{number}") for number in range(sinks)),
    )


def grant(text: str, now: float, lifetime: float = 100.0) -> Grant:
    """A token as a server grants it at `now`."""
    return Grant(Secret(text), "Bearer", None, lifetime, now, WALL + now)


def files_of(token: TokenConfig) -> tuple[FileSink, ...]:
    """The sinks of a token that are files; all of them must be."""
    files = tuple(sink for sink in token.sinks if isinstance(sink, FileSink))
    assert len(files) == len(token.sinks)
    return files
