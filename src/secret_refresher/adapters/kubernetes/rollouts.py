"""Restarts workloads as `kubectl rollout restart` does: by an annotation of the pod template.

Beside kubectl's own `kubectl.kubernetes.io/restartedAt` stands which token the restart was for, so
that a daemon which was restarted itself, or another replica, does not restart the workload again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, final

from secret_refresher.adapters.kubernetes import faults
from secret_refresher.adapters.kubernetes.api import MERGE, Answer, Api
from secret_refresher.adapters.kubernetes.secret_object import CHANGED
from secret_refresher.config.consumers import RolloutConsumer
from secret_refresher.errors import Fault, Lane, Reason, Trouble, not_held
from secret_refresher.ports import Clock, Fence, Heard
from secret_refresher.tokens.moments import parse_rfc3339, rfc3339
from secret_refresher.tokens.token import Life

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
"""When the pods were restarted last, by whomever; RFC 3339 in whole seconds, as kubectl has it."""
FOR_TOKEN = "token.secret-refresher.io/"  # noqa: S105 - the beginning of an annotation
"""With a token's name: when the one was issued that the pods were restarted for last."""
_NOT_FOUND = 404
_TRIES = 3
_SAME = 0.001
"""Seconds; written instants have milliseconds."""
_AHEAD = 2.0
"""Seconds by which an instant may be in the future: clocks of replicas agree that well."""


@final
class Rollouts:
    """Restarts workloads; from any thread.

    For a token only while the `fence`, if there is one, is open for it.
    """

    def __init__(
        self, api: Api, clock: Clock, field_manager: str, fence: Fence | None = None
    ) -> None:
        self._fence = fence
        self._api = api
        self._clock = clock
        self._manager = field_manager

    def tell(self, consumer: RolloutConsumer, of: Mapping[str, Life]) -> Heard:
        """Restarts a workload for new tokens, unless that was done, or it was restarted lately.

        Times are the API server's, so that replicas with other clocks agree. A workload that was
        changed since it was read is read again: it may have been restarted. Raises `Trouble`.
        """
        path, target = self._place(consumer)
        for _ in range(_TRIES):
            found = self._checked(self._api.request("GET", path), f"read {target}")
            written = self._restarting(_annotations(found), consumer.min_interval, of)
            if isinstance(written, Heard):
                return written
            patch = {
                "metadata": {"resourceVersion": _within(found, "metadata").get("resourceVersion")},
                "spec": {"template": {"metadata": {"annotations": written}}},
            }
            query = (("fieldManager", self._manager),)
            for_whom = [name for name in of if FOR_TOKEN + name in written]
            answer = self._api.request(
                "PATCH", path, query, patch, content_type=MERGE, may=partial(self._held, for_whom)
            )
            if answer.status != CHANGED:
                self._checked(answer, f"restart {target}")
                return Heard()
        raise Trouble(faults.refused(CHANGED, {}, None, f"restart {target}"))

    def _restarting(
        self, there: Mapping[str, str], interval: float, of: Mapping[str, Life]
    ) -> Mapping[str, str] | Heard:
        """The annotations that restart the pods; or that they are not to be. Raises `Trouble`."""
        skew = self._api.skew()
        now = self._clock.wall() + skew
        wanted = {
            name: life.issued_at + skew
            for name, life in of.items()
            if not _restarted_for(there.get(FOR_TOKEN + name), life.issued_at + skew, now)
        }
        if not wanted:
            return Heard(knew=True)
        wait = _wait(there.get(RESTARTED_AT), interval, now)
        if wait > 0:
            return Heard(wait=wait)
        written = {FOR_TOKEN + name: rfc3339(wanted[name]) for name in self._held(wanted)}
        return {**written, RESTARTED_AT: rfc3339(now)[:-5] + "Z"}

    def _held(self, names: Iterable[str]) -> list[str]:
        """Those that may be acted for at this moment. Raises `Trouble` where none may."""
        fence = self._fence
        held = [name for name in names if fence is None or fence.open(name)]
        if not held:
            raise Trouble(not_held(", ".join(names)))
        return held

    def examine(self, consumer: RolloutConsumer) -> str:
        """When a workload was restarted last; nothing is changed. Raises `Trouble`."""
        path, target = self._place(consumer)
        there = _annotations(self._checked(self._api.request("GET", path), f"read {target}"))
        last = _instant(there.get(RESTARTED_AT))
        return "it is there" if last is None else f"it was restarted last at {rfc3339(last)}"

    def _place(self, consumer: RolloutConsumer) -> tuple[str, str]:
        """The path of a workload, and what people call it."""
        namespace = consumer.namespace or self._api.namespace()
        path = f"/apis/apps/v1/namespaces/{namespace}/{consumer.kind.resource}/{consumer.name}"
        return path, f"{consumer.kind} {namespace}/{consumer.name}"

    def _checked(self, answer: Answer, doing: str) -> Mapping[str, Any]:
        if answer.status == _NOT_FOUND:
            raise Trouble(
                Fault(
                    Reason.NOT_FOUND,
                    f"cannot {doing}: there is no such workload (HTTP 404)",
                    "correct rollout.kind, namespace and name, or create it",
                    Lane.PERMANENT,
                    status=_NOT_FOUND,
                )
            )
        if not answer.ok:
            raise Trouble(faults.refused(answer.status, answer.content, answer.retry_after, doing))
        return answer.content


def _annotations(workload: Mapping[str, Any]) -> Mapping[str, str]:
    """Those of the pod template."""
    return _within(workload, "spec", "template", "metadata", "annotations")


def _within(found: Any, *keys: str) -> Mapping[str, Any]:
    """What stands there, if it is a mapping."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _restarted_for(written: str | None, issued: float, now: float) -> bool:
    """Whether the pods were restarted for this token or a newer one; none is from the future."""
    known = parse_rfc3339(written)
    return known is not None and issued - _SAME < known <= now + _AHEAD


def _wait(restarted: str | None, interval: float, now: float) -> float:
    """Seconds for which a workload is left alone; one restarted in the future is not."""
    last = _instant(restarted)
    if last is None or last > now + _AHEAD:
        return 0.0
    return max(0.0, last + interval - now)


def _instant(text: str | None) -> float | None:
    """What kubectl writes, in any time zone."""
    try:
        found = datetime.fromisoformat(text or "")
    except (ValueError, TypeError):
        return None
    return found.timestamp() if found.tzinfo is not None else None
