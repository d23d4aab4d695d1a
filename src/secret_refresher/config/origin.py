"""Whom a URL leads to: the unit of the bulkheads, of redirects and of metrics."""

from __future__ import annotations

from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
"""The ports that are meant where a URL names none."""


def origin_of(url: str) -> str:
    """`scheme://host:port` of a URL (RFC 6454 section 4). Raises ValueError for a wrong port."""
    parts = urlsplit(url)
    port = parts.port or PORTS.get(parts.scheme, 0)
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
