"""From when until when a certificate holds (RFC 5280 section 4.1), read from its DER. Pure.

Python's `ssl` tells the dates of the other side's certificate only, and a library that parses
certificates would cost a sidecar megabytes for two fields.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SEQUENCE = 0x30
_VERSION = 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_DATE = re.compile(r"[0-9]{14}Z")
_LONG = 0x80
_LONGEST = 4
"""Bytes of a length."""


def validity(der: bytes) -> tuple[float, float]:
    """The first and the last instant, in seconds since the epoch. Raises ValueError."""
    try:
        certificate, _ = _element(der, _SEQUENCE)
        rest, _ = _element(certificate, _SEQUENCE)  # what is signed
        if rest[0] == _VERSION:
            _, rest = _element(rest)
        for _ in ("serial number", "signature algorithm", "issuer"):
            _, rest = _element(rest)
        dates, _ = _element(rest, _SEQUENCE)
        begins, more = _instant(dates)
        ends, _ = _instant(more)
    except IndexError:
        raise ValueError("a certificate that ends early") from None
    return begins, ends


def _element(data: bytes, wanted: int | None = None) -> tuple[bytes, bytes]:
    """The content of the first element, and what comes after it."""
    tag, length, start = data[0], data[1], 2
    if wanted not in {None, tag}:
        raise ValueError("not a certificate")
    if length >= _LONG:
        start += length - _LONG
        if not 0 < length - _LONG <= _LONGEST:
            raise ValueError("a length that no certificate has")
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise IndexError
    return data[start : start + length], data[start + length :]


def _instant(data: bytes) -> tuple[float, bytes]:
    """UTCTime has two digits for the year and means 1950 to 2049 (section 4.1.2.5.1)."""
    tag = data[0]
    content, rest = _element(data)
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        text = f"{'19' if text[:2] >= '50' else '20'}{text}"
    elif tag != _GENERALIZED_TIME:
        raise ValueError("not a date")
    if not _DATE.fullmatch(text):
        raise ValueError("a date in another form")
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    instant = datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)
    return instant.timestamp(), rest
