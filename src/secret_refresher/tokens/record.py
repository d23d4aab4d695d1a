"""What stands beside a rendering, so that a later process can tell whether to leave it alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

from secret_refresher.tokens.moments import parse_rfc3339, rfc3339
from secret_refresher.tokens.token import Life

VERSION = 1
LONGEST = 10 * 366 * 86400.0
_KEYS = ("rendering", "issuedAt", "refreshAt", "expiresAt", "fingerprint")


@final
@dataclass(frozen=True, slots=True)
class Record:
    """One rendering: its hash, its life by the wall clock in seconds, and where it came from.

    `fingerprint` tells the source and the way it is rendered; nothing in a record is secret.
    """

    rendering: str
    issued_at: float
    refresh_at: float
    expires_at: float
    fingerprint: str

    @classmethod
    def of(cls, content: bytes, life: Life, fingerprint: str) -> Record:
        """The record of a rendering, to the millisecond, as it is written."""
        return cls.of_rendering(rendering_hash(content), life, fingerprint)

    @classmethod
    def of_rendering(cls, rendering: str, life: Life, fingerprint: str) -> Record:
        """Likewise, by the rendering's hash."""
        return cls(
            rendering=rendering,
            issued_at=round(life.issued_at, 3),
            refresh_at=round(life.refresh_at, 3),
            expires_at=round(life.expires_at, 3),
            fingerprint=fingerprint,
        )

    def life(self, now: float, wall: float) -> Life | None:
        """The life by the process's clock, given both clocks; None if it begins in the future."""
        age = wall - self.issued_at
        if age < 0:
            return None
        issued = now - age
        return Life(
            issued=issued,
            refresh=issued + (self.refresh_at - self.issued_at),
            expires=issued + (self.expires_at - self.issued_at),
            issued_at=self.issued_at,
        )


def rendering_hash(content: bytes) -> str:
    """How a record names the content beside it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def dump(records: Iterable[Record]) -> bytes:
    """The versioned form, newest record first."""
    entries = [
        {
            "rendering": record.rendering,
            "issuedAt": rfc3339(record.issued_at),
            "refreshAt": rfc3339(record.refresh_at),
            "expiresAt": rfc3339(record.expires_at),
            "fingerprint": record.fingerprint,
        }
        for record in records
    ]
    return (json.dumps({"version": VERSION, "records": entries}, indent=1) + "\n").encode()


def load(content: bytes) -> tuple[Record, ...]:
    """The records of a versioned form; none where it is another version, torn or hostile."""
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(raw, dict) or raw.get("version") != VERSION:
        return ()
    entries = raw.get("records")
    found = (_record(entry) for entry in entries[:2]) if isinstance(entries, list) else ()
    return tuple(record for record in found if record is not None)


def _record(raw: Any) -> Record | None:
    if not isinstance(raw, dict) or any(not isinstance(raw.get(key), str) for key in _KEYS):
        return None
    issued, refresh, expires = (
        parse_rfc3339(raw[key]) for key in ("issuedAt", "refreshAt", "expiresAt")
    )
    if issued is None or refresh is None or expires is None:
        return None
    if not issued <= refresh <= expires <= issued + LONGEST:
        return None
    return Record(raw["rendering"], issued, refresh, expires, raw["fingerprint"])
