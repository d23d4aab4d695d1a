"""Whom a token is asked of, as far as bulkheads need to know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from secret_refresher.config.model import TokenConfig
from secret_refresher.engine.entry import Entry, answered
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.ports import Exchange, Outcome

ISSUER, ENDPOINT = "https://id.example.com:443", "https://token.example.com:443"


TROUBLE = Fault(Reason.NETWORK, "it broke", "wait")


def exchange(origin: str, status: int | None, *, discovery: bool = False) -> Exchange:
    """One request to an origin."""
    return Exchange(origin, status, 0.1, reached=status is not None, discovery=discovery)


def test_an_issuer_is_the_origin_until_its_endpoint_is_known() -> None:
    """Then the endpoint's origin is: whoever hangs is who is asked one at a time."""
    entry = Entry(TokenConfig(name="a", issuer="https://id.example.com/t"), (), 0.0)
    assert entry.origin == ISSUER
    entry.asked([exchange(ISSUER, None, discovery=True)])
    assert entry.origin == ISSUER
    entry.asked([exchange(ISSUER, 200, discovery=True), exchange(ENDPOINT, None)])
    assert entry.origin == ENDPOINT
    entry.asked([])
    assert entry.origin == ENDPOINT


@pytest.mark.parametrize(
    ("exchanges", "expected"),
    [
        ([], None),
        ([exchange(ISSUER, 200)], True),
        ([exchange(ISSUER, 401)], True),
        ([exchange(ISSUER, 503)], False),
        ([exchange(ISSUER, None)], False),
        ([exchange(ISSUER, None), exchange(ISSUER, 200)], True),
        ([exchange(ISSUER, None, discovery=True)], False),
        ([exchange(ISSUER, 200, discovery=True)], True),
        ([exchange(ISSUER, 200, discovery=True), exchange(ISSUER, None)], False),
        ([exchange(ISSUER, 200, discovery=True), exchange(ENDPOINT, None)], True),
        ([exchange(ENDPOINT, 200)], None),
    ],
)
def test_what_counts_as_an_answer(
    exchanges: list[Exchange],
    expected: bool | None,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Metadata that can be had does not make up for a token endpoint that hangs."""
    assert answered(ISSUER, Outcome(TROUBLE, tuple(exchanges))) is expected


def test_a_refused_certificate_is_no_silence() -> None:
    """Whoever refuses one tenant's client certificate in TLS is there for the others."""
    refused = Fault(Reason.TLS, "refused", "renew it", Lane.PERMANENT)
    assert answered(ISSUER, Outcome(refused, (exchange(ISSUER, None),))) is None


def test_an_origin_that_was_learnt_stays_while_the_issuer_does() -> None:
    """Other sinks change nothing of it; another issuer does."""
    config = TokenConfig(name="a", issuer="https://id.example.com/t")
    entry = Entry(config, (), 0.0)
    entry.asked([exchange(ENDPOINT, 200)])
    entry.describe(config, ())
    assert entry.origin == ENDPOINT
    entry.describe(replace(config, issuer="https://other.example.com"), ())
    assert entry.origin == "https://other.example.com:443"
