"""A simulated authorization server: clients, secrets, tokens; and the weather on the way to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from secret_refresher.adapters.token_endpoint.request import WireRequest
from secret_refresher.adapters.token_endpoint.transport import HttpAnswer
from support.simulation.answers import RETRY_ROWS, ROWS, Granted, grant, refusal


@final
@dataclass(frozen=True, slots=True)
class Minted:
    """A token that a server has handed out, for consumers to be compared with.

    `expires` is when it stops to work, on the timeline; `scope` tells the source's version.
    """

    token: str
    text: str
    issued: float
    expires: float
    scope: str
    lifetime: float


@final
@dataclass(slots=True)
class Client:
    """One client: its token's name, the secrets that are valid, how its tokens are told."""

    token: str
    lifetime: float
    form: str
    caches: bool
    secrets: set[str]
    held: dict[str, Minted] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True)
class Condition:
    """What is wrong with one server for a while.

    `kind`: `dns`, `refused`, `reset` (the request never arrives), `lost` (the answer does not),
    `hole`, `slow` by `seconds`, or a row of the response table. `share`: of the requests.
    """

    begin: float
    end: float
    kind: str
    seconds: float = 0.0
    share: float = 1.0
    as_date: bool = False


@final
class Authority:
    """One origin."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.clients: dict[str, Client] = {}
        self.conditions: list[Condition] = []
        self.minted: dict[str, Minted] = {}
        self.secrets: set[str] = set()
        """All that have ever been valid, for those who search for them."""
        self.skew = 0.0
        self._number = 0

    def condition(self, now: float, draw: float) -> Condition | None:
        """What is wrong at present; `draw` from [0, 1)."""
        self.conditions = [each for each in self.conditions if each.end > now]
        for each in self.conditions:
            if each.begin <= now and draw < each.share:
                return each
        return None

    def answer(
        self,
        path: str,
        sent: Mapping[str, str],
        now: float,
        wall: float,
        condition: Condition | None,
    ) -> HttpAnswer:
        """What it says to a request with these parameters that has arrived."""
        wall += self.skew
        row = ROWS.get(condition.kind) if condition is not None else None
        if row is not None and condition is not None:
            later = condition.seconds if condition.kind in RETRY_ROWS else 0.0
            return refusal(row, _echo(sent), wall, later, as_date=condition.as_date)
        if path == "/oauth/token" and condition is not None and condition.kind == "moved":
            return HttpAnswer(307, {"location": "/oauth/token2"}, b"")
        client = self.clients.get(sent.get("client_id", ""))
        if client is None or sent.get("client_secret") not in client.secrets:
            return refusal(ROWS["invalid_client"], _echo(sent), wall, 0.0, as_date=False)
        return self._grant(client, sent.get("scope", ""), now, wall)

    def _grant(self, client: Client, scope: str, now: float, wall: float) -> HttpAnswer:
        held = client.held.get(scope)
        if held is not None and client.caches and held.expires - now > client.lifetime / 4:
            left = max(1, int(held.expires - now))
            body = {"access_token": held.text, "expires_in": left}
            return HttpAnswer(200, {}, json.dumps(body).encode())
        self._number += 1
        name = f"secret-of-{client.token}-{self._number}-{self.origin[-9]}"
        form = "plain" if client.caches else client.form
        text, answer = grant(form, Granted(name, client.lifetime), wall)
        expires = now + client.lifetime
        self.minted[text] = client.held[scope] = Minted(
            client.token, text, now, expires, scope, client.lifetime
        )
        return answer


def _echo(sent: Mapping[str, str]) -> str:
    """What was sent, fit to stand within a JSON text."""
    return json.dumps(json.dumps(sent))[1:-1]


def parameters(request: WireRequest) -> dict[str, str]:
    """Every parameter of a token request, wherever it stands."""
    body = (request.body or b"").decode()
    if request.headers.get("Content-Type") == "application/json":
        found = {name: str(value) for name, value in json.loads(body).items()}
    else:
        found = dict(parse_qsl(body or urlsplit(request.url).query))
    header = request.headers.get("Authorization", "")
    if header.startswith("Basic "):
        pair = base64.b64decode(header.removeprefix("Basic ")).decode()
        client, _, secret = pair.partition(":")
        found |= {"client_id": unquote_plus(client), "client_secret": unquote_plus(secret)}
    return found
