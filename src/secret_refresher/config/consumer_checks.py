"""What must hold for the texts of `notify`. As in `checks`, none of them is ever quoted."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from secret_refresher.config import checks, names

PROCESS = "^[^/]+$"
WORKLOAD = names.SECRET_NAME
_URI = re.compile(r"([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:([0-9]{1,5}))?")
_SECRETS = frozenset(
    "access_token api_key apikey auth client_secret key passwd password secret token".split()
)
_MOST_PORT = 65535
_LONGEST_PROCESS = 255
_BRACES = "may hold no braces but {name}, which stands for the token's name"


def url(text: str) -> str | None:
    """A URL that an application reloads at; `{name}` is the only placeholder."""
    plain = text.replace("{name}", "x")
    if "{" in plain or "}" in plain:
        return _BRACES
    if not _URI.fullmatch(plain):
        return "must be a URL of visible ASCII; write anything else as %XX, and a host as xn--..."
    try:
        parts = urlsplit(plain)
    except ValueError:
        return "must have a host name or an address; an IPv6 address stands in [brackets]"
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return "must begin with http:// or https:// and a host, as http://127.0.0.1:9000/-/reload"
    if "@" in parts.netloc or any(name.lower() in _SECRETS for name, _ in parse_qsl(parts.query)):
        return "must not hold credentials; everybody who reads the configuration would have them"
    authority = _AUTHORITY.fullmatch(parts.netloc)
    if authority is None or not checks.is_host(authority[1]):
        return "must have a host name or an address, as http://127.0.0.1:9000/-/reload"
    if authority[3] and not 1 <= int(authority[3]) <= _MOST_PORT:
        return "must have a port from 1 to 65535, or none"
    return "must not have a fragment; remove it from # on" if "#" in text else None


def process(text: str) -> str | None:
    """A program's name as `ps -o comm` shows it."""
    if checks.printable(text) or len(text.encode()) > _LONGEST_PROCESS:
        return "must be a program's name on one line, as nginx"
    if "/" in text:
        return "must be the program's name without its folder, as nginx"
    return None


def workload(text: str) -> str | None:
    """A workload's name; `{name}` is the only placeholder."""
    plain = text.replace("{name}", "x")
    return _BRACES if "{" in plain or "}" in plain else names.subdomain(plain)
