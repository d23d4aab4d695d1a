"""How a token is written down: the built-in formats, and templates."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import astuple, dataclass
from enum import StrEnum
from functools import lru_cache
from typing import final

from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.tokens.moments import rfc3339
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Token

MOST = 1024 * 1024
"""Bytes of a rendering; a Kubernetes Secret holds no more either."""
TEMPLATE_NAMES = (
    "accessToken",
    "expiresAt",
    "expiresIn",
    "issuedAt",
    "name",
    "scope",
    "tokenType",
)
"""What a template may name."""
_SHELL_SAFE = re.compile(r"(?!~)([A-Za-z0-9._+/=:@%,-]|(?<![:=])~)+")
"""A tilde at the beginning, or after a colon, stands for a home folder."""


class RenderFormat(StrEnum):
    """The built-in renderings, and `template`."""

    RAW = "raw"
    BEARER = "bearer"
    JSON = "json"
    ENV = "env"
    DOCKERCONFIGJSON = "dockerconfigjson"
    NETRC = "netrc"
    TEMPLATE = "template"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """Which rendering a sink gets; the members beside `format` belong to one format each."""

    format: RenderFormat = RenderFormat.RAW
    variable: str | None = None
    registries: tuple[str, ...] = ()
    username: str | None = None
    machine: str | None = None
    login: str | None = None
    template: str | None = None

    def digest(self) -> str:
        """Eight hexadecimal digits that differ where renderings differ."""
        return _digest(self)


@lru_cache(maxsize=64)  # asked at every publish, of the few renderings that a configuration has
def _digest(spec: Render) -> str:
    return hashlib.sha256(repr(astuple(spec)).encode()).hexdigest()[:8]


def render(spec: Render, token: Token, name: str) -> Secret[bytes]:
    """The token as `spec` wants it written, the same for ever for the same token.

    Raises `Trouble` where a template fails, or the result is empty or over `MOST` bytes.
    """
    try:
        content = _render(spec, token, name).encode()
    except UnicodeEncodeError:  # half a surrogate pair that a template wrote
        raise _trouble("is no text", "mend the template") from None
    if not content.strip():
        raise _trouble("is empty", "have it write {{ accessToken }}")
    if len(content) > MOST:
        raise _trouble("is larger than 1 MiB", "make the template shorter")
    return Secret(content)


def _render(spec: Render, token: Token, name: str) -> str:
    secret = token.access_token.reveal()
    match spec.format:
        case RenderFormat.RAW:
            return secret
        case RenderFormat.BEARER:
            return f"Bearer {secret}"
        case RenderFormat.JSON:
            return json.dumps(_answer(token), separators=(",", ":"))
        case RenderFormat.ENV:
            return f"{spec.variable or 'ACCESS_TOKEN'}={_shell(secret)}\n"
        case RenderFormat.DOCKERCONFIGJSON:
            return json.dumps(_docker(spec, secret), separators=(",", ":"))
        case RenderFormat.NETRC:
            return f"machine {spec.machine} login {spec.login} password {secret}\n"
        case RenderFormat.TEMPLATE:
            return _fill(spec.template or "", token, name)


def _answer(token: Token) -> dict[str, object]:
    """As a token endpoint answers (RFC 6749 section 5.1), with the instants beside it."""
    life = token.life
    answer: dict[str, object] = {
        "access_token": token.access_token.reveal(),
        "token_type": token.token_type,
        "expires_in": int(life.length),
        "issued_at": rfc3339(life.issued_at),
        "expires_at": rfc3339(life.expires_at),
    }
    return answer if token.scope is None else {**answer, "scope": token.scope}


def _shell(text: str) -> str:
    """One word of a POSIX shell; quoted only where it must be, for readers that are no shell."""
    return text if _SHELL_SAFE.fullmatch(text) else "'" + text.replace("'", "'\\''") + "'"


def _docker(spec: Render, secret: str) -> dict[str, object]:
    """A Docker configuration (`kubernetes.io/dockerconfigjson`)."""
    user = spec.username or "oauth2accesstoken"
    auth = base64.b64encode(f"{user}:{secret}".encode()).decode()
    entry = {"username": user, "password": secret, "auth": auth}
    return {"auths": dict.fromkeys(spec.registries, entry)}


# --- templates -------------------------------------------------------------------------------


def template_problem(text: str) -> str | None:
    """What is wrong with a template, in a sentence; None if nothing."""
    from secret_refresher.tokens import template

    return template.problem(text, TEMPLATE_NAMES)


def _fill(text: str, token: Token, name: str) -> str:
    life = token.life
    values = {
        "accessToken": token.access_token.reveal(),
        "tokenType": token.token_type,
        "expiresAt": rfc3339(life.expires_at),
        "issuedAt": rfc3339(life.issued_at),
        "expiresIn": int(life.length),
        "scope": token.scope or "",
        "name": name,
    }
    from secret_refresher.tokens import template

    try:
        return template.fill(text, values)
    except Exception as wrong:  # noqa: BLE001 - whatever a template does, its text may quote the token
        raise _trouble(f"failed with {type(wrong).__name__}", "mend the template") from None


def _trouble(what: str, advice: str) -> Trouble:
    return Trouble(Fault(Reason.RENDERING, f"the rendering {what}", advice, Lane.PERMANENT))
