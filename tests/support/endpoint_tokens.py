"""Configurations of tokens for tests that ask a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from secret_refresher.config.model import Auth, AuthMethod, Refresh, Request, Tls, TokenConfig


class TokenMaker:
    """Makes a token's configuration; what is not said fits the server at `url`.

    Its secret is in `secret_file`; the client id is `me`. Further keywords are members of
    `Request`.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self.secret_file = folder / "client_secret"
        self.secret("sesame")

    def secret(self, text: str) -> None:
        """Writes the secret."""
        self.secret_file.write_text(f"{text}\n", encoding="utf-8")

    def __call__(
        self,
        *,
        url: str | None = None,
        auth: Auth | None = None,
        auth_method: AuthMethod | None = None,
        previous: Path | None = None,
        ca_file: str | None = None,
        default_lifetime: float | None = None,
        **request: Any,
    ) -> TokenConfig:
        """One token."""
        usual = Auth(
            client_id="me",
            client_secret_file=str(self.secret_file),
            previous_client_secret_file=None if previous is None else str(previous),
            method=auth_method,
        )
        return TokenConfig(
            name="partner-api",
            token_url=url or self._url,
            auth=auth or usual,
            request=Request(**request),
            tls=Tls(ca_file=ca_file),
            refresh=Refresh(default_lifetime=default_lifetime),
        )
