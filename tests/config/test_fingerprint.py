"""What makes a token the token of one source."""

from collections.abc import Callable
from typing import Any

import pytest

from secret_refresher.config.fingerprint import source_fingerprint, source_section
from secret_refresher.config.model import Config, TokenConfig
from secret_refresher.config.read import Document, read

Load = Callable[[str], Config]


def token(**more: Any) -> TokenConfig:
    """A token with these keys."""
    base = {"name": "a", "tokenUrl": "https://x/", "sinks": [{"file": None}]}
    return read([Document("c", {"tokens": [base | more]})]).tokens[0]


@pytest.mark.parametrize(
    "more",
    [
        {"tokenUrl": "https://x/y"},
        {"auth": {"clientId": "me"}},
        {"auth": {"clientIdFile": "/i"}},
        {"auth": {"clientSecretFile": "/s"}},
        {"auth": {"method": "client_secret_post"}},
        {"request": {"format": "json"}},
        {"request": {"method": "GET"}},
        {"request": {"scope": ["x"]}},
        {"request": {"audience": "x"}},
        {"request": {"resource": ["https://x"]}},
        {"request": {"parameters": {"x": 1}}},
        {"request": {"headers": {"X": "1"}}},
        {"tls": {"caFile": "/ca"}},
    ],
)
def test_what_causes_a_fetch(more: dict[str, Any]) -> None:
    """Each part of the source is part of the section that is compared on reload."""
    assert source_section(token(**more)) != source_section(token())


@pytest.mark.parametrize(
    "more",
    [
        {"name": "a", "sinks": [{"file": {"path": "/elsewhere"}}]},
        {"refresh": {"at": 0.9}},
        {"adopt": False},
        {"request": {"timeout": "1m"}},
        {"request": {"format": "form", "method": "POST", "scope": []}},
        {"auth": {"method": "client_secret_basic"}},
        {"allowInsecure": True},
    ],
)
def test_what_causes_none(more: dict[str, Any]) -> None:
    """Neither the schedule nor the sinks, nor a default written out, is part of the source."""
    assert source_section(token(**more)) == source_section(token())
    assert source_fingerprint(token(**more)) == source_fingerprint(token())


def test_values_that_only_look_equal_to_python() -> None:
    """The JSON parameters 1 and true are two sources; their order is none."""

    def section(**parameters: Any) -> object:
        return source_section(token(request={"format": "json", "parameters": parameters}))

    assert section(x=1) != section(x=True)
    assert section(x=[1]) != section(x=["1"])
    assert section(x={"a": 1, "b": 2}, y=3) == section(y=3, x={"b": 2, "a": 1})


def test_headers_are_the_same_in_any_case() -> None:
    """As HTTP has it (RFC 9110 section 5.1): x-tenant is X-Tenant, and its value counts."""

    def section(name: str, value: str) -> object:
        return source_section(token(request={"headers": {name: value}}))

    assert section("X-Tenant", "blue") == section("x-tenant", "blue")
    assert section("X-Tenant", "blue") != section("X-Tenant", "Blue")


@pytest.mark.parametrize(
    "more",
    [
        {"tokenUrl": "https://x/y"},
        {"auth": {"clientId": "me"}},
        {"request": {"scope": ["x"]}},
        {"request": {"audience": "x"}},
        {"request": {"resource": ["https://x"]}},
        {"request": {"parameters": {"x": 1}}},
        {"request": {"headers": {"X": "1"}}},
    ],
)
def test_what_the_fingerprint_tells_apart(more: dict[str, Any]) -> None:
    """A token of another source is never adopted."""
    assert source_fingerprint(token(**more)) != source_fingerprint(token())


def test_nothing_secret_goes_into_the_fingerprint() -> None:
    """Values of parameters and headers could be guessed from a hash, so they stay out."""

    def fingerprint(value: str) -> str:
        return source_fingerprint(
            token(request={"parameters": {"x": value}, "headers": {"X": value}})
        )

    assert fingerprint("one") == fingerprint("two")


def test_the_fingerprint_does_not_change_between_versions() -> None:
    """What stands beside a token is understood by the next version of the program."""
    full = token(
        auth={"clientId": "me"},
        request={
            "scope": ["a", "b"],
            "audience": "c",
            "resource": ["https://d"],
            "parameters": {"e": 1},
            "headers": {"F": "g"},
        },
    )
    assert source_fingerprint(full) == "v1:07af86e445655e630a2708117f6922a7"
