"""What a server's refusal means where an assertion was to prove who asks. Pure.

A server does not say why it takes no assertion. Most often it is a clock: ours where we signed
it, and where a file holds it, nobody renewed that. Both can be told from the answer's own Date.

Assertions are dated by our clock as it is, never corrected by the Date of an earlier answer: then
whoever answers could have us sign assertions for any time to come, to use them when we are gone.
"""

from __future__ import annotations

from dataclasses import replace

from secret_refresher.config.methods import GIVEN, SIGNED
from secret_refresher.config.model import TokenConfig
from secret_refresher.errors import Fault, Reason
from secret_refresher.tokens.assertion import Validity

MOST_SKEW = 10.0
"""Seconds by which our clock may be off without being blamed: servers allow for a few."""
_CREDENTIALS = frozenset({Reason.INVALID_CLIENT, Reason.UNAUTHORIZED, Reason.INVALID_GRANT})
_CLOCK = _CREDENTIALS | {Reason.UNAUTHORIZED_CLIENT, Reason.INVALID_REQUEST}
"""Refusals that servers are known to answer an expired assertion with."""


def explained(
    fault: Fault, token: TokenConfig, skew: float | None, wall: float, given: Validity
) -> Fault:
    """The fault with what is known of the assertion; other faults as they are.

    `skew` is the server's clock less ours in seconds, None where it did not tell; `wall` ours
    now, and `given` what the assertion says that a file holds.
    """
    if token.auth_method in SIGNED:
        return _signed(fault, token, skew)
    if token.auth_method in GIVEN:
        whose = "this machine's" if skew is None else "the server's"
        return _given(fault, token, wall + (skew or 0.0), whose, given)
    return fault


def _signed(fault: Fault, token: TokenConfig, skew: float | None) -> Fault:
    if fault.reason in _CLOCK and skew is not None and abs(skew) > MOST_SKEW:
        where, dated = ("behind", "as expired") if skew > 0 else ("ahead of", "as not valid yet")
        return replace(
            fault,
            summary=f"{fault.summary}; this machine's clock is {_span(skew)} {where} the server's",
            advice="set this machine's clock (the node's, by NTP): our assertions are dated by it"
            f" and live a minute, so that the server sees them {dated}",
        )
    if fault.reason not in _CREDENTIALS:
        return fault
    # Keycloak tells no Date.
    clock = "" if skew is not None else ", and this machine's clock, since the answer has no Date"
    return replace(
        fault,
        advice=f"check that the client has the public half of {token.auth.private_key_file} at the"
        " server, under the same key id (auth.keyId), and whom the server wants assertions to be"
        f" for (auth.assertionAudience){clock}; a change of the files is taken at once",
    )


def _given(fault: Fault, token: TokenConfig, now: float, whose: str, given: Validity) -> Fault:
    """`now` by the clock of `whose`."""
    path = token.auth.assertion_file
    if fault.reason in _CLOCK:
        if given.ends is not None and given.ends <= now:
            return replace(
                fault,
                summary=f"{fault.summary}; the assertion in {path} expired"
                f" {_span(now - given.ends)} ago, by {whose} clock",
                advice="see who renews it: the kubelet does so for a projected ServiceAccount"
                " token, and nobody for a copy of one; a change of the file is taken at once",
            )
        if given.begins is not None and given.begins > now + MOST_SKEW:
            return replace(
                fault,
                summary=f"{fault.summary}; the assertion in {path} is valid in"
                f" {_span(given.begins - now)} only, by {whose} clock",
                advice="set the clock of whoever issues it, or the server's",
            )
    if fault.reason not in _CREDENTIALS:
        return fault
    return replace(
        fault,
        advice=f"check that the server trusts the issuer of {path}, and expects its subject and"
        " its audience; a change of the file is taken at once",
    )


def _span(seconds: float) -> str:
    """`5 min 2 s`, `3 h 10 min`, `2 d 4 h`, whichever way."""
    whole = round(abs(seconds))
    for (size, unit), (least, below) in (
        ((86400, "d"), (3600, "h")),
        ((3600, "h"), (60, "min")),
        ((60, "min"), (1, "s")),
    ):
        if whole >= size:
            rest = whole % size // least
            return f"{whole // size} {unit}" + (f" {rest} {below}" if rest else "")
    return f"{whole} s"
