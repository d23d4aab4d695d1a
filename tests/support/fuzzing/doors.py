"""What clients of the daemon ask, and what the command is told by something that may be one."""

from __future__ import annotations

import json
from random import Random

from secret_refresher.config.model import Page
from secret_refresher.page.door import refusal
from secret_refresher.server import Asked
from secret_refresher.status.document import (
    ConsumerLine,
    Daemon,
    Document,
    Failure,
    Reload,
    SinkLine,
    TokenLine,
    Trouble,
)
from secret_refresher.status.form import UnreadableError, dump, load
from secret_refresher.status.query import MOST, BadQueryError, parse
from secret_refresher.status.table import Style, table
from support.fuzzing.mutate import CANARY, spoil
from support.fuzzing.sound import body

_NOW = 1_795_600_000.0
_FAILURE = Failure("connect", "cannot connect", "look", 3, _NOW - 60, _NOW + 5, person=True)
_TOKEN = TokenLine(
    name="partner-api",
    state="failing",
    source="failing",
    healthy=True,
    issued=_NOW - 1800,
    refresh=_NOW - 60,
    expires=_NOW + 1800,
    next=_NOW + 5,
    failure=_FAILURE,
    places={"current": 1},
    sinks=(SinkLine("file", "/run/t", "current", _NOW + 1800, _FAILURE),),
    consumers=(ConsumerLine("http", "http://127.0.0.1/", "told", _NOW),),
)
_DOCUMENT = Document(
    now=_NOW,
    daemon=Daemon("1.0", _NOW - 60, reload=Reload(taken=False, at=_NOW, problems=("a: wrong",))),
    total=2,
    healthy=1,
    counts={"failing": 2},
    matching=2,
    per=2,
    tokens=(_TOKEN,),
    attention=(
        Trouble(
            where="fetch",
            reason="connect",
            summary="cannot connect",
            advice="look",
            kinds=2,
            tokens=2,
            suffering=1,
            names=("partner-api",),
            person=False,
            expires=_NOW + 60,
            since=_NOW - 60,
        ),
    ),
)
_BYTES = (dump(_DOCUMENT),)
_VALUES = (json.loads(_BYTES[0]),)


def _clean(outcome: str, sentence: str) -> str:
    assert sentence.isprintable()
    assert CANARY not in sentence
    return outcome


def status(random: Random) -> str:
    """What is no document is refused; what is one is shown without a sign that terminals obey."""
    try:
        shown = load(body(_VALUES, _BYTES, random))
    except UnreadableError as wrong:
        return _clean("unreadable", str(wrong))
    for width in (None, 60):
        assert all(line.isprintable() for line in table(shown, Style(width)).split("\n"))
    assert load(dump(shown)).tokens == shown.tokens
    return f"{len(shown.tokens)} tokens"


_QUERIES = (
    b"q=partner&state=failing&reason=connect&page=2&per=100",
    b"state=attention&per=1000",
    b"q=%C3%A9&page=1",
)
_HOSTS = (b"localhost:9797", b"127.0.0.1", b"[::1]:80", b"evil.example", b"a.localhost")
_CLIENTS = ("127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.7", "127.0.0.6", "fe80::1%eth0", "")


def request(random: Random) -> str:
    """A page is asked for as it may be, or refused in words; a stranger never looks."""
    query = spoil(random.choice(_QUERIES), _QUERIES, random).decode("latin-1")
    host = random.choice((*_HOSTS[:3] * 5, *_HOSTS))
    if random.random() < 0.2:
        host = spoil(host, _HOSTS, random)
    client = random.choice((*_CLIENTS[:3] * 5, *_CLIENTS))
    asked = Asked(query, "", client, host.decode("latin-1"), forwarded=random.random() < 0.1)
    refused = refusal(asked, Page.LOOPBACK)
    assert refused is not None or client.endswith("1")
    if refused is not None:
        return _clean("refused", refused)
    try:
        found = parse(query, 100)
    except BadQueryError as wrong:
        return _clean("wrong", str(wrong))
    assert 1 <= found.per <= MOST
    return "looks"
