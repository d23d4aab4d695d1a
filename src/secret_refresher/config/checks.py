"""What must hold for a single text: each check says what is wrong, or None."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST_NAME = 200
"""Bytes of a file name: what stands beside it needs room for its own ending."""
STANDARD_PARAMETERS = frozenset(
    "grant_type client_id client_secret client_assertion client_assertion_type scope audience"
    " resource".split()
)
_OWN_HEADERS = frozenset(
    "accept-encoding authorization connection content-length content-type expect host keep-alive"
    " te trailer transfer-encoding upgrade".split()
)


def label(text: str) -> str | None:
    """A DNS-1123 label (RFC 1123 section 2.1, as Kubernetes has it)."""
    if _LABEL.fullmatch(text):
        return None
    return "must be lower-case letters, digits and dashes, at most 63, as partner-api"


def printable(text: str) -> str | None:
    """Without control characters."""
    return "must not hold control characters" if _CONTROL.search(text) else None


def scope(text: str) -> str | None:
    """One scope token (RFC 6749 appendix A.4)."""
    if _SCOPE.fullmatch(text):
        return None
    return "must be one scope without spaces, quotes or backslashes; write one entry for each"


def url(text: str) -> str | None:
    """An absolute http or https URL that a token may be asked of (RFC 6749 section 3.2)."""
    if not text.isascii() or _CONTROL.search(text) or " " in text:
        return "must be a URL of visible ASCII; encode anything else"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return "must be a URL with a port from 1 to 65535, if it has one"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "must begin with https:// and a host, as https://id.example.com/oauth/token"
    if "@" in parts.netloc:
        return "must not hold credentials; they come from files (auth.clientSecretFile)"
    host = parts.netloc.removesuffix(f":{port}") if port is not None else parts.netloc
    if port == 0 or not _HOST.fullmatch(host.removesuffix(":")):
        return "must have a host name or address, and a port from 1 to 65535"
    return "must not have a fragment; remove it from # on" if "#" in text else None


def loopback(parts: SplitResult) -> bool:
    """Whether the host of a URL is this machine."""
    host = parts.hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def resource(text: str) -> str | None:
    """An absolute URI without a fragment (RFC 8707 section 2)."""
    if printable(text) or " " in text or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        return "must be an absolute URI, as https://api.example.com"
    return "must not have a fragment (RFC 8707)" if "#" in text else None


def header_name(text: str) -> str | None:
    """A field name (RFC 9110 section 5.1) that is not ours to set."""
    if not _HEADER.fullmatch(text):
        return "must be a header name (letters, digits, dashes)"
    if text.lower() in _OWN_HEADERS or text.lower().startswith("proxy-"):
        return "is set by the program; remove it"
    return None


def header_value(text: str) -> str | None:
    """Printable ASCII."""
    if _VALUE.fullmatch(text) and text == text.strip():
        return None
    return "must be printable ASCII on one line, without blanks around it"


def parameter_name(text: str) -> str | None:
    """A request parameter that is not a standard one."""
    if not text or printable(text):
        return "must be a parameter name"
    if text in STANDARD_PARAMETERS:
        return "is a standard parameter; use auth, or request.scope, audience or resource"
    return None


def path(text: str) -> str | None:
    """An absolute file path in its shortest form; `{name}` is the only placeholder."""
    plain = text.replace("{name}", "x")
    if "{" in plain or "}" in plain:
        return "may hold no placeholder but {name}"
    if printable(text):
        return "must not hold control characters"
    if not text.startswith("/"):
        return f"must be absolute; begin with /, as /var/run/secret-refresher/{text.lstrip('./')}"
    parts = text.split("/")[1:]
    if any(part in {"", ".", ".."} for part in parts):
        return "must not hold empty parts, . or .., nor end with /"
    if len(parts[-1].encode()) > LONGEST_NAME:
        return f"must have a file name of at most {LONGEST_NAME} bytes"
    return None


def variable(text: str) -> str | None:
    """An environment variable's name (POSIX section 8.1)."""
    return None if _VARIABLE.fullmatch(text) else "must be letters, digits and underscores"


def word(text: str) -> str | None:
    """Visible, without blanks."""
    return "must not hold blanks" if re.search(r"[\s\x00-\x1f\x7f]", text) else None
