"""Connections that send a request in one piece.

The library sends a head and then a body, each in a TLS record and a packet of its own. For
requests as short as ours this doubles what sending takes, here and at the other end.
"""

from __future__ import annotations

from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection


class WholeRequests(HTTPConnection):
    """Keeps what there is to send of a request until it has all of it."""

    _kept: bytearray | None = None

    def request(self, *args: Any, **options: Any) -> None:
        """Sends nothing of a request that cannot be made."""
        kept = self._kept = bytearray()
        try:
            super().request(*args, **options)
        finally:
            self._kept = None
        self.send(kept)

    def send(self, data: Any) -> None:
        """Sends, or keeps, what the library has made of a request."""
        if self._kept is None:
            super().send(data)
        else:
            self._kept += data


class WholeRequestsTls(WholeRequests, HTTPSConnection):
    """The same over TLS."""
