"""May we write to a Secret that is there?"""

from dataclasses import replace

import pytest

from secret_refresher.adapters.kubernetes.secret_form import Installation, Standing
from secret_refresher.adapters.kubernetes.taking import Claim, claim, conflict, ours, writable
from secret_refresher.config.model import SecretSink
from secret_refresher.errors import Fault, Lane, Reason

US = Installation("secret-refresher", "default/secret-refresher")
SINK = SecretSink(name="wanted")
FORCED = SecretSink(name="wanted", force=True)
EMPTY = Standing(
    uid="u-1",
    version="7",
    type="Opaque",
    immutable=False,
    leaving=False,
    owner=None,
    token_name=None,
    record=None,
    rendering=None,
    managers={},
    ours=frozenset(),
    created=False,
    dressed=False,
    alone=False,
    controlled=False,
)
MINE = {"token": ("secret-refresher",)}
THEIRS = {"token": ("helm", "secret-refresher")}
SIGNED = replace(EMPTY, owner=US.owner, token_name="a")


def verdict(found: Standing, sink: SecretSink = SINK, taken: str | None = None) -> Claim | Fault:
    """What is decided over it."""
    return claim(found, sink, US, where="here/wanted", token_name="a", taken_uid=taken)


def told(found: Standing, sink: SecretSink = SINK, taken: str | None = None) -> Fault:
    """Why it is refused."""
    fault = verdict(found, sink, taken)
    assert isinstance(fault, Fault)
    assert "here/wanted" in fault.summary
    return fault


@pytest.mark.parametrize(
    ("found", "taken", "is_ours"),
    [
        (SIGNED, None, True),
        (replace(SIGNED, managers=THEIRS), None, True),
        (replace(SIGNED, controlled=True), None, True),
        (replace(SIGNED, token_name="b"), "u-1", False),
        (replace(SIGNED, token_name=None), "u-1", False),
        (replace(EMPTY, owner="else/where", token_name="a"), "u-1", False),
        # Somebody took off the owner.
        (EMPTY, "u-1", True),
        (EMPTY, "u-0", False),
        (EMPTY, None, False),
        (replace(EMPTY, managers=MINE, ours=frozenset({"token"})), None, True),
        (replace(EMPTY, managers=MINE, ours=frozenset({"token", "old"})), None, True),
        (replace(EMPTY, managers=THEIRS), None, False),
    ],
)
def test_ours(found: Standing, taken: str | None, *, is_ours: bool) -> None:
    """By owner and token; without an owner by its uid, or because only we manage its keys."""
    assert ours(found, SINK, US, "a", taken) is is_ours
    assert (verdict(found, taken=taken) is Claim.OURS) is is_ours


def test_free() -> None:
    """Nothing of anybody's under our keys: free; with force whatever is there."""
    assert verdict(EMPTY) is Claim.FREE
    assert verdict(replace(EMPTY, managers=THEIRS), FORCED) is Claim.FREE
    assert verdict(replace(EMPTY, owner="else/where"), FORCED) is Claim.FREE
    assert verdict(replace(EMPTY, controlled=True), FORCED) is Claim.FREE
    assert verdict(replace(SIGNED, token_name="b"), FORCED) is Claim.FREE


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (replace(EMPTY, owner="else/where"), "belongs to else/where"),
        (replace(EMPTY, owner="a\nb: forged"), "belongs to another installation"),
        (replace(EMPTY, owner=""), "belongs to another installation"),
        (replace(SIGNED, token_name="b"), "holds token b of"),
        (replace(SIGNED, token_name="b\x1b[31m"), "holds another token of"),
        (replace(SIGNED, token_name=None), "holds another token of"),
        (replace(EMPTY, controlled=True), "managed by a controller"),
        (replace(EMPTY, managers=THEIRS), "value under key token, managed by helm"),
        (replace(EMPTY, managers={"token": ("a\nb",)}), "value under key token"),
        (replace(EMPTY, managers={"token": ()}), "value under key token"),
    ],
)
def test_somebody_elses(found: Standing, why: str) -> None:
    """Refused with whose it is, in one line whatever stands there, and what to do."""
    fault = told(found)
    assert (fault.reason, fault.lane) == (Reason.CONFLICT, Lane.PERMANENT)
    assert why in fault.summary
    assert fault.summary.isprintable()
    assert "force: true" in fault.advice


def test_taken_away() -> None:
    """What another installation took from this process is left to it, force or not."""
    fault = told(replace(EMPTY, owner="else/where"), FORCED, taken="u-1")
    assert fault.reason is Reason.CONFLICT
    assert "taken from us by else/where" in fault.summary
    assert verdict(replace(EMPTY, owner="else/where"), FORCED, taken="u-0") is Claim.FREE


def test_nobodys() -> None:
    """One that is being deleted, or of another type, can be nobody's sink, signed or forced."""
    fault = told(replace(SIGNED, leaving=True), FORCED)
    assert (fault.reason, fault.lane) == (Reason.TERMINATING, Lane.TRANSIENT)
    fault = told(replace(SIGNED, type="kubernetes.io/tls"), FORCED)
    assert (fault.reason, fault.lane) == (Reason.IMMUTABLE, Lane.PERMANENT)


def test_immutable() -> None:
    """Said of whoever owns it."""
    fault = writable(replace(SIGNED, immutable=True), "here/wanted")
    assert fault is not None
    assert fault.reason is Reason.IMMUTABLE
    assert writable(SIGNED, "here/wanted") is None


def test_conflicts() -> None:
    """The first field and its manager; what looks like no field is not shown."""
    fault = conflict({".metadata.labels.example.com/team": "helm", ".z": "x"}, "here/wanted")
    assert "field .metadata.labels.example.com/team of Secret here/wanted" in fault.summary
    assert "managed by helm" in fault.summary
    assert "a field of Secret" in conflict({"\n": "helm"}, "here/wanted").summary
