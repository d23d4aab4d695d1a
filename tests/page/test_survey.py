"""What is told of all tokens at one instant: counts, troubles, order, pages; and since when."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from secret_refresher.config.consumers import HttpConsumer
from secret_refresher.config.model import Config, State
from secret_refresher.election.move import Move
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.news import ConsumerRecord, News
from secret_refresher.lifecycle.state import TOKEN_STATES, Work
from secret_refresher.ports import (
    ConfigRefused,
    ConfigTaken,
    Electing,
    ElectionTroubled,
    ShardMoved,
    Subject,
)
from secret_refresher.status import document, words
from secret_refresher.status.document import ABSENT, Daemon, Document, TokenLine
from secret_refresher.status.form import key_of
from secret_refresher.status.found import Found, document as document_of
from secret_refresher.status.journal import Journal, Reading
from secret_refresher.status.lines import MOST_SINKS, about_daemon, line as of_token
from secret_refresher.status.query import STATES, parse
from secret_refresher.status.survey import MOST_TROUBLES, survey
from support.scenes import FORBIDDEN, REFUSED, WRONG_SECRET, Stage, secret, token, troubled
from support.tokens import WALL

DAEMON = Daemon("1", 0.0)


def shown(stage: Stage, query: str = "", per: int = 100) -> Document:
    """What is told of a stage now."""
    asked = parse(query, per)
    return survey(
        stage.engine, stage.journal, stage.now(), stage.wall(), query=asked, daemon=DAEMON
    )


def line(stage: Stage, name: str) -> TokenLine:
    """One token's line."""
    return next(each for each in shown(stage).tokens if each.name == name)


def test_every_state_has_its_words_and_its_place() -> None:
    """None that a token can show is missing where it is explained, asked for or drawn."""
    from secret_refresher.page.signs import SPRITE

    assert set(words.STATES) == {*TOKEN_STATES, ABSENT} == set(STATES)
    for state in words.STATES:
        assert f'id="g-{state}"' in SPRITE


def test_who_suffers_comes_before_who_may() -> None:
    """Then by state, by what dies first, and by name; what is to be removed comes last."""
    found = shown(troubled().stage)
    well = [each.healthy for each in found.tokens if each.state != ABSENT]
    assert well == sorted(well)
    assert [each.name for each in found.tokens][:3] == ["crm-sync", "orders", "payments"]
    assert found.tokens[-1].state == ABSENT
    assert (found.total, found.healthy) == (9, 6)
    stage, old = Stage(), token("old", "id.example.com")
    stage.lives = {"old": 600.0}
    stage.open(Config(tokens=(old,)))
    stage.run(1001.0)
    stage.faults = {"old": REFUSED}
    stage.run(1550.0)
    stage.engine.reconfigure(Config(tokens=(old, token("new", "id.example.org"))))
    stage.engine.turn()
    assert [(each.name, each.healthy) for each in shown(stage).tokens] == [
        ("new", False),
        ("old", True),
    ]
    assert sum(found.counts.values()) == 10


def test_what_many_share_is_told_once() -> None:
    """With how many, how many of them suffer, since when, and when the next one dies."""
    found = shown(troubled().stage)
    first = found.attention[0]
    assert (first.where, first.reason, first.tokens, first.suffering) == ("fetch", "connect", 3, 2)
    assert set(first.names) == {"crm-sync", "orders", "warehouse"}
    assert first.since is not None
    assert first.expires is not None
    assert first.since < found.now < first.expires
    assert [trouble.suffering for trouble in found.attention] == [2, 1, 0, 0]
    # Nobody holds the token that could not be written, so that nothing of it will die.
    assert found.attention[1].expires is None


def test_sentences_that_name_a_place_are_told_together() -> None:
    """A right that is missing in many namespaces is one trouble, of as many kinds."""
    stage = Stage()
    places = [f"team-{number}/t" for number in range(7)]
    stage.open(Config(tokens=(token("t", "id.example.com", *map(secret, places)),)))
    for place in places:
        stage.spoil(place, replace(FORBIDDEN, summary=f"cannot write Secret {place}"))
    stage.run(1010.0)
    (trouble,) = shown(stage).attention
    assert (trouble.tokens, trouble.kinds, trouble.person) == (1, 7, True)


def test_who_waits_for_a_dead_origin_is_told_of() -> None:
    """A token that died in the queue of a server that does not answer has no failure of its own."""
    stage = Stage()
    stage.lives = {f"t-{number}": 100.0 for number in range(20)}
    tokens = tuple(token(name, "id.example.com") for name in stage.lives)
    stage.open(Config(tokens=tokens))
    stage.run(1001.0)
    stage.latency = 30.0
    stage.service(tokens[0]).away.append((0, 1e9))
    stage.run(1150.0)
    found = shown(stage)
    waiting = [trouble for trouble in found.attention if not trouble.reason]
    assert waiting
    assert waiting[0].summary == "waiting for https://id.example.com:443"
    assert found.counts["expired"] == sum(
        trouble.tokens for trouble in found.attention if trouble.suffering
    )


def test_troubles_and_sinks_are_bounded() -> None:
    """However many there are: the worst are told, and the counts tell of the rest."""
    stage = Stage()
    many = [token(f"t-{number:02d}", "id.example.com") for number in range(30)]
    wide = token("wide", "id.example.com", *(secret(f"n-{n:03d}/t") for n in range(MOST_SINKS + 9)))
    stage.spoil("n-057/t", FORBIDDEN)
    stage.faults = {each.name: replace(REFUSED, summary=f"no {each.name}") for each in many}
    stage.open(Config(tokens=(*many, wide)))
    stage.run(1010.0)
    assert len(shown(stage).attention) == MOST_TROUBLES
    one = line(stage, "wide")
    assert len(one.sinks) == MOST_SINKS
    assert one.sinks[0].target == "n-057/t"
    assert sum(one.places.values()) == MOST_SINKS + 9


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=ORD", {"orders"}),
        ("q=Shop/", {"orders", "payments"}),
        ("state=failing", {"warehouse", "billing-export"}),
        ("state=absent", {"old-api"}),
        ("reason=invalid_client", {"billing-export"}),
        ("reason=permission&q=pay", {"payments"}),
        ("reason=permission&state=fresh", set()),
        (
            "state=attention",
            {"crm-sync", "orders", "warehouse", "payments", "billing-export", "reports"},
        ),
    ],
)
def test_a_query_is_answered(query: str, names: set[str]) -> None:
    """By text in names and targets, by state, by reason, and by all of them together."""
    found = shown(troubled().stage, query)
    assert {each.name for each in found.tokens} == names
    assert found.matching == len(names)
    assert found.total == 9  # whatever is asked for


def test_pages_have_every_token_once() -> None:
    """In the same order as on one page."""
    stage = troubled().stage
    whole = [each.name for each in shown(stage).tokens]
    pages = [shown(stage, f"page={number}", per=3) for number in (1, 2, 3, 4)]
    assert [each.name for page in pages for each in page.tokens] == whole
    assert {page.pages for page in pages} == {4}


def test_a_recovered_token_tells_when_it_failed() -> None:
    """What failed, how often, since when and until when; nothing fails any more."""
    stage = Stage()
    stage.faults["a"] = WRONG_SECRET
    stage.open(Config(tokens=(token("a", "id.example.com"),)))
    stage.run(1010.0)
    failing = line(stage, "a")
    assert failing.failure is not None
    assert failing.failure.person
    since = failing.failure.since
    assert since is not None
    assert stage.wall() - 10 < since < stage.wall()
    assert failing.last is None
    stage.faults.clear()
    stage.run(3000.0)
    well = line(stage, "a")
    assert well.failure is None
    assert well.last is not None
    assert well.last.over is not None
    assert well.last.since == since < well.last.over
    assert well.last.reason == "invalid_client"


def test_what_another_replica_has_renewed_fails_no_more() -> None:
    """Attempts had failed; since then its sinks hold a fresh token, and nothing is due."""
    stage = Stage()
    stage.open(Config(tokens=(token("a", "id.example.com"),)))
    stage.run(1010.0)
    ((about, fresh),) = stage.engine.tokens()
    state = replace(fresh, failures=3, retry=1070.0, fault=WRONG_SECRET)
    told = of_token(about, state, stage.journal, stage.now(), stage.wall())
    assert (told.state, told.source, told.failure) == ("fresh", "fresh", None)


def test_the_journal_of_a_healthy_daemon_is_empty() -> None:
    """It costs nothing where nothing fails, and forgets who is gone."""
    stage = Stage()
    config = Config(tokens=(token("a", "id.example.com"), token("b", "id.example.com")))
    stage.open(config)
    stage.run(9000.0)
    assert stage.journal.fetches("a") is None
    stage.faults = {"a": REFUSED, "b": REFUSED}
    stage.run(14000.0)
    assert stage.journal.fetches("a") is not None
    stage.engine.reconfigure(Config(tokens=config.tokens[1:]))
    stage.run(14010.0)
    assert stage.journal.fetches("a") is None
    assert stage.journal.fetches("b") is not None


def test_a_sinks_failures_begin_anew_after_a_success() -> None:
    """Since when it fails is told of the last row of failures."""
    stage = Stage()
    journal, about = Journal(stage), Subject("a", (("file", "/t"),))
    fault = Fault(Reason.NO_SPACE, "full", "make room")

    def fail(failures: int, at: float) -> None:
        stage.time = at
        trouble = events.SinkTrouble(1, 0, Work.PUBLISH, fault, failures, 1.0, 0.0)
        journal.notice(about, trouble)

    fail(1, 10.0)
    fail(2, 20.0)
    assert journal.failing_since("a", "/t") == WALL + 10.0
    fail(1, 30.0)
    assert journal.failing_since("a", "/t") == WALL + 30.0
    journal.notice(about, events.Removed(0, any=True, expired=False))
    assert journal.failing_since("a", "/t") is None


def test_reloads_are_told() -> None:
    """What was refused, why, and what still waits for a restart from the one before."""
    stage = Stage()
    journal = Journal(stage)
    journal.notice(None, ConfigTaken(1, 0, 1, 0, restart=("server",)))
    taken = Reading(taken=True, at=stage.wall(), restart=("server",))
    assert journal.reload == taken
    journal.notice(None, ConfigRefused(("c: a: b",)))
    assert journal.reload == taken._replace(taken=False, problems=("c: a: b",))


def test_a_token_to_be_removed_makes_nobody_suffer() -> None:
    """It is counted apart, and no verdict is about it."""
    stage = Stage()
    stage.open(Config(tokens=(replace(token("a", "id.example.com"), state=State.ABSENT),)))
    stage.run(1010.0)
    found = shown(stage)
    assert (found.total, found.healthy, dict(found.counts)) == (0, 0, {ABSENT: 1})
    assert found.well


# --- found in a cluster --------------------------------------------------------------------------


def test_what_stands_in_secrets_is_judged_by_its_life() -> None:
    """Live, overdue, dead, behind another, without a record: each has its state."""
    now = 1000.0
    found = document_of(
        [
            Found("n/a", "o", "fresh", 500.0, 1100.0, 1200.0),
            Found("n/b", "o", "due", 500.0, 900.0, 1200.0),
            Found("n/c", "o", "dead", 500.0, 800.0, 900.0),
            Found("n/d", "o", "bare"),
            Found("n/e", "o", "behind", 500.0, 1100.0, 1200.0),
            Found("m/e", "o", "behind", 600.0, 1200.0, 1300.0),
        ],
        now,
    )
    states = {each.name: each.state for each in found.tokens}
    assert states == {
        "fresh": "fresh",
        "due": "due",
        "dead": "expired",
        "bare": "empty",
        "behind": "behind",
    }
    assert [each.name for each in found.tokens][:2] == ["dead", "bare"]
    assert (found.total, found.healthy) == (5, 3)


def test_tokens_of_two_daemons_are_two() -> None:
    """Though they have one name."""
    found = document_of([Found("n/a", "x/one", "t"), Found("n/b", "x/two", "t")], 1.0)
    assert {each.name for each in found.tokens} == {"x/one t", "x/two t"}


# --- what is promised elsewhere ------------------------------------------------------------------


def test_every_field_is_documented() -> None:
    """docs/status.md names each key of the document, and none that is not there."""
    page = (Path(__file__).parents[2] / "docs" / "status.md").read_text()
    text = page[page.index("## The document") : page.index("## What looking costs")]
    named = set(re.findall(r"`([a-z]+[A-Za-z]*)`", text))
    records = (
        *(document.Document, document.Daemon, document.Reload, document.Trouble),
        *(document.TokenLine, document.SinkLine, document.ConsumerLine, document.Failure),
        *(document.Election, document.Shard),
    )
    keys = {key_of(field.name) for record in records for field in fields(record)}
    others = (
        "q state reason page per version absent attention fetch notify told waiting failed idle"
    )
    assert keys - named == set()
    assert named - keys - {*others.split(), "idle"} == set()


def test_nothing_of_the_page_is_loaded_before_somebody_looks() -> None:
    """A sidecar that nobody looks at pays for two small modules, not for pages and documents."""
    code = (
        "import sys; import secret_refresher.cli.run;"
        "print(*(name for name in sys.modules if name.startswith(('secret_refresher.page.',"
        " 'secret_refresher.status.'))))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) == {
        "secret_refresher.page.door",
        "secret_refresher.page.routes",
        "secret_refresher.status.journal",
        "secret_refresher.status.pace",
    }


def test_applications_that_were_not_told_are_told_of() -> None:
    """Who is waiting, who was told and when, and whose news got lost, with the reason."""
    stage = Stage()
    consumers = tuple(
        HttpConsumer(url=f"http://127.0.0.1:{port}/-/reload?k=v") for port in (1, 2, 3)
    )
    stage.open(Config(tokens=(replace(token("a", "id.example.com"), notify=consumers),)))
    stage.run(1010.0)
    (about, state), *_ = stage.engine.tokens()
    known = (
        ConsumerRecord(told=1005.0),
        ConsumerRecord(waiting=True, failures=2, retry=1030.0, fault=REFUSED),
        ConsumerRecord(fault=replace(REFUSED, lane=Lane.PERMANENT)),
    )
    state = replace(state, news=News(known))
    told, waiting, failed = of_token(about, state, stage.journal, 1010.0, 2010.0).consumers
    assert (told.kind, told.target) == ("http", "http://127.0.0.1:1/-/reload")
    assert (told.state, told.told, told.failure) == ("told", 2005.0, None)
    assert waiting.state == "waiting"
    assert waiting.failure is not None
    assert (waiting.failure.retry, waiting.failure.failures) == (2030.0, 2)
    assert failed.state == "failed"
    assert failed.failure is not None
    assert (failed.failure.retry, failed.failure.person) == (None, True)


def test_a_replica_tells_of_its_shards() -> None:
    """Which it holds, what keeps it out; one on standby is not taken for an empty one."""
    stage = Stage()
    stage.open(Config(tokens=()))
    journal = stage.journal
    journal.notice(None, Electing(3))
    standby = about_daemon(stage.engine, journal, stage.now(), "1")
    verdict = words.verdict(Document(now=0.0, daemon=standby))
    assert verdict.startswith("This replica holds no shard")
    for shard in (2, 0):
        journal.notice(None, ShardMoved(shard, f"ns/lease-{shard}", Move.TAKEN, "", 5))
    journal.notice(None, ShardMoved(2, "ns/lease-2", Move.LOST, "late", 5))
    journal.notice(None, ElectionTroubled(FORBIDDEN))
    election = about_daemon(stage.engine, journal, stage.now(), "1").election
    assert election is not None
    assert [(one.shard, one.lease, one.since) for one in election.held] == [
        (0, "ns/lease-0", stage.wall())
    ]
    assert words.election(election) == "holds 1 of 3: 0"
    assert election.failure is not None
    assert election.failure.summary == FORBIDDEN.summary
    journal.notice(None, ElectionTroubled(None))
    assert journal.kept_out is None
