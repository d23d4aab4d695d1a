"""The token endpoint as a source of tokens."""

from __future__ import annotations

import hashlib
import secrets
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, final

from secret_refresher.adapters.token_endpoint import refusals
from secret_refresher.adapters.token_endpoint.alarms import Alarms
from secret_refresher.adapters.token_endpoint.attempt import Attempt, Sender
from secret_refresher.adapters.token_endpoint.channel import Channel, channel_in, tls_files
from secret_refresher.adapters.token_endpoint.clients import Clients, Files
from secret_refresher.adapters.token_endpoint.hop import Hop
from secret_refresher.adapters.token_endpoint.names import Lookup, Resolver, system_lookup
from secret_refresher.adapters.token_endpoint.request import Client, WireRequest, token_request
from secret_refresher.adapters.token_endpoint.watch import Timing, Watch
from secret_refresher.config.methods import credential_files
from secret_refresher.config.model import TokenConfig
from secret_refresher.errors import Fault, Reason, Trouble
from secret_refresher.lifecycle.events import SourceNotice
from secret_refresher.ports import Clock, Exchange, FileReader, Outcome
from secret_refresher.tokens import answer, assertion, credentials
from secret_refresher.tokens.token import Grant

if TYPE_CHECKING:
    from secret_refresher.adapters.token_endpoint.discovery import Discovery
    from secret_refresher.adapters.token_endpoint.renewals import Renewals
    from secret_refresher.adapters.token_endpoint.transport import HttpAnswer

Ask = Callable[[Client], Grant | Fault]


@final
class TokenEndpoint:
    """Implements `ports.TokenSource` by HTTP.

    `lookup` resolves a host name, as `socket.getaddrinfo` does; it may hang. `sender` and `timer`
    are for those who have another network, and another time, than the machine's.
    """

    def __init__(
        self,
        clock: Clock,
        reader: FileReader,
        user_agent: str,
        lookup: Lookup = system_lookup,
        *,
        sender: Sender | None = None,
        timer: Timing | None = None,
    ) -> None:
        self._clock = clock
        self._reader = reader
        self._user_agent = user_agent
        self._resolver = Resolver(lookup)
        self._clients = Clients(clock)
        self._discovery: Discovery | None = None
        self._renewals: Renewals | None = None
        self._salt = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._transport = sender
        self._timer = timer or Alarms()

    def credentials(self, token: TokenConfig) -> str:
        """A digest of what the files hold, or of why they cannot be read.

        It is salted for this process, so that it says nothing about a secret to anybody else.
        """
        return self._digest(self._read(token))

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """One attempt.

        1. Read all files at once, so that they are of one generation.
        2. Find the token endpoint, where an issuer stands in its place.
        3. Ask with what they hold; redirects within the origin are followed.
        4. If the server says invalid_client, ask once more with the previous secret, if any.
        5. If it took no assertion or certificate of ours, look for the reason.
        """
        files = self._read(token)
        previous = False
        result: Grant | Fault
        attempt = self._attempt(timeout)
        notices: list[SourceNotice | None] = []
        try:
            with attempt.watch:
                channel = channel_in(token, files)
                client = self._clients.client(token, files, token.issuer)
                notices.append(self._ending(channel))
                found, notice = self._located(token, channel, attempt)
                notices.append(notice)
                ask = self._asker(found, channel, attempt)
                result = ask(client)
                if isinstance(result, Fault) and result.reason is Reason.INVALID_CLIENT:
                    result, previous = _again(token, files, client, ask, result)
                if isinstance(result, Fault):
                    if token.issuer is not None:
                        self._issuers().doubt(token.issuer, channel.trust, result)
                    result = self._explained(token, files, attempt, result)
                    if channel.identity is not None:
                        wall = self._clock.wall()
                        result = self._dates().explained(result, channel.identity, wall)
        except Trouble as trouble:
            result = trouble.fault
        return Outcome(
            result,
            tuple(attempt.exchanges),
            self._digest(files),
            previous,
            tuple(notice for notice in notices if notice is not None),
        )

    def rehearse(self, token: TokenConfig) -> Fault | None:
        """All of a token request but the network: what would keep it from being sent."""
        files = self._read(token)
        try:
            identity = channel_in(token, files).identity
            if identity is not None:
                identity.load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
            self._clients.client(token, files, token.issuer)
        except Trouble as trouble:
            return trouble.fault
        return None

    def greet(self, token: TokenConfig, timeout: float) -> tuple[Sequence[Exchange], Fault | None]:
        """A GET of the token endpoint, without credentials: is it there, and what time is it?

        A client certificate is shown, as it is part of the way there. Any HTTP answer is well.
        """
        files = self._read(token)
        attempt = self._attempt(timeout)
        try:
            with attempt.watch:
                channel = channel_in(token, files)
                found, _ = self._located(token, channel, attempt)
                hello = WireRequest("GET", found.token_url, {"User-Agent": self._user_agent}, None)
                attempt.ask(hello, channel.trust, identity=channel.identity)
        except Trouble as trouble:
            return attempt.exchanges, _named(token, trouble.fault)
        return attempt.exchanges, None

    def _attempt(self, timeout: float) -> Attempt:
        watch = Watch(self._clock, timeout, self._timer)
        return Attempt(watch, self._clock, self._resolver, self._sender)

    def _read(self, token: TokenConfig) -> Files:
        wanted = [path for _, path in credential_files(token.auth, token.auth_method)]
        return self._reader.read([*wanted, *tls_files(token)])

    def _digest(self, files: Files) -> str:
        digest = hashlib.blake2b(key=self._salt, digest_size=16)
        for path, content in files.items():
            told = content if isinstance(content, bytes) else str(content).encode()
            kind = "holds" if isinstance(content, bytes) else "fails"
            digest.update(f"{path}\0{kind}\0{len(told)}\0".encode())
            digest.update(told)
        return digest.hexdigest()

    def _located(
        self, token: TokenConfig, channel: Channel, attempt: Attempt
    ) -> tuple[TokenConfig, SourceNotice | None]:
        """The token with the endpoint that its issuer names, and what to tell of it.

        Raises `Trouble`.
        """
        if token.issuer is None:
            return token, None
        issuers = self._issuers()
        url = issuers.endpoint(token, channel, attempt)
        return replace(token, token_url=url), issuers.not_offered(token, channel.trust)

    def _ending(self, channel: Channel) -> SourceNotice | None:
        """Whether the client certificate is about to end."""
        identity = channel.identity
        return None if identity is None else self._dates().notice(identity, self._clock.wall())

    def _asker(self, token: TokenConfig, channel: Channel, attempt: Attempt) -> Ask:
        """What asks the server for a client, at the token's endpoint."""

        def ask(client: Client) -> Grant | Fault:
            request = token_request(token, client, self._user_agent)
            try:
                answered = attempt.ask(request, channel.trust, identity=channel.identity)
                return _grant(token, *answered)
            except Trouble as trouble:
                return _named(token, trouble.fault)

        return ask

    def _explained(self, token: TokenConfig, files: Files, attempt: Attempt, fault: Fault) -> Fault:
        """The fault, with what it may be about the assertion that was sent."""
        skew = attempt.exchanges[-1].skew if attempt.exchanges else None
        held = files.get(token.auth.assertion_file)
        given = assertion.validity(held) if isinstance(held, bytes) else assertion.Validity()
        return refusals.explained(fault, token, skew, self._clock.wall(), given)

    # Most daemons have neither issuers nor certificates, and each starts before its application.

    def _issuers(self) -> Discovery:
        with self._lock:
            if self._discovery is None:
                from secret_refresher.adapters.token_endpoint.discovery import Discovery

                self._discovery = Discovery(self._clock, self._user_agent)
            return self._discovery

    def _dates(self) -> Renewals:
        with self._lock:
            if self._renewals is None:
                from secret_refresher.adapters.token_endpoint.renewals import Renewals

                self._renewals = Renewals()
            return self._renewals

    def _sender(self) -> Sender:
        """The transport, with `requests` behind it, once there is something to send."""
        with self._lock:
            if self._transport is None:
                from secret_refresher.adapters.token_endpoint.transport import Transport

                self._transport = Transport()
            return self._transport


def _named(token: TokenConfig, fault: Fault) -> Fault:
    """A fault at the token endpoint, with what leads there."""
    return fault if token.issuer is None else fault.naming("the issuer's metadata")


def _grant(token: TokenConfig, got: HttpAnswer, hop: Hop) -> Grant:
    """The grant in an answer. Raises `Trouble`."""
    return answer.parse(
        got.status,
        got.headers,
        got.body,
        issued=hop.issued,
        issued_at=hop.issued_at,
        default_lifetime=token.refresh.default_lifetime,
    )


def _again(
    token: TokenConfig, files: Files, client: Client, ask: Ask, refused: Fault
) -> tuple[Grant | Fault, bool]:
    """What the previous secret gives, and whether it was accepted.

    A file that is missing or empty is simply not there; one that cannot be used is told beside
    the refusal, which stays the fault.
    """
    path = token.auth.previous_client_secret_file
    content = None if path is None else files.get(path)
    if path is None or content is None or _absent(content):
        return refused, False
    if content == files[token.auth.client_secret_file]:
        return refused, False
    try:
        previous = credentials.parse(path, content)
    except Trouble as trouble:
        return replace(refused, advice=f"{refused.advice}. Besides, {trouble.fault}"), False
    result = ask(replace(client, secret=previous))
    if isinstance(result, Grant):
        return result, True
    if result.reason is Reason.INVALID_CLIENT:
        return replace(refused, summary=f"{refused.summary}, nor with the previous secret"), False
    return refused, False


def _absent(content: bytes | Fault) -> bool:
    if isinstance(content, Fault):
        return content.code in {"ENOENT", "ENOTDIR"}
    return not content.strip(b"\r\n")
