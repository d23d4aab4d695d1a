"""One Secret that holds one token, in one namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, final

from secret_refresher.adapters.kubernetes import faults
from secret_refresher.adapters.kubernetes.api import Api
from secret_refresher.adapters.kubernetes.drift import GONE, Drift, Place
from secret_refresher.adapters.kubernetes.secret_form import (
    Installation,
    Standing,
    content_of,
    document,
    removal,
    rendering_of,
    standing,
)
from secret_refresher.adapters.kubernetes.secret_object import CHANGED, NOT_FOUND, SecretObject
from secret_refresher.adapters.kubernetes.taking import Claim, claim, conflict, ours, writable
from secret_refresher.config.model import SecretSink as Spec
from secret_refresher.errors import Fault, Lane, Reason, Trouble, not_held
from secret_refresher.ports import Clock, Fence, Finding, Held, Wrote
from secret_refresher.tokens.record import Record
from secret_refresher.tokens.rendering import MOST, render
from secret_refresher.tokens.token import Life, Token

_TRIES = 3
"""Looks at a Secret that others keep changing, before it is left for later."""
_REMEMBERED = 8
_BURST = 6
_CALM = 5.0
_EMPTY_MAPS = frozenset({".data", ".metadata.labels", ".metadata.annotations"})
"""Fields that are in conflict only where another manager applied them as `{}`."""
_FUTURE = 2.0
"""Seconds by which an issue time may be in the future: clocks of replicas agree that well."""


@final
class SecretSink:
    """Implements `ports.Sink`; everything that is decided is decided in `taking`.

    Every write names the uid and resourceVersion last seen, and is made only while the `fence`,
    if there is one, is open. `namespace` None is the pod's own.
    """

    __slots__ = (
        "_api",
        "_calm",
        "_clock",
        "_drift",
        "_fence",
        "_followed",
        "_found",
        "_home",
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
        fence: Fence | None = None,
    ) -> None:
        self._fence = fence
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
        self._home: Place | None = None
        self._followed = False
        self._seen: tuple[str, ...] = ()
        self._reported: str | None = None
        self._calm = 0.0

    @property
    def target(self) -> str:
        """namespace/name; without the namespace while the pod's own is not known yet."""
        namespace = self._namespace if self._home is None else self._home[0]
        return self._spec.name if namespace is None else f"{namespace}/{self._spec.name}"

    @property
    def identity(self) -> str:
        """The Secret with its settings, whichever way its namespace was found.

        The same before and after the pod's own namespace is known.
        """
        settings = replace(self._spec, namespace=None, namespaces=(), namespace_selector=None)
        return f"{self._namespace} {settings!r}"

    def inspect(self, source: str) -> Finding:
        """Reads the Secret, and begins to follow what others do to it.

        A Secret that we may not write to is refused here already, before a token is fetched.
        """
        self._follow()
        for _ in range(_TRIES):
            raw, finding = self._finding(source)
            found = self._found
            if raw is None or found is None or finding.held is not Held.OURS:
                return finding
            if found.dressed or self._dress(raw, found):
                return finding
        raise self._unsettled()

    def examine(self, source: str) -> Finding:
        """What `inspect` would find; nothing is written. Raises `Trouble` as that does."""
        return self._finding(source)[1]

    def _finding(self, source: str) -> tuple[Mapping[str, Any] | None, Finding]:
        """The Secret as it is, and what that means."""
        self._found = None
        before = self._noticed()
        raw = self._object.read()
        found = self._remember(raw, before)
        if found is None:
            return raw, Finding(Held.NOTHING)
        life = self._life(found, source) if self._claim(found) is Claim.OURS else None
        if life is not None:
            return raw, Finding(Held.OURS, life)
        refusal = writable(found, self._where())
        if refusal is not None:
            raise Trouble(refusal)
        return raw, Finding(Held.FOREIGN)

    def publish(self, token: Token) -> Wrote:
        """Applies the token, unless the Secret holds this rendering, or a newer one of ours.

        A Secret that was changed since we saw it is looked at again, and decided on again.
        """
        self._follow()
        content = self._rendered(token)
        fingerprint = self._fingerprint(token.source)
        record = Record.of_rendering(rendering_of(content), self._there(token.life), fingerprint)
        found = self._found  # None is no risk: then the apply can only create
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

    def remove(self, *, for_good: bool = True) -> bool:
        """Takes out what is ours; the object too, where we created it and nothing else is in it.

        Not `for_good`: our keys alone, and the Secret stays ours by its annotations. What somebody
        has written over a key is theirs in the one case, and put right by the next token in the
        other.
        """
        for _ in range(_TRIES):
            found = self._look()
            if found is None or not ours(found, self._spec, self._us, self._token, self._uid):
                return False
            wholly = found.alone and found.ours >= set(found.managers)
            if not (for_good or wholly or found.ours):
                return False
            refusal = writable(found, self._where())
            if refusal is not None and not wholly:
                raise Trouble(refusal)
            there = self._object
            removed = removal(self._spec, found, for_good=for_good)
            before = self._noticed()
            answer = there.delete(found) if wholly else there.merge(removed)
            if answer.status == CHANGED:
                continue
            self._found = None
            gone = answer.status == NOT_FOUND or (wholly and answer.ok)
            self._remember(None if gone else there.content(answer, "clear"), before)
            self._mine = None
            if gone or for_good:
                self._uid = None
            return True
        raise self._unsettled()

    def disturbed(self) -> bool:
        """Has the Secret a version that neither we wrote nor have seen?

        Whoever writes to it again and again is answered `_BURST` times at once, and then every
        `_CALM` seconds: two that repair each other must not keep the API server busy.
        """
        latest = None if self._home is None else self._drift.latest(self._home)
        if latest is None or latest == self._reported:
            return False
        # An old version may be told late; that it is not there is news unless we knew it last.
        if latest in (self._seen[-1:] if latest == GONE else self._seen):
            return False
        now = self._clock.now()
        if now < self._calm - (_BURST - 1) * _CALM:
            return False
        self._calm = max(now, self._calm) + _CALM
        self._reported = latest
        return True

    def close(self) -> None:
        """Stops following it."""
        if self._followed:
            self._drift.unfollow(self._place(), wide=self._wide)
            self._followed = False

    # --- what is there -------------------------------------------------------------------------

    @property
    def _wide(self) -> bool:
        return self._spec.namespace_selector is not None

    def _place(self) -> Place:
        if self._home is None:
            self._home = self._namespace or self._api.namespace(), self._spec.name
        return self._home

    def _follow(self) -> None:
        if not self._followed:
            self._drift.follow(self._place(), wide=self._wide)
            self._followed = True

    def _where(self) -> str:
        return "/".join(self._place())

    @property
    def _object(self) -> SecretObject:
        manager = self._us.field_manager
        return SecretObject(self._api, self._place(), manager, self._pass_fence)

    def _look(self) -> Standing | None:
        self._found = None
        before = self._noticed()
        return self._remember(self._object.read(), before)

    def _noticed(self) -> str | None:
        """What is known of others' doings before a request."""
        return self._drift.latest(self._place())

    def _remember(self, raw: Mapping[str, Any] | None, before: str | None) -> Standing | None:
        """What there is now, without its content; `before` is what was noticed before that."""
        self._found = None if raw is None else standing(raw, self._spec, self._us, self._token)
        version = GONE if self._found is None else self._found.version
        self._seen = (*self._seen, version)[-_REMEMBERED:]
        self._reported = None
        self._drift.seen(self._place(), version, before)
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
        if verdict is Claim.OURS:
            self._uid = found.uid
        return verdict

    def _life(self, found: Standing, source: str) -> Life | None:
        """The life of the token of ours that it holds whole, judged by the API server's clock."""
        record = found.record
        if record is None or record.rendering != found.rendering:
            return None
        if record.fingerprint != self._fingerprint(source):
            return None
        now = self._clock.now()
        if self._mine is not None and self._mine[0] == record and self._mine[1].issued <= now:
            return self._mine[1]
        skew = self._api.skew()
        wall = self._clock.wall() + skew
        if 0 < record.issued_at - wall <= _FUTURE:
            wall = record.issued_at
        life = record.life(now, wall)
        return None if life is None else replace(life, issued_at=life.issued_at - skew)

    def _there(self, life: Life) -> Life:
        """A life as the API server's clock tells it.

        Our wall clock may have been set since the token was granted; how long ago that was, the
        process's clock knows. As long as it was not set, a token's record is always the same.
        """
        skew = self._api.skew()
        noted = life.issued_at + skew
        issued = self._clock.wall() + skew - (self._clock.now() - life.issued)
        return replace(life, issued_at=noted if abs(issued - noted) <= _FUTURE else issued)

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

    def _dress(self, raw: Mapping[str, Any], found: Standing) -> bool:
        """Puts on again what somebody took off around a token of ours, or what is wanted now."""
        content = content_of(raw, self._spec)
        return found.record is not None and self._apply(content, found.record, found)

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
        before = self._noticed()
        answer = self._object.apply(body, force=force)
        conflicts = faults.conflicts(answer.content) if answer.status == CHANGED else {}
        unvalued = _EMPTY_MAPS | {f".data.{key}" for key in content}
        if conflicts and found is not None and conflicts.keys() <= unvalued:
            # Others manage these keys without a value: `claim` saw that, and the version that is
            # named keeps it true.
            answer = self._object.apply(body, force=True)
        elif conflicts and found is not None:
            self._found = None
            raise Trouble(conflict(conflicts, self._where()))
        if answer.status == CHANGED:
            return False
        self._found = None
        written = self._remember(self._object.content(answer, "write"), before)
        self._uid = None if written is None else written.uid
        return True

    def _pass_fence(self) -> None:
        """Right before each write: is the token still ours to act for? Raises `Trouble`."""
        if self._fence is not None and not self._fence.open(self._token):
            raise Trouble(not_held(self._token))

    def _unsettled(self) -> Trouble:
        return Trouble(
            Fault(
                Reason.CONFLICT,
                f"Secret {self._where()} is changed by others all the time",
                "see who writes to it: kubectl get secret -o yaml --show-managed-fields",
            )
        )
