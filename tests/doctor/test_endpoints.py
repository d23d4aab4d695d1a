"""A doctor's look at credentials and token endpoints, by what it is told of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from secret_refresher.config.model import Refresh, TokenConfig
from secret_refresher.doctor.check import Check, Verdict
from secret_refresher.doctor.endpoints import Doors
from secret_refresher.errors import Fault, Reason
from secret_refresher.ports import Exchange, Outcome
from secret_refresher.tokens.token import Grant
from support.tokens import grant, token_config

REFUSED = Fault(Reason.INVALID_CLIENT, "it was refused", "rotate it")
AWAY = Fault(Reason.CONNECT, "nobody is there", "look at the server")
ORIGIN = "https://id.example.com:443"


class Endpoint:
    """Answers as it is told; implements a doctor's `Endpoint`."""

    def __init__(
        self,
        *,
        missing: Fault | None = None,
        away: Fault | None = None,
        skew: float | None = 0.2,
        outcome: Outcome | None = None,
    ) -> None:
        self.missing = missing
        self.away = away
        self.skew = skew
        self.outcome = outcome or Outcome(grant("sesame-open", 0.0, 3600.0))
        self.greeted = 0
        self.fetched = 0

    def rehearse(self, token: TokenConfig) -> Fault | None:
        """What is missing."""
        return self.missing

    def greet(self, token: TokenConfig, timeout: float) -> tuple[Sequence[Exchange], Fault | None]:
        """Whether it is there."""
        self.greeted += 1
        status = None if self.away else 405
        skew = None if self.away else self.skew
        return [Exchange(ORIGIN, status, 0.1, reached=True, skew=skew)], self.away

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """A token, or none."""
        self.fetched += 1
        return self.outcome


def look(
    endpoint: Endpoint, token: TokenConfig | None = None, *, fetch: bool = False
) -> list[Check]:
    """All that is said."""
    return list(Doors(endpoint).look_at(token or token_config(), fetch=fetch))


def test_a_set_up_that_works_is_fine() -> None:
    """Credentials, server and clock, and nothing is fetched unasked."""
    endpoint = Endpoint()
    checks = look(endpoint)
    assert [check.verdict for check in checks] == [Verdict.OK] * 3
    assert {check.part for check in checks} == {"partner-api"}
    assert "HTTP 405" in checks[1].result
    assert endpoint.fetched == 0


def test_a_fetch_shows_a_hash_only() -> None:
    """Enough to compare two tokens, and nothing to use one."""
    *_, check = look(Endpoint(), fetch=True)
    assert check.verdict is Verdict.OK
    assert hashlib.sha256(b"sesame-open").hexdigest()[:12] in check.result
    assert "3600 s" in check.result
    assert "sesame" not in repr(check)


def test_missing_credentials_fail_and_are_not_sent() -> None:
    """The server is looked at all the same: the second fault should not wait for the first."""
    endpoint = Endpoint(missing=REFUSED)
    checks = look(endpoint, fetch=True)
    assert [check.verdict for check in checks] == [Verdict.FAILED, Verdict.OK, Verdict.OK]
    assert checks[0].remedy == "rotate it"
    assert endpoint.fetched == 0


def test_a_server_that_is_away_fails() -> None:
    """By its fault, and no clock is compared."""
    checks = look(Endpoint(away=AWAY))
    assert [check.verdict for check in checks] == [Verdict.OK, Verdict.FAILED]
    assert checks[1].result == "nobody is there"


def test_a_clock_that_is_off_is_a_warning() -> None:
    """By how much, and which way."""
    *_, behind = look(Endpoint(skew=300.0))
    assert behind.verdict is Verdict.WARNING
    assert "300 s behind" in behind.result
    *_, ahead = look(Endpoint(skew=-300.0))
    assert "300 s ahead" in ahead.result


def test_one_server_is_greeted_once() -> None:
    """However many tokens come from it."""
    endpoint = Endpoint()
    doors = Doors(endpoint)
    first = list(doors.look_at(token_config("a"), fetch=False))
    second = list(doors.look_at(token_config("b"), fetch=False))
    assert endpoint.greeted == 1
    assert len(first) > len(second) == 1


def test_a_refused_fetch_fails() -> None:
    """With what the server said, and the remedy."""
    *_, check = look(Endpoint(outcome=Outcome(REFUSED)), fetch=True)
    assert (check.verdict, check.result) == (Verdict.FAILED, "it was refused")


def test_a_grant_that_will_not_do_for_long_is_a_warning() -> None:
    """The previous secret, or a life that leaves too little lead."""
    granted = Endpoint().outcome.result
    assert isinstance(granted, Grant)
    *_, old = look(Endpoint(outcome=Outcome(granted, used_previous_secret=True)), fetch=True)
    assert old.verdict is Verdict.WARNING
    assert "previous secret" in old.result
    brief = replace(granted, lifetime=60.0)
    token = token_config(refresh=Refresh(min_lead=60.0))
    *_, short = look(Endpoint(outcome=Outcome(brief)), token, fetch=True)
    assert short.verdict is Verdict.WARNING
    assert "minLead" in str(short.remedy)
