"""One Secret that holds one token, in one namespace."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, final

from secret_refresher.adapters.kubernetes import faults
from secret_refresher.adapters.kubernetes.api import APPLY, MERGE, Answer, Api
from secret_refresher.adapters.kubernetes.drift import Drift
from secret_refresher.adapters.kubernetes.secret_form import (
    Installation,
    Standing,
    document,
    removal,
    rendering_of,
    standing,
)
from secret_refresher.adapters.kubernetes.taking import Claim, claim, writable
from secret_refresher.config.model import SecretSink as Spec
from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.ports import Clock, Finding, Held, Wrote
from secret_refresher.tokens.record import Record
from secret_refresher.tokens.rendering import MOST, render
from secret_refresher.tokens.token import Life, Token

_NOT_FOUND = 404
_CHANGED = 409
_TRIES = 3
"""Looks at a Secret that others keep changing, before it is left for later."""
_REMEMBERED = 8
_FUTURE = 2.0
"""Seconds by which an issue time may be in the future: clocks of replicas agree that well."""


@final
class SecretSink:
    """Implements `ports.Sink`; everything that is decided is decided in `taking`.

    Every write names the uid and resourceVersion last seen. `namespace` None is the pod's own.
    """

    __slots__ = (
        "_api",
        "_clock",
        "_drift",
        "_found",
        "_mine",
        "_namespace",
        "_reported",
        "_seen",
        "_spec",
        "_token",
        "_uid",
        "_us",
    )

    kind = "secret"

    def __init__(
        self,
        token: str,
        spec: Spec,
        *,
        namespace: str | None,
        us: Installation,
        api: Api,
        drift: Drift,
        clock: Clock,
    ) -> None:
        self._token = token
        self._spec = spec
        self._namespace = namespace
        self._us = us
        self._api = api
        self._drift = drift
        self._clock = clock
        self._found: Standing | None = None
        self._uid: str | None = None
        self._mine: tuple[Record, Life] | None = None
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)
        self._reported: str | None = None

    @property
    def target(self) -> str:
        """namespace/name; without the namespace while the pod's own is not known yet."""
        return (
            self._spec.name if self._namespace is None else f"{self._namespace}/{self._spec.name}"
        )

    @property
    def identity(self) -> str:
        """The Secret with its settings, whichever way its namespace was found."""
        settings = replace(self._spec, namespace=None, namespaces=(), namespace_selector=None)
        return f"{self.target} {settings!r}"

    def inspect(self, source: str) -> Finding:
        """Reads the Secret, and begins to follow what others do to it.

        A Secret that we may not write to is refused here already, before a token is fetched.
        """
        self._drift.follow(self._place(), wide=self._spec.namespace_selector is not None)
        found = self._look()
        if found is None:
            return Finding(Held.NOTHING)
        life = self._life(found, source) if self._claim(found) is Claim.OURS else None
        if life is None:
            refusal = writable(found, self._where())
            if refusal is not None:
                raise Trouble(refusal)
            return Finding(Held.FOREIGN)
        return Finding(Held.OURS, life)

    def publish(self, token: Token) -> Wrote:
        """Applies the token, unless the Secret holds this rendering, or a newer one of ours.

        A Secret that was changed since we saw it is looked at again, and decided on again.
        """
        content = self._rendered(token)
        fingerprint = self._fingerprint(token.source)
        skew = self._api.skew()
        there = replace(token.life, issued_at=token.life.issued_at + skew)
        record = Record.of_rendering(rendering_of(content), there, fingerprint)
        found = self._found or self._look()
        for _ in range(_TRIES):
            if found is not None and self._claim(found) is Claim.OURS:
                if found.record == record and found.rendering == record.rendering:
                    self._mine = (record, token.life)
                    return Wrote.UNCHANGED
                if self._newer(found, record):
                    return Wrote.SUPERSEDED
            if self._apply(content, record, found):
                self._mine = (record, token.life)
                return Wrote.WRITTEN
            found = self._look()
        raise self._unsettled()

    def remove(self) -> bool:
        """Takes out what is ours; the object too, where we created it and nothing else is in it."""
        for _ in range(_TRIES):
            found = self._look()
            if found is None or found.owner != self._us.owner or found.token_name != self._token:
                return False
            keeps = found.alone and found.ours == set(found.managers)
            answer = self._delete(found) if keeps else self._strip(found)
            if answer.ok or answer.status == _NOT_FOUND:
                self._remember(None)
                self._mine = None
                return True
            if answer.status != _CHANGED:
                raise self._refused(answer, "clear")
        raise self._unsettled()

    def disturbed(self) -> bool:
        """Has the Secret a version that neither we wrote nor have seen?"""
        latest = self._drift.latest(self._place()) if self._namespace is not None else None
        if latest is None or latest in self._seen or latest == self._reported:
            return False
        self._reported = latest
        return True

    def close(self) -> None:
        """Stops following it."""
        if self._namespace is not None:
            self._drift.unfollow(self._place())

    # --- what is there -------------------------------------------------------------------------

    def _place(self) -> tuple[str, str]:
        if self._namespace is None:
            self._namespace = self._api.namespace()
        return self._namespace, self._spec.name

    def _where(self) -> str:
        return "/".join(self._place())

    @property
    def _path(self) -> str:
        namespace, name = self._place()
        return f"/api/v1/namespaces/{namespace}/secrets/{name}"

    def _look(self) -> Standing | None:
        answer = self._api.request("GET", self._path)
        if answer.status == _NOT_FOUND:
            self._remember(None)
            return None
        if not answer.ok:
            raise self._refused(answer, "read")
        return self._remember(answer.content)

    def _remember(self, raw: Mapping[str, Any] | None) -> Standing | None:
        self._found = None if raw is None else standing(raw, self._spec, self._us)
        version = "" if self._found is None else self._found.version
        self._seen.append(version)
        self._reported = None
        self._drift.note(self._place(), version)
        return self._found

    def _claim(self, found: Standing) -> Claim:
        verdict = claim(
            found,
            self._spec,
            self._us,
            where=self._where(),
            token_name=self._token,
            taken_uid=self._uid,
        )
        if isinstance(verdict, Fault):
            self._found = None
            raise Trouble(verdict)
        return verdict

    def _life(self, found: Standing, source: str) -> Life | None:
        """The life of the token of ours that it holds whole, judged by the API server's clock."""
        record = found.record
        if record is None or record.rendering != found.rendering:
            return None
        if record.fingerprint != self._fingerprint(source):
            return None
        if self._mine is not None and self._mine[0] == record:
            return self._mine[1]
        skew = self._api.skew()
        wall = self._clock.wall() + skew
        if 0 < record.issued_at - wall <= _FUTURE:
            wall = record.issued_at
        life = record.life(self._clock.now(), wall)
        return None if life is None else replace(life, issued_at=life.issued_at - skew)

    def _newer(self, found: Standing, record: Record) -> bool:
        """Whether another replica was faster; both compare the same two records."""
        other = found.record
        if other is None or other.rendering != found.rendering:
            return False
        if other.fingerprint != record.fingerprint:
            return False
        wall = self._clock.wall() + self._api.skew()
        return record.issued_at < other.issued_at <= wall + _FUTURE and other.expires_at > wall

    # --- what is written -----------------------------------------------------------------------

    def _rendered(self, token: Token) -> dict[str, bytes]:
        content = {
            key: render(spec, token, self._token).reveal() for key, spec in self._spec.data.items()
        }
        if sum(map(len, content.values())) > MOST:
            raise Trouble(
                Fault(
                    Reason.RENDERING,
                    f"the keys of Secret {self._where()} are larger than 1 MiB together",
                    "write fewer of them, or shorter templates",
                    Lane.PERMANENT,
                )
            )
        return content

    def _fingerprint(self, source: str) -> str:
        digests = "+".join(
            f"{key}:{spec.digest()}" for key, spec in sorted(self._spec.data.items())
        )
        return f"{source}+{digests}"

    def _apply(self, content: Mapping[str, bytes], record: Record, found: Standing | None) -> bool:
        """Server-side apply; False where the Secret is not the one that was seen."""
        force = self._spec.force
        if found is not None:
            force = force or self._claim(found) is Claim.OURS
            refusal = writable(found, self._where())
            if refusal is not None:
                raise Trouble(refusal)
        namespace, _ = self._place()
        body = document(
            self._spec,
            self._us,
            namespace=namespace,
            token_name=self._token,
            content=content,
            record=record,
            before=found,
        )
        query = (("fieldManager", self._us.field_manager), ("force", str(force).lower()))
        answer = self._api.request("PATCH", self._path, query, body, content_type=APPLY)
        if answer.ok:
            written = self._remember(answer.content)
            self._uid = None if written is None else written.uid
            return True
        manager = faults.conflicting(answer.content) if answer.status == _CHANGED else None
        if manager is not None:
            self._found = None
            raise Trouble(
                Fault(
                    Reason.CONFLICT,
                    f"a field of Secret {self._where()} is managed by {manager}",
                    "set force: true in the sink to take it over, or give the sink another name",
                    Lane.PERMANENT,
                    status=answer.status,
                )
            )
        if answer.status == _CHANGED:
            return False
        self._found = None
        raise self._refused(answer, "write")

    def _strip(self, found: Standing) -> Answer:
        query = (("fieldManager", self._us.field_manager),)
        body = removal(self._spec, found)
        return self._api.request("PATCH", self._path, query, body, content_type=MERGE)

    def _delete(self, found: Standing) -> Answer:
        wanted = {"uid": found.uid, "resourceVersion": found.version}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": wanted}
        return self._api.request("DELETE", self._path, body=body)

    def _unsettled(self) -> Trouble:
        return Trouble(
            Fault(
                Reason.CONFLICT,
                f"Secret {self._where()} is changed by others all the time",
                "see who writes to it: kubectl get secret -o yaml --show-managed-fields",
            )
        )

    def _refused(self, answer: Answer, doing: str) -> Trouble:
        what = f"{doing} Secret {self._where()}"
        return Trouble(faults.refused(answer.status, answer.content, answer.retry_after, what))
