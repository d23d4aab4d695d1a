"""What must hold for a single text: each check says what is wrong, or None.

None of them quotes the text: it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import parse_qsl, urlsplit

LABEL = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
VARIABLE = "^[A-Za-z_][A-Za-z0-9_]*$"
HTTP_URL = "^[Hh][Tt][Tt][Pp][Ss]?://"
HEADER = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
SCOPE = r"^[\x21\x23-\x5b\x5d-\x7e]+$"
RESOURCE = "^[A-Za-z][A-Za-z0-9+.-]*:[^#]+$"
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_URI = re.compile(r"([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:([0-9]{1,5}))?")
_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_RESERVED = re.compile(r"\..*\.(meta\.json|tmp)", re.DOTALL)
_LONGEST_HOST = 253
_MOST_PORT = 65535
_LONGEST_PART = 255
_LONGEST_PATH = 4095
LONGEST_NAME = 200
"""Bytes of an output's file name: what stands beside it needs room for its own ending."""
STANDARD_PARAMETERS = frozenset(
    "grant_type client_id client_secret client_assertion client_assertion_type scope audience"
    " resource".split()
)
_SECRET_PARAMETERS = frozenset({"client_secret", "client_assertion"})
_OWN_HEADERS = frozenset(
    "accept-encoding authorization connection content-length content-type expect host keep-alive"
    " te trailer transfer-encoding upgrade".split()
)


def label(text: str) -> str | None:
    """A DNS-1123 label (RFC 1123 section 2.1, as Kubernetes has it)."""
    if re.fullmatch(LABEL, text):
        return None
    return "must be lower-case letters, digits and dashes between them, at most 63, as partner-api"


def printable(text: str) -> str | None:
    """On one line, without control characters."""
    return "must not hold control characters or line ends" if _CONTROL.search(text) else None


def word(text: str) -> str | None:
    """Visible, without blanks."""
    return "must not hold blanks" if printable(text) or re.search(r"\s", text) else None


def user(text: str) -> str | None:
    """A user name of Basic authentication (RFC 7617 section 2)."""
    return (
        "must not hold a colon; what follows it would be the password"
        if ":" in text
        else word(text)
    )


def variable(text: str) -> str | None:
    """An environment variable's name (POSIX section 8.1)."""
    if re.fullmatch(VARIABLE, text):
        return None
    return "must be letters, digits and underscores, not beginning with a digit, as ACCESS_TOKEN"


# --- requests --------------------------------------------------------------------------------


def url(text: str) -> str | None:
    """An absolute http or https URL that a token may be asked of (RFC 6749 section 3.2)."""
    if not _URI.fullmatch(text):
        return "must be a URL of visible ASCII; write anything else as %XX, and a host as xn--..."
    try:
        parts = urlsplit(text)
    except ValueError:
        return "must have a host name or an address; an IPv6 address stands in [brackets]"
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return "must begin with https:// and a host, as https://id.example.com/oauth/token"
    if "@" in parts.netloc:
        return "must not hold credentials; name a file in auth.clientSecretFile"
    authority = _AUTHORITY.fullmatch(parts.netloc)
    if authority is None or not is_host(authority[1]):
        return "must have a host name or an address, as https://id.example.com/oauth/token"
    if authority[3] and not 1 <= int(authority[3]) <= _MOST_PORT:
        return "must have a port from 1 to 65535, or none"
    if "#" in text:
        return "must not have a fragment; remove it from # on"
    if any(name.lower() in _SECRET_PARAMETERS for name, _ in parse_qsl(parts.query, True)):
        return "must not hold credentials; name a file in auth.clientSecretFile"
    return None


def issuer(text: str) -> str | None:
    """An issuer identifier (RFC 8414 section 2): a URL without query and fragment."""
    problem = url(text)
    if problem is not None:
        return problem
    if "/.well-known/" in text:
        return "must be the issuer itself; remove /.well-known/ and what follows it"
    return "must not have a query; remove it from ? on" if "?" in text else None


def is_host(text: str) -> bool:
    """Whether a text is a host name, an IPv4 address, or an IPv6 address in brackets."""
    try:
        if text.startswith("["):
            return "%" not in text and bool(IPv6Address(text.removeprefix("[").removesuffix("]")))
        labels = text.removesuffix(".").split(".")
        if labels[-1].isdigit():
            return bool(IPv4Address(text))
    except AddressValueError:
        return False
    return len(text) <= _LONGEST_HOST and all(_HOST_LABEL.fullmatch(part) for part in labels)


def goes_unencrypted(text: str) -> bool:
    """Whether a checked URL is http:// to a host that is not this machine's loopback."""
    parts = urlsplit(text)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return False
    try:
        if ":" in host:
            return IPv6Address(host) != IPv6Address("::1")
        return not IPv4Address(host).is_loopback
    except AddressValueError:
        return True


def resource(text: str) -> str | None:
    """An absolute URI without a fragment (RFC 8707 section 2)."""
    if "#" in text:
        return "must not have a fragment (RFC 8707); remove it from # on"
    if _URI.fullmatch(text) and re.fullmatch(RESOURCE, text):
        return None
    return "must be an absolute URI, as https://api.example.com"


def scope(text: str) -> str | None:
    """One scope token (RFC 6749 appendix A.4)."""
    if re.fullmatch(SCOPE, text):
        return None
    return "must be one scope without blanks, quotes or backslashes; write one entry for each"


def parameter_name(text: str) -> str | None:
    """A request parameter that is not a standard one."""
    if not text or printable(text):
        return "must be a parameter's name, on one line"
    if text in STANDARD_PARAMETERS:
        return "is a standard parameter; use auth, or request.scope, audience or resource"
    return None


def header_name(text: str) -> str | None:
    """A field name (RFC 9110 section 5.1) that is not ours to set."""
    if not re.fullmatch(HEADER, text):
        return "must be a header's name: letters, digits and dashes"
    if text.lower() == "authorization":
        return "is set by auth; use auth.method: client_secret_basic, and remove it"
    if text.lower() in _OWN_HEADERS or text.lower().startswith("proxy-"):
        return "is set by the program; remove it"
    return None


def header_value(text: str) -> str | None:
    """Printable ASCII."""
    if _HEADER_VALUE.fullmatch(text):
        return None
    return "must be printable ASCII on one line, without blanks around it"


# --- files -----------------------------------------------------------------------------------


def path(text: str) -> str | None:
    """An absolute file path in its shortest form; `{name}` is the only placeholder."""
    if printable(text):
        return "must not hold control characters or line ends"
    if not text.startswith("/"):
        return "must be absolute; begin with /"
    braces = text.replace("{name}", "")
    if "{" in braces or "}" in braces:
        return "may hold no braces but {name}, which stands for the token's name"
    if text.endswith("/"):
        return "must name a file, not a folder; remove the / at its end, or add a file name"
    if any(part in {"", ".", ".."} for part in text.split("/")[1:]):
        return "must not hold //, /./ or /../; write the path out"
    return None


def input_path(text: str) -> str | None:
    """A file that is read; somebody in a hurry writes its content here."""
    problem = path(text)
    if problem is None or text.startswith("/"):
        return problem
    return f"{problem}. The path of a file belongs here, never what is in it"


def output_path(text: str) -> str | None:
    """A file that is written."""
    problem = path(text)
    if problem is None or text.startswith("/") or path(f"/{text}"):
        return problem
    return f"must be absolute; write /var/run/secret-refresher/{text}"


def length(text: str) -> str | None:
    """What Linux takes, `{name}` expanded."""
    if any(len(part.encode()) > _LONGEST_PART for part in text.split("/")):
        return f"has a part longer than {_LONGEST_PART} bytes; shorten it"
    long = len(text.encode()) > _LONGEST_PATH
    return f"is longer than {_LONGEST_PATH} bytes; shorten it" if long else None


def output_name(text: str) -> str | None:
    """The file name of an output, `{name}` expanded."""
    name = text.rpartition("/")[2]
    if len(name.encode()) > LONGEST_NAME:
        return f"must have a file name of at most {LONGEST_NAME} bytes; shorten it"
    if _RESERVED.fullmatch(name):
        return "has a name as the files that the program keeps beside a token; choose another"
    return None
