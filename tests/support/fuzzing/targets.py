"""The parsers, right inputs for each, and what must hold whatever comes in.

A target makes one input from a `Random`, gives it to the parser, checks what comes out, and names
the outcome, so that a run can show how deep its inputs went. What a parser raises on purpose is an
outcome; anything else ends the run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from secret_refresher.adapters.config_files.yaml_text import parse as parse_yaml
from secret_refresher.adapters.token_endpoint import metadata
from secret_refresher.adapters.token_endpoint.redirects import next_url
from secret_refresher.config.origin import origin_of
from secret_refresher.config.problems import ConfigError
from secret_refresher.config.read import Document, read
from secret_refresher.errors import Trouble
from secret_refresher.tokens import answer, credentials, record
from secret_refresher.tokens.lifetime import LONGEST_LIFE
from secret_refresher.tokens.moments import parse_rfc3339, rfc3339
from secret_refresher.tokens.rendering import template_problem
from support.fuzzing import cluster, doors, keys
from support.fuzzing.mutate import CANARY, bend, spoil, written
from support.fuzzing.sound import body, orderly, told

Target = Callable[[Random], str]
"""Tries one input; the outcome's name. Raises AssertionError where something does not hold."""

_JWT = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDM2MDAsImlhdCI6MTcwMDAwMDAwMH0.c2ln"
_ANSWERS: tuple[Any, ...] = (
    {"access_token": f"{CANARY}.x", "token_type": "Bearer", "expires_in": 3600, "scope": "a b"},
    {"access_token": _JWT, "token_type": "Bearer"},
    {"access_token": CANARY, "expires_in": "3600"},
    {"error": "invalid_client", "error_description": CANARY},
    {"error": "temporarily_unavailable", "error_uri": f"https://x/{CANARY}"},
    {"error": CANARY},
)
_ANSWER_BYTES = tuple(map(written, _ANSWERS))
_STATUS = (200,) * 12 + (201, 204, 302, 400, 401, 403, 404, 408, 418, 429, 500, 503, 599)
_DATES = (
    b"Tue, 24 Nov 2026 10:00:00 GMT",
    b"Tuesday, 24-Nov-26 10:00:00 GMT",
    b"Tue Nov 24 10:00:00 2026",
    b"120",
    b"Wed, 25 Nov 2026 10:00:00 +0100",
)
_TYPES = ("application/json", "text/html; charset=utf-8", CANARY, "", "application/problem+json")


def _headers(random: Random) -> dict[str, str]:
    names = ("date", "retry-after", "content-type", "www-authenticate")
    made = {}
    for name in names:
        if random.random() < 0.5:
            text = random.choice(_DATES)
            if random.random() < 0.5:
                text = spoil(text, _DATES, random)
            made[name] = text.decode("latin-1")
    if random.random() < 0.5:
        made["content-type"] = random.choice(_TYPES)
    return made


def token_answer(random: Random) -> str:
    """A grant is sound, a refusal fit to be shown."""
    content = body(_ANSWERS, _ANSWER_BYTES, random)
    default = random.choice((None, 600.0))
    try:
        grant = answer.parse(
            random.choice(_STATUS),
            _headers(random),
            content,
            issued=1.0,
            issued_at=1.7e9,
            default_lifetime=default,
        )
    except Trouble as trouble:
        return told(trouble)
    token = grant.access_token.reveal()
    assert token.isascii()
    assert token.isprintable()
    assert " " not in token
    assert token
    assert 0 < grant.lifetime <= LONGEST_LIFE
    assert grant.token_type.isprintable()
    assert CANARY not in repr(grant.access_token)
    return "grant"


def headers(random: Random) -> str:
    """A wait is none or within an hour, a date a number."""
    made = _headers(random)
    wait, date = answer.retry_after(made), answer.http_date(made)
    assert wait is None or 0 <= wait <= answer.LONGEST_RETRY_AFTER
    assert date is None or math.isfinite(date)
    return f"wait {wait is not None}, date {date is not None}"


_ISSUER = "https://id.example.com/tenant"
_METADATA: tuple[Any, ...] = (
    {
        "issuer": _ISSUER,
        "token_endpoint": f"{_ISSUER}/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        "mtls_endpoint_aliases": {"token_endpoint": "https://mtls.example.com/token"},
    },
    {"issuer": _ISSUER, "token_endpoint": "https://other.example.com/token"},
)
_METADATA_BYTES = tuple(map(written, _METADATA))


def discovery(random: Random) -> str:
    """An endpoint that comes of it is a URL that a configuration might name as well."""
    content = body(_METADATA, _METADATA_BYTES, random)
    place = metadata.places(_ISSUER)[0]
    try:
        found = metadata.parse(
            place, _ISSUER, random.choice(_STATUS[-18:]), _headers(random), content
        )
        url = metadata.allowed(found, _ISSUER, insecure=False, mutual_tls=random.random() < 0.5)
    except Trouble as trouble:
        return str(trouble.fault.reason)
    assert url.startswith("https://")
    assert url.isprintable()
    return "endpoint"


_RECORD = {
    "rendering": "sha256:" + "ab" * 32,
    "issuedAt": "2026-11-24T10:00:00.000Z",
    "refreshAt": "2026-11-24T10:45:00.500Z",
    "expiresAt": "2026-11-24T11:00:00.000Z",
    "fingerprint": "0123456789abcdef+01234567",
}
_RECORDS: tuple[Any, ...] = (
    {"version": 1, "records": [_RECORD, {**_RECORD, "fingerprint": CANARY}]},
    {"version": 2, "records": [_RECORD]},
    {"version": 1, "records": [{**_RECORD, "more": 1}]},
)
_RECORD_BYTES = tuple(map(written, _RECORDS))


def records(random: Random) -> str:
    """What is read beside a file is orderly, and reads the same when written again."""
    found = record.load(body(_RECORDS, _RECORD_BYTES, random))
    assert len(found) <= 2
    for one in found:
        orderly(one)
    again = record.load(record.dump(found))
    assert record.load(record.dump(again)) == again
    assert len(again) == len(found)
    return f"{len(found)} records"


_MOMENTS = (b"2026-11-24T10:00:00Z", b"2026-11-24T10:00:00.123Z", b"9999-12-31T23:59:59.999Z")


def moments(random: Random) -> str:
    """An instant that is read is written the same."""
    text = spoil(random.choice(_MOMENTS), _MOMENTS, random).decode("latin-1")
    instant = parse_rfc3339(text)
    if instant is None:
        return "none"
    again = parse_rfc3339(rfc3339(instant))
    assert again is not None
    assert abs(again - instant) < 0.001
    return "instant"


_CREDENTIALS = (
    f"{CANARY}\n".encode(),
    f"{CANARY}\r\n".encode(),
    "sesam\u00f6ffne dich".encode(),
    b"x",
)


def credential(random: Random) -> str:
    """A credential is a line; a refusal does not quote it."""
    try:
        secret = credentials.parse("/s", spoil(random.choice(_CREDENTIALS), _CREDENTIALS, random))
    except Trouble as trouble:
        return told(trouble)
    assert secret.reveal()
    assert not set(secret.reveal()) & set("\0\n\r\x1b")
    return "secret"


_HERE = "https://id.example.com/oauth/token?a=b"
_LOCATIONS = (
    b"https://id.example.com/other",
    b"/other?x=y",
    b"//id.example.com:443/other",
    b"https://evil.example.com/",
    b"http://id.example.com/oauth/token",
    b"https://user@id.example.com/",
    b"https://[::1]:8443/",
    b"../up#fragment",
)


def redirect(random: Random) -> str:
    """Where a redirect leads is the same origin."""
    location = spoil(random.choice(_LOCATIONS), _LOCATIONS, random).decode("latin-1")
    try:
        there = next_url(_HERE, random.choice((301, 302, 303, 307, 308)), {"location": location})
    except Trouble as trouble:
        return told(trouble)
    assert origin_of(there) == origin_of(_HERE)
    assert there.isprintable()
    return "followed"


_CONFIG: Mapping[str, Any] = {
    "tokens": [
        {
            "name": "a",
            "tokenUrl": "https://id.example.com/t",
            "auth": {"method": "client_secret_post", "clientId": "me"},
            "request": {"format": "json", "scope": ["a"], "parameters": {"x": 1}, "timeout": "10s"},
            "refresh": {"at": 0.8, "jitter": 0.1, "minLead": "1m", "onExpired": "keep"},
            "sinks": [
                {"file": {"path": "/run/{name}", "mode": "0440", "render": {"format": "env"}}},
                {"secret": {"name": "t", "namespaces": ["a"], "data": {"k": {"format": "raw"}}}},
            ],
        },
        {"name": "b", "state": "absent", "sinks": [{"file": {"path": "/run/b"}}]},
    ],
    "defaults": {"tls": {"caFile": "/ca.pem"}, "refresh": {"minLead": "30s"}},
    "server": {"address": "127.0.0.1:9797"},
    "log": {"level": "debug", "format": "json"},
}


def configuration(random: Random) -> str:
    """A mapping is taken or refused, each problem on one line."""
    try:
        read([Document("a.yaml", bend(_CONFIG, random))])
    except ConfigError as refused:
        for problem in refused.problems:
            assert str(problem).isprintable(), problem
        return f"{min(len(refused.problems), 5)} problems"
    return "taken"


_YAML = (
    json.dumps(_CONFIG).encode(),
    b"a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 0x1F}\n",
    b"tokens:\n- name: a\n  mode: 0440\n  at: 1e3\n  on: yes\n  t: 2026-11-24\n",
    b"a: |\n  text\nb: >-\n  folded\n  text\n? c\n: d\n",
)


def yaml_text(random: Random) -> str:
    """A text is a value or a list of problems, none of which quotes it."""
    try:
        parse_yaml("a.yaml", spoil(random.choice(_YAML), _YAML, random))
    except ConfigError as refused:
        text = str(refused)
        assert CANARY not in text
        return "refused"
    return "value"


_TEMPLATES = (
    b"{{ accessToken }}",
    b"{% for s in scope.split() %}{{ loop.index }}={{ s | upper }}{% endfor %}{{ name }}",
    b"{% if expiresIn > 60 %}{{ tokenType ~ accessToken }}{% else %}{{ [1, 2] | join }}{% endif %}",
    b"{% set parts = accessToken.split('.') %}{{ {'a': parts[0]} | tojson }}",
)


def template(random: Random) -> str:
    """A template is taken, or what is wrong with it is told."""
    text = spoil(random.choice(_TEMPLATES), _TEMPLATES, random).decode("utf-8", "replace")
    problem = template_problem(text)
    return "taken" if problem is None else problem.partition(" ")[0]


TARGETS: Mapping[str, tuple[Target, int]] = {
    "token answer": (token_answer, 200),
    "headers": (headers, 150),
    "records beside a file": (records, 150),
    "instants": (moments, 160),
    "credential files": (credential, 100),
    "redirects": (redirect, 80),
    "discovery": (discovery, 50),
    "keys": (keys.key, 20),
    "assertions": (keys.jwt, 60),
    "certificates": (keys.certificate, 80),
    "Secrets": (cluster.secret_object, 30),
    "Leases": (cluster.lease, 30),
    "refusals of an API server": (cluster.refusal, 60),
    "lists and watches": (cluster.reflection, 30),
    "requests for pages": (doors.request, 60),
    "status documents": (doors.status, 20),
    "configuration": (configuration, 10),
    "YAML": (yaml_text, 30),
    "templates": (template, 10),
}
"""By name: the target, and its share of the inputs."""
WHOLE = sum(share for _, share in TARGETS.values())
