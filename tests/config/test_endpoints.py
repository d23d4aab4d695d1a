"""Where a token is asked for, over what TLS: tokenUrl or issuer, and client certificates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from secret_refresher.config.fingerprint import source_fingerprint, source_section
from secret_refresher.config.model import Config, TokenConfig
from secret_refresher.config.read import Document, read

Load = Callable[[str], Config]
Refuse = Callable[[str], list[str]]
SINK = "sinks: [{file: }]"


def token(**more: Any) -> TokenConfig:
    """A token of an issuer with these keys."""
    base = {"name": "a", "issuer": "https://id.example.com", "sinks": [{"file": None}]}
    return read([Document("c", {"tokens": [base | more]})]).tokens[0]


def test_an_issuer_is_enough(load: Load) -> None:
    """An issuer stands in place of tokenUrl."""
    (token,) = load(f"tokens: [{{name: a, issuer: 'https://id.example.com/t/', {SINK}}}]").tokens
    assert (token.issuer, token.token_url) == ("https://id.example.com/t/", "")
    assert token.asked_at == "https://id.example.com/t/"


def test_a_token_s_own_one_removes_the_default_s_other(load: Load) -> None:
    """Whichever of issuer and tokenUrl a token has is the one; null leaves the default's."""
    config = load(
        f"defaults: {{tokenUrl: 'https://x/t', {SINK}}}\n"
        "tokens: [{name: a, issuer: 'https://i'}, {name: b}, {name: c, issuer: ~}]"
    )
    assert [(t.issuer, t.token_url) for t in config.tokens] == [
        ("https://i", ""),
        (None, "https://x/t"),
        (None, "https://x/t"),
    ]
    config = load(
        f"defaults: {{issuer: 'https://i', {SINK}}}\ntokens: [{{name: a, tokenUrl: 'https://x/t'}}]"
    )
    assert (config.tokens[0].issuer, config.tokens[0].token_url) == (None, "https://x/t")


def test_parameters_of_these_names_are_no_rivals(load: Load) -> None:
    """A request may have parameters that are called issuer and tokenUrl, or clientId."""
    config = load(
        f"defaults: {{tokenUrl: 'https://x/', request: {{parameters: {{issuer: a, clientId: b}}}},"
        f" {SINK}}}\n"
        "tokens: [{name: a, request: {parameters: {tokenUrl: c, clientIdFile: d}}}]"
    )
    assert dict(config.tokens[0].request.parameters) == {
        "issuer": "a",
        "clientId": "b",
        "tokenUrl": "c",
        "clientIdFile": "d",
    }


@pytest.mark.parametrize("place", ["defaults", "token"])
def test_both_are_refused(refuse: Refuse, place: str) -> None:
    """Issuer and tokenUrl in one place are one problem, told there."""
    both = "tokenUrl: 'https://x/', issuer: 'https://i'"
    text = (
        f"defaults: {{{both}}}\ntokens: [{{name: a, {SINK}}}]"
        if place == "defaults"
        else f"tokens: [{{name: a, {both}, {SINK}}}]"
    )
    (problem,) = refuse(text)
    at = "defaults" if place == "defaults" else "tokens[0]"
    assert problem.startswith(f"{at}.tokenUrl: cannot stand beside issuer")


@pytest.mark.parametrize(
    ("issuer", "message"),
    [
        ("http://id.example.com", "must be https://"),
        ("https://id.example.com/?a=b", "must not have a query"),
        ("https://id.example.com/#a", "must not have a fragment"),
        ("https://me:pw@id.example.com/", "must not hold credentials"),
        ("https://id.example.com/t/.well-known/openid-configuration", "remove /.well-known/"),
        ("id.example.com", "must begin with https://"),
    ],
)
def test_an_issuer_that_is_none(refuse: Refuse, issuer: str, message: str) -> None:
    """An identifier is a URL without more (RFC 8414 section 2); a fault is told at the key."""
    (problem,) = refuse(f"tokens: [{{name: a, issuer: '{issuer}', {SINK}}}]")
    assert problem.startswith("tokens[0].issuer: ")
    assert message in problem
    assert "pw" not in problem


def test_plain_http_where_it_is_meant(load: Load) -> None:
    """On loopback, and with allowInsecure, an issuer may be http://."""
    for more in ("issuer: 'http://[::1]:8080'", "issuer: 'http://id', allowInsecure: true"):
        load(f"tokens: [{{name: a, {more}, {SINK}}}]")


@pytest.mark.parametrize(
    ("more", "place", "message"),
    [
        ("tls: {keyFile: /k}", "tls.keyFile", "certFile is missing"),
        ("auth: {method: tls_client_auth}", "auth.method", "name its file in tls.certFile"),
        (
            "auth: {method: self_signed_tls_client_auth}",
            "auth.method",
            "name its file in tls.certFile",
        ),
        (
            "auth: {method: tls_client_auth, clientSecretFile: /s}, tls: {certFile: /c}",
            "auth.clientSecretFile",
            "belongs to client_secret_basic",
        ),
    ],
)
def test_a_certificate_that_is_not_whole(
    refuse: Refuse, more: str, place: str, message: str
) -> None:
    """A key without its certificate, and a method without one, are told with what to add."""
    (problem,) = refuse(f"tokens: [{{name: a, tokenUrl: 'https://x/', {more}, {SINK}}}]")
    assert problem.startswith(f"tokens[0].{place}: ")
    assert message in problem


def test_a_certificate_needs_tls(refuse: Refuse) -> None:
    """It cannot be shown to http://, not even on loopback."""
    (problem,) = refuse(
        f"tokens: [{{name: a, tokenUrl: 'http://localhost/t', tls: {{certFile: /c}}, {SINK}}}]"
    )
    assert problem.startswith("tokens[0].tls.certFile: is shown in TLS")


def test_the_name_is_expanded(load: Load) -> None:
    """`{name}` stands for the token's name in both files; parts come from the defaults."""
    config = load(
        f"defaults: {{tokenUrl: 'https://x/', tls: {{certFile: '/c/{{name}}/tls.crt'}}, {SINK}}}\n"
        "tokens: [{name: a, tls: {keyFile: '/c/{name}/tls.key'}}]"
    )
    (token,) = config.tokens
    assert (token.tls.cert_file, token.tls.key_file) == ("/c/a/tls.crt", "/c/a/tls.key")


def test_an_output_is_no_certificate(refuse: Refuse) -> None:
    """A token is never written over the key that it is asked for with."""
    (problem,) = refuse(
        "tokens: [{name: a, tokenUrl: 'https://x/', tls: {certFile: /c, keyFile: /k},"
        " sinks: [{file: {path: /k}}]}]"
    )
    assert "is a file that credentials are read from" in problem


@pytest.mark.parametrize(
    "more",
    [
        {"issuer": "https://id.example.com/"},
        {"issuer": None, "tokenUrl": "https://id.example.com"},
        {"tls": {"certFile": "/c"}},
        {"tls": {"certFile": "/c", "keyFile": "/k"}},
    ],
)
def test_what_causes_a_fetch(more: dict[str, Any]) -> None:
    """Issuer and certificate are part of the source."""
    assert source_section(token(**more)) != source_section(token())


def test_the_fingerprint_tells_issuers_apart() -> None:
    """A token of another issuer is never adopted, nor one of an endpoint with the same URL."""
    prints = {
        source_fingerprint(token()),
        source_fingerprint(token(issuer="https://id.example.com/")),
        source_fingerprint(token(issuer=None, tokenUrl="https://id.example.com")),
    }
    assert len(prints) == 3
    assert source_fingerprint(token(tls={"certFile": "/c"})) in prints, "a path says nothing"
    assert source_fingerprint(token()) == "v1:3df65561a7d2c18662e522e79c7f7dd4"
