"""What a person reads of a running engine."""

import io
import json
from collections.abc import Callable
from typing import Any, get_args

import pytest

from secret_refresher.adapters.logs import Logs
from secret_refresher.config.consumers import HttpConsumer
from secret_refresher.config.model import Config, Log, LogFormat, LogLevel, State
from secret_refresher.election.move import Move
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.state import Work
from secret_refresher.ports import (
    Broadcast,
    ConfigRefused,
    ConfigTaken,
    Defect,
    Electing,
    ElectionTroubled,
    Exchange,
    FactsLost,
    Listening,
    ShardMoved,
    Stopping,
    Subject,
    WatchFailed,
)
from secret_refresher.tokens.token import Life
from support.tokens import WALL, token_config
from support.world import World

Line = dict[str, Any]
LIFE = Life(issued=1000, refresh=1070, expires=1100, issued_at=WALL + 1000)
SUBJECT = Subject("partner-api", (("file", "/tokens/partner-api"),))
DENIED = Fault(
    Reason.INVALID_CLIENT, "it was refused", "rotate it", lane=Lane.PERMANENT, status=401
)
APP = HttpConsumer(url="http://app/reload?quietly")


def logs(level: LogLevel = LogLevel.DEBUG) -> tuple[Logs, Callable[[], list[Line]]]:
    """JSON logs, and what they have come to."""
    stream = io.StringIO()

    def lines() -> list[Line]:
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    return Logs(stream, Log(level=level, format=LogFormat.JSON)), lines


NOTICES: tuple[tuple[events.Notice | Exchange, str, str], ...] = (
    (events.Fetched(1, LIFE, again=False, after=0, used_previous_secret=False), "info", "fetched"),
    (events.Fetched(1, LIFE, again=True, after=2, used_previous_secret=True), "warning", "fetched"),
    (events.FetchFailed(2, DENIED, 1, 60.0, 30.0), "error", "fetch failed"),
    (
        events.FetchFailed(2, Fault(Reason.CONNECT, "away", "wait"), 1, 0.5, 30.0),
        "warning",
        "fetch failed",
    ),
    (
        events.FetchFailed(2, Fault(Reason.CONNECT, "away", "wait"), 9, 0.5, 0.0),
        "error",
        "fetch failed",
    ),
    (events.Published(1, 0, LIFE, unchanged=False, repaired=False, after=0), "info", "published"),
    (events.Published(1, 0, LIFE, unchanged=True, repaired=False, after=0), "debug", "unchanged"),
    (events.Published(1, 0, LIFE, unchanged=False, repaired=True, after=0), "warning", "put right"),
    (events.SinkTrouble(1, 0, Work.PUBLISH, DENIED, 1, 0.5, 30.0), "error", "publish failed"),
    (events.Adopted(0, LIFE), "info", "adopted"),
    (events.Drifted(0), "warning", "lost its token"),
    (events.Removed(0, any=True, expired=False), "info", "cleared"),
    (events.Lapsed(0), "error", "expired"),
    (events.CredentialsReloaded(), "info", "credentials changed"),
    (events.Deferred(12.0), "warning", "budget"),
    (events.MethodNotOffered("https://id", "tls_client_auth", ("none",)), "warning", "not offered"),
    (events.CertificateEnds("/tls.crt", 1.7e9, 60.0), "warning", "expires soon"),
    (events.CertificateEnds("/tls.crt", 1.7e9, 0.0), "error", "has expired"),
    (events.Notified(APP, LIFE, knew=False, after=1), "info", "consumer told"),
    (events.Notified(APP, LIFE, knew=True, after=0), "debug", "consumer knew"),
    (events.NotifyFailed(APP, LIFE, DENIED, 1, 2.0, given_up=False), "warning", "not told"),
    (events.NotifyFailed(APP, LIFE, DENIED, 20, 0.0, given_up=True), "error", "given up"),
    (events.NotifyDeferred(APP, 60.0), "info", "told later"),
    (events.NotifySkipped(APP, LIFE, DENIED, first=True), "warning", "skipped"),
    (events.NotifySkipped(APP, LIFE, DENIED, first=False), "debug", "skipped"),
    (Exchange("https://id.example.com:443", 200, 0.1, reached=True), "debug", "token request"),
    (Exchange("https://a:443", 200, 0.1, reached=True, discovery=True), "debug", "discovery"),
)
BROADCASTS: tuple[tuple[Broadcast, str, str], ...] = (
    (ConfigTaken(3, 1, 1, 1), "info", "configuration taken"),
    (ConfigTaken(3, 1, 1, 1, ("server",)), "warning", "configuration taken"),
    (ConfigRefused(("tokens[0].name: missing",)), "error", "configuration refused"),
    (Listening("[::]:9797"), "info", "listening"),
    (Stopping(), "info", "stopping"),
    (Defect("KeyError at step.py:1"), "error", "defect"),
    (WatchFailed("/api/v1/secrets", DENIED, 5.0), "warning", "watch failed"),
    (FactsLost(3), "error", "log lines lost"),
    (Electing(3), "info", "taking part in the election"),
    (ShardMoved(1, "a/x-1", Move.TAKEN, "", 7), "info", "shard taken"),
    (ShardMoved(1, "a/x-1", Move.LEAVING, "balance", 4), "info", "shard is being left"),
    (ShardMoved(1, "a/x-1", Move.RELEASED, "", 4), "info", "shard released"),
    (ShardMoved(1, "a/x-1", Move.LOST, "late", 4), "warning", "shard lost"),
    (ElectionTroubled(DENIED), "error", "cannot take part in the election"),
    (ElectionTroubled(None), "info", "taking part in the election again"),
)


@pytest.mark.parametrize(("fact", "level", "words"), NOTICES)
def test_each_fact_of_a_token_is_one_line(
    fact: events.Notice | Exchange, level: str, words: str
) -> None:
    """A line says when, how grave, what, and of which token."""
    written, lines = logs()
    written.notice(SUBJECT, fact)
    (line,) = lines()
    assert line["token"] == "partner-api"
    assert line["level"] == level
    assert words in line["event"]
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(("fact", "level", "words"), BROADCASTS)
def test_each_fact_of_the_daemon_is_one_line(fact: Broadcast, level: str, words: str) -> None:
    """What concerns no single token names none."""
    written, lines = logs()
    written.notice(None, fact)
    (line,) = lines()
    assert "token" not in line
    assert line["level"] == level
    assert words in line["event"]


def test_no_fact_is_without_words() -> None:
    """Whatever an observer can be told stands in the tables above."""
    told = {type(fact) for fact, *_ in NOTICES}
    assert told == {*get_args(events.Notice), Exchange}
    assert {type(fact) for fact, *_ in BROADCASTS} == set(get_args(Broadcast))


def test_a_failure_says_why_what_to_do_and_when_it_is_tried_again() -> None:
    """Reason, sentence, remedy, status, the next attempt, and how long the old token lives."""
    written, lines = logs()
    written.notice(SUBJECT, events.FetchFailed(7, DENIED, 2, 61.26, 30.04))
    (line,) = lines()
    assert line["reason"] == "invalid_client"
    assert line["error"] == "it was refused"
    assert line["advice"] == "rotate it"
    assert line["status"] == 401
    assert (line["attempt"], line["failures"]) == (7, 2)
    assert line["next_attempt_seconds"] == 61.3
    assert line["life_left_seconds"] == 30


def test_one_line_for_each_attempt() -> None:
    """As many fetches in the log as requests at the server, in good times and bad."""
    world = World()
    written, lines = logs(LogLevel.INFO)
    world.observers = [written]
    token = token_config(sinks=2)
    world.service(token).away.append((1150, 1250))
    world.start(Config(tokens=(token,)))
    world.run(1400)
    attempts = [line for line in lines() if line["event"] in {"token fetched", "fetch failed"}]
    assert len(attempts) == len(world.service(token).asked) > 5
    assert [line["attempt"] for line in attempts] == list(range(1, len(attempts) + 1))


def test_no_line_holds_a_token() -> None:
    """Through failures, drift, adoption and removal, at the finest level."""
    world = World()
    written, lines = logs()
    world.observers = [written]
    token = token_config()
    world.service(token).away.append((1100, 1170))
    world.start(Config(tokens=(token,)))
    world.run(1200)
    box = world.boxes["/tokens/partner-api-0"]
    box.text, box.life = "edited", None
    world.patrol()
    world.run(1210)
    world.start(Config(tokens=(token,)))
    world.run(1220)
    world.turn_bad("/tokens/partner-api-0")
    world.run(1400)
    world.engine.reconfigure(Config(tokens=(token_config(state=State.ABSENT),)))
    world.run(1410)
    told = {line["event"] for line in lines()}
    assert told >= {"token fetched", "fetch failed", "sink publish failed", "live token adopted"}
    assert told >= {"sink lost its token", "sink put right", "sink cleared"}
    minted = [f"token-{number}" for number in range(1, 20)]
    assert not [line for line in lines() if any(text in json.dumps(line) for text in minted)]


def test_the_level_is_a_threshold_that_moves() -> None:
    """Nothing milder than the level is written; a reload may change it."""
    written, lines = logs(LogLevel.WARNING)
    for fact, *_ in NOTICES:
        written.notice(SUBJECT, fact)
    assert {line["level"] for line in lines()} == {"warning", "error"}
    before = len(lines())
    written.level(LogLevel.ERROR)
    written.notice(SUBJECT, events.Drifted(0))
    assert len(lines()) == before
    written.level(LogLevel.DEBUG)
    written.notice(SUBJECT, events.Drifted(0))
    assert len(lines()) == before + 1


def test_without_a_terminal_lines_are_json() -> None:
    """A container's log is for machines unless the configuration says otherwise."""
    stream = io.StringIO()
    Logs(stream, Log()).notice(None, Stopping())
    assert json.loads(stream.getvalue())["event"] == "stopping"


def test_console_lines_are_for_people() -> None:
    """No JSON, and no colours where nobody could see them."""
    stream = io.StringIO()
    Logs(stream, Log(format=LogFormat.CONSOLE)).notice(SUBJECT, events.Drifted(0))
    text = stream.getvalue()
    assert "sink lost its token" in text
    assert "/tokens/partner-api" in text
    assert "\033" not in text
    assert not text.startswith("{")
