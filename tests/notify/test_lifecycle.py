"""Who is told of a token, and when, case by case. A life lasts 1000 s; draws are always 0.5."""

from dataclasses import replace

import pytest

from secret_refresher.config.consumers import (
    ConsumerSpec,
    HttpConsumer,
    RolloutConsumer,
    SignalConsumer,
    WorkloadKind,
)
from secret_refresher.config.model import SecretSink, State, TokenConfig
from secret_refresher.errors import Fault, Reason
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.endured import endured
from secret_refresher.lifecycle.notify import BOUND, MOST, RETOLD
from secret_refresher.lifecycle.outlook import due
from secret_refresher.lifecycle.state import TokenState, start
from secret_refresher.lifecycle.step import step
from secret_refresher.tokens.token import Life
from support.tokens import WALL, grant, token_config

APP = HttpConsumer(url="http://app/reload")
SERVER = SignalConsumer(process="server")
PODS = RolloutConsumer(kind=WorkloadKind.DEPLOYMENT, name="app", min_life=0.0)
LIFE = 1000.0
ILL = Fault(Reason.SERVER_ERROR, "the application failed", "look at its log")
FULL = Fault(Reason.NO_SPACE, "disk full", "make room")


class Story:
    """A token with consumers, from its start to a look into each of its empty sinks."""

    def __init__(self, *consumers: ConsumerSpec, sinks: int = 1, secret: bool = False) -> None:
        config = token_config(sinks=sinks)
        kept = (SecretSink(name="x", propagation=90.0),) if secret else config.sinks
        self.config: TokenConfig = replace(config, sinks=kept, notify=consumers)
        self.state: TokenState = start(self.config, len(kept), 0.0)
        self.asked = 0

    def at(self, now: float, event: events.Event | None = None) -> list[events.Notify]:
        """Tells an event at an instant; answers with who is told."""
        self.state, actions = step(self.state, event or events.Woken(), now, lambda: 0.5)
        self.notices = [action.notice for action in actions if isinstance(action, events.Tell)]
        return [action for action in actions if isinstance(action, events.Notify)]

    def looked(self, now: float = 0.0, ours: Life | None = None) -> list[events.Notify]:
        """Every sink was looked into."""
        told = self.at(now)
        for sink in range(len(self.state.sinks)):
            told += self.at(now, events.SinkSeen(sink, ours))
        return told

    def granted(self, now: float, text: str, life: float = LIFE) -> Life:
        """A token came."""
        ended = events.FetchEnded(self.config, grant(text, now, life), "c", 1)
        assert self.at(now, ended) == []
        assert self.state.token is not None
        return self.state.token.life

    def written(self, now: float, sink: int = 0) -> list[events.Notify]:
        """A sink holds the newest token."""
        assert self.state.token is not None
        return self.at(now, events.SinkWritten(sink, self.state.token.life, unchanged=False))

    def published(self, now: float, text: str = "t1", life: float = LIFE) -> list[events.Notify]:
        """A token came, and every sink holds it."""
        self.granted(now, text, life)
        told: list[events.Notify] = []
        for sink in range(len(self.state.sinks)):
            told += self.written(now, sink)
        return told

    def heard(self, now: float, told: events.Notify, *, knew: bool = False) -> list[events.Notify]:
        """The consumer has heard of it."""
        return self.at(now, events.ConsumerTold(told.consumer, told.life, knew))

    def failed(self, now: float, told: events.Notify, fault: Fault = ILL) -> list[events.Notify]:
        """It has not."""
        return self.at(now, events.ConsumerFailed(told.consumer, told.life, fault))


def test_once_a_token_when_every_sink_holds_it() -> None:
    """Nobody is told before the last sink is current; then each is told once, and never again."""
    story = Story(APP, SERVER, sinks=2)
    story.looked()
    life = story.granted(1, "t1")
    assert story.written(2, 0) == []
    told = story.written(3, 1)
    assert told == [events.Notify(APP, life), events.Notify(SERVER, life)]
    assert [story.heard(4, one) for one in told] == [[], []]
    assert story.at(100) == []
    assert story.written(200, 0) == []  # put right: the same token
    again = story.published(700, "t2")
    assert [one.consumer for one in again] == [APP, SERVER]
    assert again[0].life != life


def test_a_sink_that_cannot_be_written_is_not_waited_for_for_ever() -> None:
    """After a minute, or a tenth of the life, those who read the other sinks are told."""
    for life, bound in ((LIFE, BOUND), (100.0, 10.0)):
        story = Story(APP, sinks=2)
        story.looked()
        story.granted(1, "t1", life)
        story.at(2, events.SinkFailed(1, FULL))
        story.written(2, 0)
        assert story.at(2 + bound - 0.1) == []
        assert due(story.state, 2 + bound - 0.1) <= 2 + bound
        assert [one.consumer for one in story.at(2 + bound)] == [APP]


def test_nothing_is_told_of_a_token_that_nobody_can_read() -> None:
    """While every sink fails there is no news, however long."""
    story = Story(APP)
    story.looked()
    story.granted(1, "t1")
    story.at(2, events.SinkFailed(0, FULL))
    assert story.at(500) == []


def test_who_reads_a_mounted_secret_is_told_after_its_propagation() -> None:
    """Running pods wait for their mounts; new pods read the Secret as it is."""
    story = Story(APP, PODS, secret=True)
    story.looked()
    assert [one.consumer for one in story.published(1)] == [PODS]
    assert story.at(90.9) == []
    assert due(story.state, 50) == 91
    assert [one.consumer for one in story.at(91)] == [APP]


def test_the_same_token_again_is_no_news() -> None:
    """A server that hands out one token twice has nobody told, whatever its life becomes."""
    story = Story(APP)
    story.looked()
    (told,) = story.published(1, "t1")
    story.heard(1, told)
    assert story.published(700, "t1") == []
    assert story.published(2000, "t1") == []  # it had died, and lives again
    assert len(story.published(2800, "t2")) == 1


@pytest.mark.parametrize(("age", "told"), [(RETOLD - 1, 1), (RETOLD + 1, 0)])
def test_a_token_found_at_the_start(age: float, told: int) -> None:
    """Only a young one may not have been told of by whoever published it, and is told again."""
    story = Story(APP)
    ours = Life(-age, 50_000, 90_000, WALL - age)
    assert len(story.looked(0, ours)) == told
    assert story.at(300) == []


def test_a_token_of_another_replica_is_theirs_to_tell() -> None:
    """Who is overtaken while running tells nobody of the other's token."""
    story = Story(APP)
    story.looked()
    (told,) = story.published(1)
    story.heard(1, told)
    story.at(300, events.SinkDisturbed(0))
    theirs = Life(299, 1000, 1299, WALL + 299)
    assert story.at(300, events.SinkSeen(0, theirs)) == []


def test_what_another_replica_fetches_is_theirs_to_tell() -> None:
    """Nor does who goes on with a token that it found tell of the one that replaces it."""
    story = Story(APP)
    story.looked(0, Life(-5000, 5000, 9000, WALL - 5000))
    story.at(300, events.SinkDisturbed(0))
    theirs = Life(299, 1000, 1299, WALL + 299)
    assert story.at(300, events.SinkSeen(0, theirs)) == []
    assert story.at(500) == []


def test_a_late_write_of_an_older_token_is_no_news() -> None:
    """A sink that was slow comes to hold what is no longer the newest: that one is waited for."""
    story = Story(APP, sinks=2)
    story.looked()
    older = story.granted(1, "t1")
    story.at(2, events.SinkFailed(1, FULL))
    newer = story.granted(700, "t2")
    assert story.at(701, events.SinkWritten(0, older, unchanged=False)) == []
    assert story.at(800) == []
    assert story.written(900, 0) == []
    assert story.at(960) == [events.Notify(APP, newer)]


def test_a_consumer_that_fails_is_told_again_with_growing_pauses() -> None:
    """At 0.75, 1.5, 3 … s, held to a tenth of the life; after so many attempts it is given up."""
    story = Story(APP)
    story.looked()
    (told,) = story.published(1, life=100_000.0)
    now, pauses = 1.0, []
    for attempt in range(1, MOST + 1):
        assert story.failed(now, told) == []
        (notice,) = story.notices
        assert isinstance(notice, events.NotifyFailed)
        assert (notice.failures, notice.given_up) == (attempt, attempt == MOST)
        if attempt == MOST:
            break
        pauses.append(notice.wait)
        assert story.at(now + notice.wait - 0.01) == []
        now += notice.wait
        (told,) = story.at(now)
    assert pauses[:4] == [0.75, 1.5, 3.0, 6.0]
    assert max(pauses) == 675
    assert story.at(now + 10_000) == []
    assert len(story.published(76_000, "t2", 100_000.0)) == 1


def test_retry_after_is_a_lower_bound() -> None:
    """An application that says when to come back is not told before."""
    story = Story(APP)
    story.looked()
    (told,) = story.published(1)
    story.failed(1, told, replace(ILL, retry_after=40.0))
    assert story.at(40.9) == []
    assert len(story.at(41)) == 1


def test_recovery_says_after_how_many_failures() -> None:
    """What failed before it went well is told with it, and forgotten then."""
    story = Story(APP)
    story.looked()
    (told,) = story.published(1)
    story.failed(1, told)
    (told,) = story.at(3)
    story.heard(3, told)
    assert story.notices == [events.Notified(APP, told.life, knew=False, after=1)]
    assert story.state.news is not None
    (record,) = story.state.news.consumers
    assert (record.told, record.failures, record.fault, record.waiting) == (3, 0, None, False)


def test_a_newer_token_comes_while_one_is_told() -> None:
    """Who has heard of the older one hears of the newer one as well, one after the other."""
    story = Story(APP)
    story.looked()
    (first,) = story.published(1)
    assert story.published(700, "t2") == []  # one at a time
    (second,) = story.heard(701, first)
    assert second.life != first.life
    assert story.heard(702, second) == []


def test_a_failure_of_the_older_one_says_nothing_of_the_newer() -> None:
    """The newer token is told of at once, with all of its attempts."""
    story = Story(APP)
    story.looked()
    (first,) = story.published(1)
    story.published(700, "t2")
    (second,) = story.failed(701, first)
    (notice,) = story.notices
    assert isinstance(notice, events.NotifyFailed)
    assert not notice.given_up
    assert second.life != first.life


def test_a_workload_that_was_restarted_lately_waits() -> None:
    """It is no failure, however often."""
    story = Story(PODS)
    story.looked()
    (told,) = story.published(1)
    assert story.at(1, events.ConsumerLater(PODS, told.life, 300.0)) == []
    assert story.notices == [events.NotifyDeferred(PODS, 300.0)]
    assert story.at(300) == []
    assert len(story.at(301)) == 1


def test_short_lived_tokens_restart_nothing() -> None:
    """Below minLife a rollout is skipped, which is told for the first token and not for each."""
    story = Story(replace(PODS, min_life=3600.0), APP)
    story.looked()
    firsts = []
    for number in range(3):
        now = number * 800.0 + 1
        (told,) = story.published(now, f"t{number}")
        assert told.consumer == APP
        firsts += [n.first for n in story.notices if isinstance(n, events.NotifySkipped)]
        story.heard(now, told)
    assert firsts == [True, False, False]
    assert story.state.news is not None
    rollout, _ = story.state.news.consumers
    assert rollout.fault is not None
    assert rollout.fault.reason is Reason.SHORT_LIVED


@pytest.mark.parametrize(("life", "told"), [(3599.0, 1), (3600.0 - 1e-9, 1), (3500.0, 0)])
def test_an_hour_is_not_counted_by_the_second(life: float, told: int) -> None:
    """A server that says 3599 s means an hour, and so do sums of floats."""
    story = Story(replace(PODS, min_life=3600.0))
    story.looked()
    assert len(story.published(1, "t1", life)) == told


def test_a_reload_keeps_what_is_under_way() -> None:
    """Who is in both configurations goes on; a new consumer has nothing to hear of yet."""
    story = Story(APP)
    story.looked()
    (told,) = story.published(1)
    story.failed(1, told)
    new = replace(story.config, notify=(SERVER, APP))
    kept = events.Reconfigured(new, source_changed=False, spread=0.0, kept=(0,))
    assert story.at(1.2, kept) == []
    assert [one.consumer for one in story.at(3)] == [APP]
    gone = replace(story.config, notify=())
    story.at(4, events.Reconfigured(gone, source_changed=False, spread=0.0, kept=(0,)))
    assert story.heard(5, told) == []  # a late answer of somebody who is no consumer any more
    assert story.state.news is None


def test_an_absent_token_tells_nobody() -> None:
    """What is removed from its sinks is no news."""
    story = Story(APP)
    story.looked()
    story.granted(1, "t1")
    absent = replace(story.config, state=State.ABSENT)
    story.at(2, events.Reconfigured(absent, source_changed=False, spread=0.0, kept=(0,)))
    assert story.at(3, events.SinkCleared(0, any=True)) == []
    assert story.state.news is None


def test_without_consumers_there_is_no_state() -> None:
    """Ten thousand tokens without notify pay one empty field each."""
    story = Story()
    story.looked()
    assert story.published(1) == []
    assert story.state.news is None


def test_a_defect_does_not_hold_a_consumer_for_ever() -> None:
    """An end that could not be taken counts as one: the consumer is told again."""
    story = Story(APP)
    story.looked()
    (told,) = story.published(1)
    event = events.ConsumerTold(told.consumer, told.life, knew=False)
    story.state = endured(story.state, event, ValueError(), 2)
    assert story.at(3) == []
    assert len(story.at(13)) == 1
