"""A token endpoint's answer (RFC 6749 section 5), parsed or refused with a reason.

Nothing of a body is ever quoted: it may hold the token, or echo the request's secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, NoReturn

from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.tokens.json_object import json_object
from secret_refresher.tokens.lifetime import lifetime
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Grant

LONGEST_TOKEN = 512 * 1024
LONGEST_RETRY_AFTER = 3600.0
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_SCOPE = re.compile(r"[\x20-\x7e]{1,16384}")
_TYPE = re.compile(r"[\x21-\x7e]{1,256}")
_SUCCESS = range(200, 300)
"""RFC 6749 says 200; frameworks that answer every POST with 201 are common."""

_ASK_OWNER = "ask the server's owner; the body is not shown here, as it may hold secrets"
_REFUSALS: dict[str, tuple[Reason, Lane, str, str]] = {
    "invalid_client": (
        Reason.INVALID_CLIENT,
        Lane.PERMANENT,
        "the server does not accept the client's credentials",
        "check client id and secret in the mounted Secret, and auth.method; a change of the files"
        " is taken at once",
    ),
    "unauthorized_client": (
        Reason.UNAUTHORIZED_CLIENT,
        Lane.PERMANENT,
        "the client may not use client_credentials",
        "enable that grant for the client at the server",
    ),
    "invalid_scope": (
        Reason.INVALID_SCOPE,
        Lane.PERMANENT,
        "the server refuses a scope",
        "check request.scope against what the client was granted",
    ),
    "invalid_request": (
        Reason.INVALID_REQUEST,
        Lane.PERMANENT,
        "the server finds the request malformed",
        "check request.format, request.method, auth.method, and what else it wants in"
        " request.audience, resource or parameters",
    ),
    "invalid_target": (
        Reason.INVALID_REQUEST,
        Lane.PERMANENT,
        "the server refuses the resource or audience",
        "check request.resource and request.audience",
    ),
    "invalid_grant": (
        Reason.INVALID_GRANT,
        Lane.PERMANENT,
        "the server refuses the grant",
        "check the client's credentials and whether the server still knows it",
    ),
    "unsupported_grant_type": (
        Reason.UNSUPPORTED_GRANT_TYPE,
        Lane.PERMANENT,
        "the server does not offer client_credentials",
        "check tokenUrl, and enable the grant at the server",
    ),
    "server_error": (
        Reason.SERVER_ERROR,
        Lane.TRANSIENT,
        "the server reports an error of its own",
        "look at the server; the attempt is made again",
    ),
    "temporarily_unavailable": (
        Reason.SERVER_ERROR,
        Lane.TRANSIENT,
        "the server is temporarily unavailable",
        "look at the server; the attempt is made again",
    ),
}


def parse(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    issued: float,
    issued_at: float,
    default_lifetime: float | None,
) -> Grant:
    """The grant in an answer.

    `headers` have lower-case names. `issued` and `issued_at` are the process's and the wall
    clock from before the request was sent; a life counts from there. `default_lifetime` is in
    seconds. Raises `Trouble`.
    """
    answer = json_object(body)
    if status not in _SUCCESS or (answer is not None and "error" in answer):
        _refuse(status, headers, answer)
    if answer is None:
        raise _bad(status, *_not_json(headers, body))
    token = _access_token(status, answer)
    return Grant(
        access_token=Secret(token),
        token_type=_matching(_TYPE, answer.get("token_type")) or "Bearer",
        scope=_matching(_SCOPE, answer.get("scope")),
        lifetime=lifetime(status, answer, token, http_date(headers), default_lifetime),
        issued=issued,
        issued_at=issued_at,
    )


def _access_token(status: int, answer: dict[str, Any]) -> str:
    """The token (RFC 6749 appendix A.12, without blanks, which no header can hold)."""
    token = answer.get("access_token")
    if token is None:
        raise _bad(
            status,
            "the answer has no access_token",
            "is tokenUrl the token endpoint? Ask the server's owner what it answers; the body is"
            " not shown here, as it may hold secrets",
        )
    if not isinstance(token, str) or not token:
        raise _bad(status, "the access_token is empty or no text", _ASK_OWNER)
    if len(token) > LONGEST_TOKEN:
        raise _bad(status, "the access_token is longer than 512 KiB", _ASK_OWNER)
    if not _VISIBLE.fullmatch(token):
        raise _bad(
            status,
            "the access_token holds blanks, line ends or other characters that no header can hold",
            _ASK_OWNER,
        )
    return token


def _matching(form: re.Pattern[str], value: object) -> str | None:
    """A text of that form; None for anything else."""
    return value if isinstance(value, str) and form.fullmatch(value) else None


# --- refusals --------------------------------------------------------------------------------


def _refuse(status: int, headers: Mapping[str, str], answer: dict[str, Any] | None) -> NoReturn:
    """An error, by its OAuth code where it has one that is known, else by its status."""
    code = None if answer is None else answer.get("error")
    if isinstance(code, str) and code in _REFUSALS and not _overloaded(status):
        reason, lane, summary, advice = _REFUSALS[_meant(status, code)]
        named: str | None = code
    else:
        reason, lane, summary, advice = _by_status(status, oauth=isinstance(code, str))
        named = None
    summary = f"{summary} (HTTP {status}{f', {named}' if named else ''})"
    raise Trouble(
        Fault(reason, summary, advice, lane, retry_after(headers), status=status, code=named)
    )


def _meant(status: int, code: str) -> str:
    """The code of RFC 6749 section 5.2 that a refusal is.

    There 401 is about who asks. Keycloak says unauthorized_client with it of a wrong secret.
    """
    return "invalid_client" if (status, code) == (401, "unauthorized_client") else code


def _overloaded(status: int) -> bool:
    """Statuses that say more than any error code beside them."""
    return status in {408, 429} or status >= 500  # noqa: PLR2004 - HTTP's own classes


def _by_status(status: int, *, oauth: bool) -> tuple[Reason, Lane, str, str]:
    match status:
        case 429:
            return (
                Reason.RATE_LIMITED,
                Lane.TRANSIENT,
                "the server asks for fewer requests",
                "see who else uses this client; refresh.maxRequestsPerHour bounds ours",
            )
        case 408:
            return Reason.TIMEOUT, Lane.TRANSIENT, "the server timed out", "look at the server"
        case 401:
            return (
                Reason.UNAUTHORIZED,
                Lane.PERMANENT,
                "the server does not accept the credentials",
                "check client id and secret, and auth.method",
            )
        case 200:
            return Reason.OAUTH_ERROR, Lane.TRANSIENT, "the answer is an error", _ASK_OWNER
        case _ if status >= 500:  # noqa: PLR2004 - HTTP's own class
            return (
                Reason.SERVER_ERROR,
                Lane.TRANSIENT,
                "the server or a gateway failed",
                "look at the server; the attempt is made again",
            )
        case 403 | 404 if not oauth:
            return (
                Reason.HTTP_STATUS,
                Lane.TRANSIENT,
                "the server refuses or does not know the path",
                "check tokenUrl; a gateway also says so during a deployment",
            )
        case _ if oauth:
            return (
                Reason.OAUTH_ERROR,
                Lane.PERMANENT,
                "the server refuses, with an error code that RFC 6749 does not know",
                _ASK_OWNER,
            )
        case _:
            return (
                Reason.HTTP_STATUS,
                Lane.TRANSIENT,
                "the answer is neither a token nor an OAuth error",
                "check tokenUrl, request.method and request.format",
            )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to stay away (RFC 9110 section 10.2.3), at most an hour; None if it says none.

    A date counts from the answer's own Date, so that no clock of ours matters.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,10}", text):
        return min(float(text), LONGEST_RETRY_AFTER)
    until = _http_date(text)
    sent = None if until is None else http_date(headers)
    if until is None or sent is None or until <= sent:
        return None
    return min(until - sent, LONGEST_RETRY_AFTER)


def http_date(headers: Mapping[str, str]) -> float | None:
    """The answer's Date in seconds since the epoch."""
    return _http_date(headers.get("date", ""))


def _http_date(text: str) -> float | None:
    if not text or len(text) > 64:  # noqa: PLR2004 - longer than any date
        return None
    return _instant(text)


@lru_cache(maxsize=64)  # all answers of one second have the same
def _instant(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        # The obsolete forms name no zone; all of HTTP's dates are UTC (RFC 9110 section 5.6.7).
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _bad(status: int, summary: str, advice: str) -> Trouble:
    return Trouble(Fault(Reason.BAD_ANSWER, summary, advice, status=status))


def _not_json(headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Summary and advice for a body that is no JSON object."""
    if not body.strip():
        return (
            "the answer is empty",
            "is tokenUrl the token endpoint? Check request.method and request.format, then ask"
            " the server's owner",
        )
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media.endswith("json"):
        return (
            "the answer is not a JSON object, though it says so",
            "it may have been cut off on the way; if this lasts, ask the server's owner",
        )
    if not re.fullmatch(r"[a-z]{1,20}/[a-z0-9.+-]{1,40}", media):
        media = "something else"
    return (
        f"the answer is not a JSON object but {media}",
        "is tokenUrl the token endpoint, and does a proxy or a log-in page answer in its place?",
    )
