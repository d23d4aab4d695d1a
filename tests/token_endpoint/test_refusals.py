"""What is told when a server takes no assertion: clocks before keys."""

from __future__ import annotations

import pytest

from secret_refresher.adapters.token_endpoint.refusals import MOST_SKEW, explained
from secret_refresher.config.model import Auth, AuthMethod, TokenConfig
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.tokens.assertion import Validity

NOW = 1_700_000_000.0
KEY, FILE = "/keys/private_key", "/tokens/assertion"


def refusal(reason: Reason = Reason.INVALID_CLIENT) -> Fault:
    """What an answer was read to."""
    return Fault(reason, "refused (HTTP 401)", "do something", Lane.PERMANENT, status=401)


def told(
    method: AuthMethod,
    skew: float | None,
    given: Validity | None = None,
    fault: Fault | None = None,
) -> Fault:
    """What it is explained to."""
    auth = Auth(method=method, private_key_file=KEY, assertion_file=FILE)
    token = TokenConfig(name="a", token_url="https://x/", auth=auth)
    return explained(fault or refusal(), token, skew, NOW, given or Validity())


SIGNED, GIVEN = AuthMethod.PRIVATE_KEY_JWT, AuthMethod.CLIENT_ASSERTION


@pytest.mark.parametrize(
    ("skew", "text"),
    [
        (302.4, "this machine's clock is 5 min 2 s behind the server's"),
        (-302.4, "this machine's clock is 5 min 2 s ahead of the server's"),
        (11, "clock is 11 s behind"),
        (3600, "clock is 1 h behind"),
        (-90_000, "clock is 1 d 1 h ahead of"),
        (60, "clock is 1 min behind"),
        (59.7, "clock is 1 min behind"),
    ],
)
def test_a_clock_that_is_off(skew: float, text: str) -> None:
    """A clock beyond the bound is named with its deviation and direction, and the remedy."""
    fault = told(SIGNED, skew)
    assert fault.summary.startswith("refused (HTTP 401); this machine's clock is ")
    assert text in fault.summary
    assert "set this machine's clock" in fault.advice
    assert ("as expired" if skew > 0 else "as not valid yet") in fault.advice
    assert (fault.reason, fault.lane, fault.status) == (Reason.INVALID_CLIENT, Lane.PERMANENT, 401)


@pytest.mark.parametrize("skew", [0.0, MOST_SKEW, -MOST_SKEW])
def test_a_clock_that_is_right(skew: float) -> None:
    """Otherwise the key and the audience are to be looked at, and no clock is blamed."""
    fault = told(SIGNED, skew)
    assert "clock" not in str(fault)
    assert f"the public half of {KEY}" in fault.advice
    assert "auth.assertionAudience" in fault.advice


def test_a_clock_that_nothing_can_be_said_of() -> None:
    """Without a Date, as Keycloak answers, the remedy names the clock beside the key."""
    fault = told(SIGNED, None)
    assert "clock" not in fault.summary
    assert f"the public half of {KEY}" in fault.advice
    assert "this machine's clock, since the answer has no Date" in fault.advice


@pytest.mark.parametrize(
    "reason",
    [
        Reason.INVALID_CLIENT,
        Reason.UNAUTHORIZED,
        Reason.INVALID_GRANT,
        Reason.UNAUTHORIZED_CLIENT,
        Reason.INVALID_REQUEST,
    ],
)
def test_refusals_that_a_clock_may_cause(reason: Reason) -> None:
    """Whatever a server calls it, a clock that is off is told beside it."""
    assert "5 min behind" in told(SIGNED, 300, fault=refusal(reason)).summary


@pytest.mark.parametrize("method", list(AuthMethod))
@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.SERVER_ERROR, Reason.INVALID_SCOPE])
def test_other_faults_stay_as_they_are(method: AuthMethod, reason: Reason) -> None:
    """No clock is blamed for what it has nothing to do with."""
    fault = refusal(reason)
    assert told(method, 3600, Validity(ends=0), fault) == fault


@pytest.mark.parametrize("method", [m for m in AuthMethod if m not in {SIGNED, GIVEN}])
def test_who_sends_no_assertion(method: AuthMethod) -> None:
    """A secret does not depend on a clock."""
    assert told(method, 3600) == refusal()


def test_a_given_assertion_that_has_expired() -> None:
    """A file's assertion is judged by the server's clock, not by ours."""
    fault = told(GIVEN, 0.0, Validity(ends=NOW - 200))
    assert f"the assertion in {FILE} expired 3 min 20 s ago, by the server's clock" in str(fault)
    assert "see who renews it" in fault.advice
    assert "expired" not in str(told(GIVEN, -300, Validity(ends=NOW - 200)))
    assert "expired 1 min 40 s ago" in str(told(GIVEN, 300, Validity(ends=NOW + 200)))


def test_a_given_assertion_where_the_server_tells_no_time() -> None:
    """Without a Date our clock is all there is, and the fault says so."""
    fault = told(GIVEN, None, Validity(ends=NOW - 200))
    assert "expired 3 min 20 s ago, by this machine's clock" in fault.summary
    assert "expired" not in str(told(GIVEN, None, Validity(ends=NOW + 200)))


def test_a_given_assertion_that_is_not_valid_yet() -> None:
    """An assertion from a clock ahead is told, unless by a little."""
    fault = told(GIVEN, 0.0, Validity(begins=NOW + 60, ends=NOW + 600))
    assert "is valid in 1 min only, by the server's clock" in fault.summary
    assert "valid" not in told(GIVEN, 0.0, Validity(begins=NOW + 5)).summary


@pytest.mark.parametrize("skew", [None, 0.0, 300.0])
def test_a_given_assertion_whose_time_is_right(skew: float | None) -> None:
    """Then trust, subject and audience are to be looked at; our own clock plays no part."""
    fault = told(GIVEN, skew, Validity(begins=NOW - 60, ends=NOW + 3600))
    assert f"check that the server trusts the issuer of {FILE}" in fault.advice
    assert "clock" not in str(fault)
