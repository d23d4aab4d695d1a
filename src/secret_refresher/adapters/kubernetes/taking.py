"""May we write to a Secret that is there? Decisions over what was found, with a reason. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import final

from secret_refresher.adapters.kubernetes.secret_form import Installation, Standing
from secret_refresher.config import checks, names
from secret_refresher.config.model import SecretSink
from secret_refresher.errors import Fault, Lane, Reason

_FORCE = "set force: true in the sink to take it over, or give the sink another name"


@final
class Claim(Enum):
    """What a Secret that may be written to is to us."""

    OURS = "ours"
    """We have taken it; what others do to our keys is put right."""
    FREE = "free"
    """Nobody has a claim to what we would write."""


def claim(
    found: Standing,
    sink: SecretSink,
    us: Installation,
    *,
    where: str,
    token_name: str,
    taken_uid: str | None,
) -> Claim | Fault:
    """Whether a Secret is ours, may be taken, or is somebody else's.

    `where` is namespace/name. `taken_uid` is the uid of the object that this process wrote last.

    1. One that is being deleted, or whose type cannot become ours, can be nobody's sink.
    2. Ours: see `ours`.
    3. What another installation took from this process stays with it, or two that both have
       `force` would take it from each other for ever.
    4. `force` takes whatever is there.
    5. Another owner, token, controller, or a value under one of our keys refuses us.
    """
    if found.leaving:
        return _fault(
            Reason.TERMINATING,
            f"Secret {where} is being deleted",
            "look at its finalizers; it is created again once it is gone",
            Lane.TRANSIENT,
        )
    if found.type != sink.type:
        return _fault(
            Reason.IMMUTABLE,
            f"Secret {where} has another type, and a type cannot be changed",
            "write its type into the sink, or delete the Secret",
        )
    if ours(found, sink, us, token_name, taken_uid):
        return Claim.OURS
    if sink.force:
        taken_away = found.uid == taken_uid and found.owner not in {None, us.owner}
        return _taken_away(found, where) if taken_away else Claim.FREE
    return _foreign(found, where, us) or Claim.FREE


def ours(
    found: Standing, sink: SecretSink, us: Installation, token_name: str, taken_uid: str | None
) -> bool:
    """Whether we have taken a Secret: our owner and token name stand on it.

    Or somebody took off the owner, and it is the object that this process has held, or only we
    still manage its keys.
    """
    if found.owner is not None:
        return found.owner == us.owner and found.token_name == token_name
    kept = bool(found.managers) and found.ours >= set(sink.data)
    return kept or found.uid == taken_uid


def conflict(fields: Mapping[str, str], where: str) -> Fault:
    """Fields that others manage, each with its manager, at the first taking without `force`."""
    field, manager = min(fields.items())
    # Nothing but names of keys and labels; whatever else it might be is not shown.
    shown = f"field {field}" if re.fullmatch(r"[-A-Za-z0-9._/]{1,300}", field) else "a field"
    return _conflict(f"{shown} of Secret {where} is managed by {manager}")


def writable(found: Standing, where: str) -> Fault | None:
    """Why its content cannot be changed, whoever owns it."""
    if not found.immutable:
        return None
    return _fault(
        Reason.IMMUTABLE,
        f"Secret {where} is immutable",
        "delete it, and it is created again; or give the sink another name",
    )


def _taken_away(found: Standing, where: str) -> Fault:
    return _fault(
        Reason.CONFLICT,
        f"Secret {where} was taken from us by {_owner(found)}",
        "let one of both write it; a restart takes it once more",
    )


def _owner(found: Standing) -> str:
    known = found.owner is not None and names.owner(found.owner) is None
    return str(found.owner) if known else "another installation"


def _foreign(found: Standing, where: str, us: Installation) -> Fault | None:
    if found.owner is not None and found.owner != us.owner:
        return _conflict(
            f"Secret {where} belongs to {_owner(found)}, by its annotation {names.PREFIX}owner"
        )
    if found.owner is not None:
        known = found.token_name is not None and checks.label(found.token_name) is None
        whose = f"token {found.token_name}" if known else "another token"
        return _conflict(f"Secret {where} holds {whose} of this installation")
    if found.controlled:
        return _conflict(f"Secret {where} is managed by a controller, by its ownerReferences")
    for key, managers in sorted(found.managers.items()):
        if key not in found.ours:
            others = [who for who in managers if who != us.field_manager]
            whom = f", managed by {others[0]}" if others and others[0].isprintable() else ""
            return _conflict(f"Secret {where} has a value under key {key}{whom}")
    return None


def _conflict(summary: str) -> Fault:
    return _fault(Reason.CONFLICT, summary, _FORCE)


def _fault(reason: Reason, summary: str, advice: str, lane: Lane = Lane.PERMANENT) -> Fault:
    return Fault(reason, summary, advice, lane)
