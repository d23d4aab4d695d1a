"""Whom a token is asked of, as far as bulkheads need to know."""

from __future__ import annotations

import pytest

from secret_refresher.config.model import TokenConfig
from secret_refresher.engine.entry import Entry, answered
from secret_refresher.ports import Exchange

ISSUER, ENDPOINT = "https://id.example.com:443", "https://token.example.com:443"


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
    assert answered(ISSUER, exchanges) is expected
