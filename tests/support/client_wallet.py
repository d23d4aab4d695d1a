"""What the clients of real authorization servers prove themselves with."""

from __future__ import annotations

from pathlib import Path
from typing import final

from support.certificates import Authority
from support.client_keys import Keyring

_ODD = "p:a+s%s w&rd=~*\"'\\/?#[]{}<>|^`100%25"
"""Every kind of character that it takes in a secret (RFC 6749 appendix A.2)."""


@final
class Wallet:
    """What clients prove themselves with, in a folder; one for all servers."""

    def __init__(self, folder: Path) -> None:
        (folder / "authority").mkdir()
        self.folder = folder
        self.authority = Authority(str(folder / "authority"))
        self.leaf = self.authority.issue()
        """The servers' certificate."""
        self.keys = Keyring(folder)
        self.certificate = self.authority.issue("DNS:client")
        self.self_signed, self.self_signed_jwk = self.keys.self_signed()

    def secret(self, slug: str) -> Path:
        """The file with a client's secret, which no other client has."""
        file = self.folder / f"{slug}.secret"
        file.write_text(f"{_ODD}{slug}\n", encoding="utf-8")
        return file

    def stranger(self, key: str) -> Path:
        """A file for a key of the configuration that is in order, but nobody's."""
        folder = self.folder / "stranger"
        if not folder.is_dir():
            folder.mkdir()
            self._stranger = self.authority.issue("DNS:stranger")
            self._strange_key = Keyring(folder).key("ES256").file
            (folder / "secret").write_text("wrong\n", encoding="utf-8")
        return {
            "certFile": Path(self._stranger.certificate),
            "keyFile": Path(self._stranger.key),
            "privateKeyFile": self._strange_key,
            "clientSecretFile": folder / "secret",
        }[key]

    @property
    def trusted(self) -> str:
        """A PEM file with the authority and the certificate that vouches for itself."""
        file = self.folder / "trusted.pem"
        parts = (self.authority.file, self.self_signed.certificate)
        file.write_text("".join(Path(part).read_text() for part in parts))
        return str(file)
