"""Who may look at the page."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

from secret_refresher.config.model import Page
from secret_refresher.server import Asked

_LOCAL = {"127.0.0.1", "::1"}
"""Where port-forward comes from. Not all of 127.0.0.0/8: Istio hands strangers on as 127.0.0.6."""
_AUTHORITY = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(:[0-9]*)?")


def refusal(asked: Asked, access: Page) -> str | None:
    """Why somebody may not look, with what to do; None for who may.

    With `loopback` three things must hold. 1. The connection comes over loopback. 2. It was not
    handed on by a proxy, which would be local for everybody. 3. The Host header names this machine:
    a page elsewhere whose name was made to resolve to 127.0.0.1 (DNS rebinding) sends that name.
    """
    if access is Page.ALL:
        return None
    if not _is_local(asked.client):
        return (
            "the status page is for clients on this machine; use kubectl port-forward, or set"
            " server.page: all"
        )
    if asked.forwarded:
        return (
            "the status page is for clients on this machine, and a proxy has handed this request"
            " on; use kubectl port-forward, or set server.page: all"
        )
    if asked.host is not None and not _names_this_machine(asked.host):
        return (
            "the status page was asked for under another name; open it as http://localhost: with"
            " the port, or set server.page: all"
        )
    return None


def _is_local(client: str) -> bool:
    try:
        address = ip_address(client)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address) in _LOCAL


def _names_this_machine(host: str) -> bool:
    authority = _AUTHORITY.fullmatch(host.strip())
    if authority is None:
        return False
    name = authority[1].strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761 section 6.3
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
