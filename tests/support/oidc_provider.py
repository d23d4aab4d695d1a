"""npm `oidc-provider`, a certified OpenID provider, as a process on loopback.

with OidcProvider([client], ttl=600) as provider:
    provider.token_url
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from support.certificates import Leaf
from support.real_servers import ROOT, installed, needs

_HERE = ROOT / "tests" / "token_endpoint" / "oidc_provider"
_FILES = [_HERE / name for name in ("package.json", "package-lock.json", "server.mjs")]
_INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]


class OidcProvider:
    """One provider; `clients` are metadata as in RFC 7591, `ttl` the life of a token in seconds.

    `algorithms`: what assertions may be signed with. `path`: the issuer's. `openid_only`: without
    the metadata of RFC 8414. With `leaf` it speaks
    TLS, and has a second port that asks for certificates of the authority in `client_ca`.
    """

    def __init__(
        self,
        clients: Sequence[dict[str, Any]],
        *,
        ttl: int = 600,
        algorithms: Sequence[str] = (),
        path: str = "",
        openid_only: bool = False,
        leaf: Leaf | None = None,
        client_ca: str | None = None,
    ) -> None:
        self._asked: dict[str, Any] = {"clients": list(clients), "ttl": ttl, "path": path}
        self._asked["openidOnly"] = openid_only
        if algorithms:
            self._asked["algorithms"] = list(algorithms)
        if leaf is not None and client_ca is not None:
            pem = {"cert": leaf.certificate, "key": leaf.key, "ca": client_ca}
            self._asked["tls"] = {name: Path(file).read_text() for name, file in pem.items()}
        self._scheme = "http" if leaf is None else "https"
        self._path = path

    def start(self) -> Self:
        """Installs it where that was not done before, and runs it."""
        needs("node", "npm", remedy="install Node.js 20 or newer")
        folder = installed("oidc-provider", _FILES, _INSTALL)
        self._process = subprocess.Popen(
            ["node", "server.mjs", json.dumps(self._asked)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line and self._process.stderr is not None:
            pytest.fail(f"oidc-provider did not start: {self._process.stderr.read()[-500:]}")
        self._ports = json.loads(line)
        return self

    def stop(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()

    @property
    def issuer(self) -> str:
        """Its name."""
        return f"{self._scheme}://127.0.0.1:{self._ports['port']}{self._path}"

    @property
    def token_url(self) -> str:
        """The token endpoint that asks for no certificate."""
        return f"{self.issuer}/token"

    @property
    def mutual_token_url(self) -> str:
        """The token endpoint that asks for a certificate."""
        return f"https://127.0.0.1:{self._ports['mutual']}{self._path}/token"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
