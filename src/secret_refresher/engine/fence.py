"""Asks for a token only while it may be acted for."""

from __future__ import annotations

from typing import final

from secret_refresher.config.model import TokenConfig
from secret_refresher.errors import not_held
from secret_refresher.ports import Fence, Outcome, TokenSource


@final
class FencedSource:
    """Implements `ports.TokenSource` over another; asked on a worker, right before it sends."""

    def __init__(self, source: TokenSource, fence: Fence) -> None:
        self._source = source
        self._fence = fence

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """As the source does, while the fence is open."""
        if not self._fence.open(token.name):
            return Outcome(not_held(token.name))
        return self._source.fetch(token, timeout)

    def credentials(self, token: TokenConfig) -> str:
        """As the source has it."""
        return self._source.credentials(token)
