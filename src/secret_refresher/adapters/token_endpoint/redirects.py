"""Which redirects are followed: those that stay with the same server. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urljoin, urlsplit

from secret_refresher.config.checks import is_host
from secret_refresher.config.origin import PORTS, origin_of
from secret_refresher.errors import Fault, Reason, Trouble

MOST = 10
FOLLOWED = frozenset({301, 302, 307, 308})
"""Method and body are kept over all of these, as curl's `--location --request POST` does."""
REDIRECTS = FOLLOWED | {303}
_LOOK = "look at the server, and at tokenUrl"
_VISIBLE = re.compile(r"[\x21-\x7e]{1,8000}")


def next_url(url: str, status: int, headers: Mapping[str, str], *, reading: bool = False) -> str:
    """Where a redirected request goes; one that only reads (`reading`) follows a 303 too.

    Raises `Trouble` unless that is the same scheme, host and port: the request holds the
    credentials, and the URL in the answer may hold them too, so only its host is told.
    """
    location = headers.get("location", "")
    if not _VISIBLE.fullmatch(location):
        raise _refused(status, "without saying where to", _LOOK)
    try:
        target = urlsplit(urljoin(url, location))
        there = origin_of(target.geturl())
    except ValueError:
        raise _refused(status, "to something that is no URL", _LOOK) from None
    here = urlsplit(url)
    if there != origin_of(url):
        where, advice = _whereto(here, target)
        raise _refused(status, f"to {where}", advice)
    if "@" in target.netloc:
        raise _refused(status, "to a URL with a user name in it", _LOOK)
    if status not in FOLLOWED and not reading:
        raise _refused(
            status,
            "to a page that is to be read with GET",
            "is tokenUrl the token endpoint? Pages for people answer a POST like this",
        )
    return target.geturl()


def in_a_circle(status: int) -> Fault:
    """The server sends us back; without cookies it would do so for ever."""
    return _refused(status, "in a circle", _LOOK).fault


def too_many(status: int) -> Fault:
    """The server sends us on and on."""
    return _refused(status, f"more than {MOST} times in a row", _LOOK).fault


def _whereto(here: SplitResult, target: SplitResult) -> tuple[str, str]:
    """Another origin in words, and what to do."""
    host = target.hostname or ""
    if not is_host(f"[{host}]" if ":" in host else host) or target.scheme not in PORTS:
        return "something that is no http or https URL", _LOOK
    if host != (here.hostname or ""):
        return (
            f"another host, {host}",
            f"nothing is sent there; if {host} is right, write it into tokenUrl",
        )
    if target.scheme != here.scheme:
        return (
            f"{target.scheme}:// on the same host",
            f"if that is right, write {target.scheme}:// into tokenUrl",
        )
    port = target.port or PORTS[target.scheme]
    return f"port {port} of {host}", f"if that is right, write port {port} into tokenUrl"


def _refused(status: int, where: str, advice: str) -> Trouble:
    return Trouble(
        Fault(
            Reason.REDIRECT,
            f"the server redirects {where} (HTTP {status})",
            advice,
            status=status,
        )
    )
