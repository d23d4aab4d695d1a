"""What Kubernetes takes as a name, a key, a label (Kubernetes "Object Names and IDs", "Labels").

As in `checks`, each function says what is wrong with a text, or None, and never quotes it.
"""

from __future__ import annotations

import re

from secret_refresher.config.checks import label, printable

PREFIX = "secret-refresher.io/"
"""Labels and annotations below it are ours."""
MANAGED_BY = "app.kubernetes.io/managed-by"
"""A label that we set on Secrets which we create, and on no others."""
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_QUALIFIED = r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)"
SECRET_NAME = r"^[a-z0-9{]([-a-z0-9.{}]*[a-z0-9}])?$"  # noqa: S105 - a pattern of names
DATA_KEY = "^[-._A-Za-z0-9]{1,253}$"
LABEL_KEY = rf"^({_SUBDOMAIN}/)?{_QUALIFIED}$"
LABEL_VALUE = rf"^{_QUALIFIED}?$"
OWNER = "^[^/]+/[^/]+$"
_LONGEST_SUBDOMAIN = 253
_LONGEST_MANAGER = 128

REQUIRED_KEYS: dict[str, tuple[str, ...]] = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
"""Types whose Secrets the API server refuses without these keys."""


def subdomain(text: str) -> str | None:
    """A DNS-1123 subdomain."""
    if len(text) <= _LONGEST_SUBDOMAIN and re.fullmatch(_SUBDOMAIN, text):
        return None
    return (
        "must be lower-case letters, digits, dashes and dots, at most 253 and beginning and ending"
        " with a letter or digit, as partner-api-token"
    )


def secret_name(text: str) -> str | None:
    """A Secret's name; `{name}` is the only placeholder."""
    plain = text.replace("{name}", "x")
    if "{" in plain or "}" in plain:
        return "may hold no braces but {name}, which stands for the token's name"
    return subdomain(plain)


def data_key(text: str) -> str | None:
    """A key of a Secret's data."""
    if re.fullmatch(DATA_KEY, text) and text not in {".", ".."} and not text.startswith("..data"):
        return None
    return "must be letters, digits, dots, dashes and underscores, at most 253, as token"


def label_key(text: str) -> str | None:
    """A label's name, perhaps with a prefix."""
    if len(text) <= _LONGEST_SUBDOMAIN + 64 and re.fullmatch(LABEL_KEY, text):
        return None
    return "must be a name as team or example.com/team"


def further_key(text: str) -> str | None:
    """A label or annotation that the program does not set itself."""
    if text.startswith(PREFIX) or text == MANAGED_BY:
        return "is set by the program; remove it, or choose another name"
    return label_key(text)


def label_value(text: str) -> str | None:
    """A label's value; may be empty."""
    if re.fullmatch(LABEL_VALUE, text):
        return None
    return "must be letters, digits, dots, dashes and underscores between them, at most 63"


def secret_type(text: str) -> str | None:
    """The type of a Secret that may hold a token."""
    if text == "kubernetes.io/service-account-token":
        return "is filled by Kubernetes itself; write Opaque"
    if text == "bootstrap.kubernetes.io/token":
        return "lets nodes join the cluster and holds no access token; write Opaque"
    return "must be a type on one line, as Opaque" if printable(text) else None


def field_manager(text: str) -> str | None:
    """The name under which our fields are kept (Kubernetes "Server-Side Apply")."""
    if printable(text) or len(text) > _LONGEST_MANAGER:
        return f"must be printable, at most {_LONGEST_MANAGER} characters, as secret-refresher"
    return None


def owner(text: str) -> str | None:
    """Namespace and name of an installation."""
    namespace, _, name = text.partition("/")
    if label(namespace) is None and subdomain(name) is None:
        return None
    return "must be namespace/name of this installation, as default/secret-refresher"
