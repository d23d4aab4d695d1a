"""What goes on the wire: one token request (RFC 6749 section 4.4.2). Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import final
from urllib.parse import quote_plus, urlencode, urlsplit

from secret_refresher.config.model import AuthMethod, RequestFormat, RequestMethod, TokenConfig
from secret_refresher.tokens.secret import Secret

GRANT_TYPE = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""What a `client_assertion` is (RFC 7523 section 2.2)."""
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


@final
@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, and what proves it: a secret, or an assertion, or what the connection shows.

    `assertion` makes one for each request that is sent, since a server takes an assertion of
    ours once only (RFC 7523 section 3, `jti`).
    """

    id: Secret[str] | None
    secret: Secret[str] | None = None
    assertion: Callable[[], Secret[str]] | None = None


@final
@dataclass(frozen=True, slots=True, repr=False)
class WireRequest:
    """One request, complete. All of it may hold secrets, the URL too, so it shows nothing.

    `anew` makes it once more where no two requests may be the same.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    anew: Callable[[], WireRequest] | None = None

    def __repr__(self) -> str:
        return f"WireRequest({self.method})"

    @property
    def target(self) -> str:
        """Path and query as the request line has them (RFC 9112 section 3.2.1)."""
        parts = urlsplit(self.url)
        path = parts.path or "/"
        return f"{path}?{parts.query}" if parts.query else path

    def again(self) -> WireRequest:
        """The same request, to be sent once more."""
        return self if self.anew is None else replace(self.anew(), url=self.url)

    def to(self, url: str) -> WireRequest:
        """The same request, somewhere else."""
        return replace(self.again(), url=url)


def token_request(token: TokenConfig, client: Client, user_agent: str) -> WireRequest:
    """The request that asks for a token, by the table of "Where credentials go".

    With format json it is the one that curl sends for the JSON object as `--data-raw`: compact,
    in UTF-8, credentials first. Headers of the configuration win over User-Agent and Accept.
    Raises `Trouble` where an assertion cannot be made.
    """
    request = token.request
    headers = {"User-Agent": user_agent, "Accept": _JSON, "Accept-Encoding": "identity"}
    basic = token.auth_method is AuthMethod.CLIENT_SECRET_BASIC
    members = dict(_members(token, None if basic else client))
    url, body = token.token_url, None
    if request.method is RequestMethod.GET:
        url = _with_query(url, _encoded(members))
    elif request.format is RequestFormat.JSON:
        headers["Content-Type"] = _JSON
        body = json.dumps(_joined(members), separators=(",", ":"), ensure_ascii=False).encode()
    else:
        headers["Content-Type"] = _FORM
        body = _encoded(members).encode()
    if body is not None:
        headers["Content-Length"] = str(len(body))
    own = {name.lower() for name in request.headers}
    headers = {name: value for name, value in headers.items() if name.lower() not in own}
    headers.update(request.headers)
    if basic and client.id is not None and client.secret is not None:
        headers["Authorization"] = _basic(client.id, client.secret)
    anew = partial(token_request, token, client, user_agent) if client.assertion else None
    return WireRequest(str(request.method), url, headers, body, anew)


def _members(token: TokenConfig, client: Client | None) -> Iterator[tuple[str, object]]:
    """Every parameter in order; those that may repeat as tuples."""
    request = token.request
    if client is not None:
        yield from _proof(client)
    yield "grant_type", GRANT_TYPE
    if request.scope:
        yield "scope", " ".join(request.scope)
    if request.audience is not None:
        yield "audience", request.audience
    if request.resource:
        yield "resource", request.resource
    yield from request.parameters.items()


def _proof(client: Client) -> Iterator[tuple[str, object]]:
    """Who asks, as parameters (RFC 6749 section 2.3.1, RFC 7521 section 4.2)."""
    if client.id is not None:
        yield "client_id", client.id.reveal()
    if client.secret is not None:
        yield "client_secret", client.secret.reveal()
    if client.assertion is not None:
        yield "client_assertion_type", ASSERTION_TYPE
        yield "client_assertion", client.assertion().reveal()


def _joined(members: dict[str, object]) -> dict[str, object]:
    """As JSON says it: one resource is a text, as in RFC 8707's own JSON (section 2.1)."""
    resource = members.get("resource")
    if isinstance(resource, tuple) and len(resource) == 1:
        return {**members, "resource": resource[0]}
    return members


def _encoded(members: dict[str, object]) -> str:
    """As a form or a query says it: lists repeat their name (RFC 8707 section 2)."""
    pairs = [
        (name, _text(item))
        for name, value in members.items()
        for item in (value if isinstance(value, tuple) else (value,))
    ]
    return urlencode(pairs)


def _text(value: object) -> str:
    """A scalar; booleans and numbers as JSON writes them."""
    return value if isinstance(value, str) else json.dumps(value)


def _with_query(url: str, query: str) -> str:
    """A URL with more parameters behind those that it has."""
    known = urlsplit(url).query
    return urlsplit(url)._replace(query=f"{known}&{query}" if known else query).geturl()


def _basic(client_id: Secret[str], client_secret: Secret[str]) -> str:
    """HTTP Basic of the form-encoded id and secret (RFC 6749 section 2.3.1, appendix B)."""
    pair = f"{quote_plus(client_id.reveal())}:{quote_plus(client_secret.reveal())}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
