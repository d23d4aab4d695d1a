"""May we write to a Secret that is there? Decisions over what was found, with a reason. Pure."""

from __future__ import annotations

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
    2. Ours: our owner and token name stand on it, or it is the object that we wrote, or all of
       its keys are still managed by us alone.
    3. `force` takes whatever is there.
    4. Another owner, token, controller, or a value under one of our keys refuses us.
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
    signed = found.owner == us.owner and found.token_name == token_name
    kept = bool(found.managers) and found.ours == set(sink.data)
    unsigned = found.owner is None and (found.uid == taken_uid or kept)
    if signed or unsigned:
        return Claim.OURS
    if sink.force:
        return Claim.FREE
    return _foreign(found, where, us) or Claim.FREE


def writable(found: Standing, where: str) -> Fault | None:
    """Why its content cannot be changed, whoever owns it."""
    if not found.immutable:
        return None
    return _fault(
        Reason.IMMUTABLE,
        f"Secret {where} is immutable",
        "delete it, and it is created again; or give the sink another name",
    )


def _foreign(found: Standing, where: str, us: Installation) -> Fault | None:
    if found.owner is not None and found.owner != us.owner:
        known = names.owner(found.owner) is None
        whose = found.owner if known else "another installation"
        return _conflict(
            f"Secret {where} belongs to {whose}, by its annotation {names.PREFIX}owner"
        )
    if found.owner is not None:
        known = found.token_name is not None and checks.label(found.token_name) is None
        whose = f"token {found.token_name}" if known else "another token"
        return _conflict(f"Secret {where} holds {whose} of this installation")
    if found.controller is not None:
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
