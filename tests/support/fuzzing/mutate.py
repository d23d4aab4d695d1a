"""Right inputs made wrong: most stay nearly right, so that they reach behind the first check."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

CANARY = "cAnArY7f3e"
"""Stands in inputs; nothing that a parser tells may hold it."""
SNIPPETS = (
    *(
        b"",
        b"\0",
        b"\n",
        b"\r\n",
        b" ",
        b"\t",
        b"\xff",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
    ),
    *(
        b'"',
        b"'",
        b"\\",
        b"/",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b"-",
        b".",
        b"%",
        b"#",
        b"@",
        b"?",
    ),
    *(b"0", b"-1", b"1e999", b"9" * 40, b"NaN", b"Infinity", b"null", b"true", b"{}", b"[]", b'""'),
    *(
        b"\\u0000",
        b"\\ud800",
        b"\x1b[31m",
        b"../",
        b"&a",
        b"*a",
        b"!!",
        b"<<",
        b"---",
        b"\xe2\x80\xae",
    ),
    *(b"Bearer", b"access_token", b"expires_in", b"error", b"invalid_client", CANARY.encode()),
    *(
        b"2026-11-24T10:00:00Z",
        b"Tue, 24 Nov 2026 10:00:00 GMT",
        b"GMT",
        b"9999-12-31T23:59:59.9999Z",
        b"a.b.c",
        b"http://",
        b"//",
    ),
)
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        0.0,
        0.5,
        -0.0,
        1e308,
        2**63,
        10**30,
        float("inf"),
        float("nan"),
    ),
    *(
        "",
        " ",
        "0",
        "1",
        "3600",
        "1e3",
        "-5",
        "x",
        "\0",
        "\n",
        "\ud800",
        "\x1b[2J",
        "\u202e",
        "a" * 5000,
    ),
    *(
        CANARY,
        f"{CANARY}\n",
        "null",
        "Bearer",
        "invalid_client",
        "server_error",
        "../..",
        "http://a@b/",
    ),
    *(
        "2026-11-24T10:00:00.000Z",
        "9999-12-31T23:59:59.9999Z",
        "0000-00-00T00:00:00Z",
        "10m",
        "-1s",
        "1h1h",
    ),
    *([], {}, [[]], [None], {"": ""}, {"a": {"b": {}}}, [1, "a", None], {CANARY: CANARY}),
)


def spoil(content: bytes, corpus: Sequence[bytes], random: Random) -> bytes:
    """A few bytes of it changed, put in, left out, repeated, or taken from another one."""
    text = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        size = len(text)
        at = random.randrange(size + 1)
        match random.randrange(7):
            case 0 if at < size:
                text[at] = random.randrange(256)
            case 1:
                text[at:at] = random.choice(SNIPPETS)
            case 2:
                del text[at : at + random.choice((1, 1, 2, 4, 16, 64))]
            case 3:
                end = at + random.randrange(1, 20)
                text[at:at] = text[at:end] * random.choice((1, 1, 2, 30))
            case 4:
                del text[at:]
            case 5:
                other = random.choice(corpus)
                begin = random.randrange(len(other) + 1)
                text[at:] = other[begin:]
            case _ if at < size:
                text[at] ^= 1 << random.randrange(8)
    return bytes(text[:20_000])


def bend(value: Any, random: Random) -> Any:
    """A copy of a JSON value in which one to three members are others, odd, missing or new."""
    bent = copy.deepcopy(value)
    for _ in range(random.choice((1, 1, 2, 3))):
        bent = _bend(bent, random)
    return bent


def _bend(value: Any, random: Random) -> Any:
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(list(value))
        match random.randrange(8):
            case 0:
                del value[key]
            case 1:
                value[random.choice(("", "a", CANARY, "error", "\n", "x" * 300))] = value[key]
            case 2:
                value[key] = value[random.choice(list(value))]
            case _:
                value[key] = _bend(value[key], random)
        return value
    if isinstance(value, list) and value and random.random() < 0.8:
        index = random.randrange(len(value))
        if random.random() < 0.2:
            value.append(value[index])
        else:
            value[index] = _bend(value[index], random)
        return value
    if isinstance(value, str) and value and random.random() < 0.4:
        whole = spoil(
            value.encode("utf-8", "surrogatepass"), (value.encode(errors="replace"),), random
        )
        return whole.decode("utf-8", "replace")
    if isinstance(value, int | float) and not isinstance(value, bool) and random.random() < 0.4:
        return value * random.choice((-1, 0.001, 2, 1000, 1e9)) + random.choice((0, 0, 1, -1, 0.5))
    return copy.deepcopy(random.choice(ODD))


def written(value: Any) -> bytes:
    """A JSON value as bytes; what JSON does not know (NaN) as Python writes it."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
