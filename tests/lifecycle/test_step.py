"""One token's state machine, case by case. A life lasts 100 s; draws are always 0.5."""

from dataclasses import replace

from secret_refresher.config.fingerprint import source_fingerprint
from secret_refresher.config.model import OnExpired, Refresh, Request, State
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.outlook import NEVER, due, still_wanted
from secret_refresher.lifecycle.state import (
    SinkState,
    SourceState,
    TokenState,
    Work,
    healthy,
    shown_state,
    sink_states,
    source_state,
    start,
)
from secret_refresher.lifecycle.step import step
from secret_refresher.schedule.budget import Budget
from secret_refresher.tokens.token import Life
from support.tokens import WALL, grant, token_config

TRANSIENT = Fault(Reason.SERVER_ERROR, "the server is ill", "wait", Lane.TRANSIENT)
PERMANENT = Fault(Reason.INVALID_CLIENT, "refused", "rotate", Lane.PERMANENT)
FULL = Fault(Reason.NO_SPACE, "disk full", "make room")


class Story:
    """A token whose story is told event by event."""

    def __init__(self, **config: object) -> None:
        self.state: TokenState = start(token_config(**config), config.get("sinks", 1), 0)  # type: ignore[arg-type]
        self.now = 0.0
        self.actions: tuple[events.Action, ...] = ()

    def at(self, now: float, event: events.Event | None = None) -> list[object]:
        """Tells an event at an instant; answers with what is wanted, without the notices."""
        self.now = now
        self.state, self.actions = step(self.state, event or events.Woken(), now, lambda: 0.5)
        return [action for action in self.actions if not isinstance(action, events.Tell)]

    def told(self) -> list[events.Notice]:
        """What the last event had observers told."""
        return [action.notice for action in self.actions if isinstance(action, events.Tell)]

    def granted(self, now: float, text: str = "t1", lifetime: float = 100) -> list[object]:
        """A fetch that was sent at `now` succeeds at once."""
        return self.at(now, self.ended(grant(text, now, lifetime)))

    def ended(self, result: object, credentials: str = "c1") -> events.FetchEnded:
        """The end of a fetch."""
        return events.FetchEnded(self.state.config, result, credentials, 1)  # type: ignore[arg-type]

    def written(self, now: float, sink: int = 0) -> list[object]:
        """The token in memory was published."""
        assert self.state.token is not None
        return self.at(now, events.SinkWritten(sink, self.state.token.life, unchanged=False))

    def running(self, **config: object) -> "Story":
        """Skips to a token published at 0 s."""
        self.__init__(**config)  # type: ignore[misc]
        self.at(0)
        for sink in range(len(self.state.sinks)):
            self.at(0, events.SinkSeen(sink, None))
        self.granted(0)
        for sink in range(len(self.state.sinks)):
            self.written(0, sink)
        return self


def found(issued: float, lifetime: float = 100) -> Life:
    """The life of a token that an earlier process issued."""
    return Life(issued, issued + 0.7 * lifetime, issued + lifetime, WALL + issued)


def wanted_fetch(actions: list[object]) -> bool:
    """Whether a fetch is among them."""
    return any(isinstance(action, events.Fetch) for action in actions)


def test_starts_with_a_look_and_no_fetch() -> None:
    """Before anything is asked of a server, every sink is looked into."""
    story = Story(sinks=2)
    assert story.at(0) == [events.Tend(0, Work.INSPECT), events.Tend(1, Work.INSPECT)]
    assert source_state(story.state, 0) is SourceState.PENDING


def test_an_empty_sink_gets_a_token() -> None:
    """Nothing in the sink: fetch, publish, and wait for the refresh point."""
    story = Story()
    story.at(0)
    assert wanted_fetch(story.at(0, events.SinkSeen(0, None)))
    (publish,) = story.granted(1)
    assert isinstance(publish, events.Tend)
    assert publish.work is Work.PUBLISH
    assert story.written(1) == []
    assert healthy(story.state, 1)
    assert story.state.once
    assert due(story.state, 1) == 1 + 45  # half of the life, less half of the jitter
    assert source_state(story.state, 47) is SourceState.DUE


def test_a_live_token_is_adopted() -> None:
    """A live token of ours costs no request and is refreshed at its own point."""
    story = Story()
    story.at(0)
    assert story.at(0, events.SinkSeen(0, found(-20))) == []
    assert isinstance(story.told()[0], events.Adopted)
    assert due(story.state, 0) == 50
    assert wanted_fetch(story.at(50))


def test_adoption_can_be_switched_off() -> None:
    """With `adopt: false` a live token is fetched over."""
    story = Story(adopt=False)
    story.at(0)
    assert wanted_fetch(story.at(0, events.SinkSeen(0, found(-20))))


def test_the_earliest_adopted_refresh_point_counts() -> None:
    """Sinks that hold tokens of different age are refreshed when the oldest is due."""
    story = Story(sinks=2)
    story.at(0)
    story.at(0, events.SinkSeen(0, found(-10)))
    story.at(0, events.SinkSeen(1, found(-30)))
    assert due(story.state, 0) == 40


def test_a_found_token_is_never_copied_to_another_sink() -> None:
    """One sink empty, the other adopted: the empty one gets a fetched token."""
    story = Story(sinks=2)
    story.at(0)
    story.at(0, events.SinkSeen(0, found(-10)))
    actions = story.at(0, events.SinkSeen(1, None))
    assert wanted_fetch(actions)
    assert not any(isinstance(a, events.Tend) and a.work is Work.PUBLISH for a in actions)


def test_nothing_is_fetched_for_a_sink_that_cannot_be_looked_into() -> None:
    """A sink that is locked by another process may hold a live token: no request is wasted."""
    story = Story()
    story.at(0)
    assert story.at(0, events.SinkFailed(0, Fault(Reason.LOCKED, "s", "a"))) == []
    assert sink_states(story.state, 0) == [SinkState.BLOCKED]
    again = due(story.state, 0)
    assert story.at(again) == [events.Tend(0, Work.INSPECT)]


def test_a_failed_publish_costs_no_fetch() -> None:
    """The sink is tried again with the token in memory until the token is due."""
    story = Story()
    story.at(0)
    story.at(0, events.SinkSeen(0, None))
    story.granted(0)
    while story.now < 44:
        assert not wanted_fetch(story.at(story.now, events.SinkFailed(0, FULL)))
        actions = story.at(min(44, due(story.state, story.now)))
        assert not wanted_fetch(actions)
    assert story.state.attempts == 1


def test_a_failed_refresh_keeps_the_old_token() -> None:
    """Failures leave the published token alone until it dies, and say so in the state."""
    story = Story().running()
    assert wanted_fetch(story.at(46))
    assert story.at(46, story.ended(TRANSIENT)) == []
    assert source_state(story.state, 46) is SourceState.FAILING
    assert healthy(story.state, 46)
    assert shown_state(story.state, 46) == "failing"


def test_another_replicas_fresh_token_ends_what_failed() -> None:
    """Nobody is told that a token fails which another replica has renewed; nor is it asked for."""
    story = Story().running()
    story.at(46)
    story.at(46, story.ended(PERMANENT))
    story.at(50, events.SinkDisturbed(0))
    assert not wanted_fetch(story.at(50, events.SinkSeen(0, found(49))))
    assert source_state(story.state, 50) is SourceState.FRESH
    assert source_state(story.state, 49 + 70) is SourceState.FAILING


def test_what_fails_for_one_sink_fails_though_another_replica_filled_the_other() -> None:
    """A sink that only a fetch could fill leaves the token failing."""
    story = Story(sinks=2).running(sinks=2)
    story.at(46)
    story.at(46, story.ended(PERMANENT))
    story.at(99, events.SinkSeen(0, found(98)))
    assert source_state(story.state, 99) is SourceState.FAILING
    story.at(100)
    assert source_state(story.state, 100) is SourceState.FAILING


def test_one_attempt_is_made_in_the_last_tenth_of_the_life() -> None:
    """Even in the slow lane somebody asks once more before the token dies."""
    story = Story().running()
    story.at(46)
    attempts = [46.0]
    while story.now < 100:
        story.at(story.now, story.ended(PERMANENT))
        story.at(due(story.state, story.now))
        if story.state.fetching:
            attempts.append(story.now)
    assert [at for at in attempts if 90 <= at < 100] == [92.5]


def test_expiry_is_told_once_and_the_token_kept() -> None:
    """A dead token stays in its sink by default; observers hear of it once."""
    story = Story().running()
    story.at(46)
    story.at(46, story.ended(PERMANENT))
    story.at(100)
    assert events.Lapsed(0) in story.told()
    story.at(101)
    assert events.Lapsed(0) not in story.told()
    assert sink_states(story.state, 101) == [SinkState.EXPIRED]
    assert source_state(story.state, 101) is SourceState.EXPIRED


def test_a_dead_token_is_deleted_where_wanted() -> None:
    """With `onExpired: delete` a sink is cleared at the expiry, and filled again later."""
    story = Story().running(refresh=Refresh(on_expired=OnExpired.DELETE))
    story.at(46)
    story.at(46, story.ended(PERMANENT))
    assert events.Tend(0, Work.CLEAR) in story.at(100)
    assert story.at(100, events.SinkCleared(0, any=True)) != [events.Tend(0, Work.CLEAR)]
    assert sink_states(story.state, 100) == [SinkState.EMPTY]
    publish = story.granted(130, "t2")[-1]
    assert isinstance(publish, events.Tend)
    assert publish.work is Work.PUBLISH


def test_drift_is_put_right_from_memory() -> None:
    """Lost content is published again without a fetch, and counted as a repair."""
    story = Story().running()
    assert story.at(10, events.SinkDisturbed(0)) == [events.Tend(0, Work.INSPECT)]
    (publish,) = story.at(10, events.SinkSeen(0, None))
    assert isinstance(publish, events.Tend)
    assert publish.work is Work.PUBLISH
    assert events.Drifted(0) in story.told()
    story.written(11)
    (told,) = story.told()
    assert isinstance(told, events.Published)
    assert told.repaired


def test_drift_of_an_adopted_token_costs_one_fetch() -> None:
    """What memory does not have must be asked for."""
    story = Story()
    story.at(0)
    story.at(0, events.SinkSeen(0, found(-10)))
    story.at(5, events.SinkDisturbed(0))
    assert wanted_fetch(story.at(5, events.SinkSeen(0, None)))


def test_a_false_alarm_changes_nothing() -> None:
    """A look that finds our own token, however the wall clock moved, leaves all as it was."""
    story = Story().running()
    before = story.state
    story.at(10, events.SinkDisturbed(0))
    jumped = replace(before.token.life, issued=3610.0, expires=3710.0)  # type: ignore[union-attr]
    assert story.at(10, events.SinkSeen(0, jumped)) == []
    assert story.state == before


def test_a_newer_token_that_is_dead_costs_no_fetch_while_memory_has_a_live_one() -> None:
    """What dies in a sink before ours does is replaced from memory, whoever has put it there."""
    story = Story().running()
    story.at(10, events.SinkDisturbed(0))
    story.at(10, events.SinkSeen(0, found(5, lifetime=20)))
    assert story.at(25) == [events.Tend(0, Work.PUBLISH, story.state.token)]


def test_the_death_of_the_token_in_memory_is_known_before() -> None:
    """Then a sink that lacks one needs another, though a newer one stands elsewhere."""
    story = Story().running(sinks=2)
    story.at(41, events.SinkDisturbed(0))
    story.at(41, events.SinkSeen(0, found(40)))
    story.at(42, events.SinkDisturbed(1))
    story.at(42, events.SinkSeen(1, None))
    story.at(42, events.SinkFailed(1, replace(FULL, retry_after=200.0)))
    assert due(story.state, 42) == 100
    assert wanted_fetch(story.at(100))


def test_a_newer_token_of_another_replica_is_left_and_scheduled_by() -> None:
    """Whoever was faster wins; nobody writes over a newer live token of ours."""
    story = Story().running()
    story.at(10, events.SinkDisturbed(0))
    assert story.at(10, events.SinkSeen(0, found(8))) == []
    assert due(story.state, 10) == 8 + 70


def test_a_sink_that_prefers_what_it_held_before_is_believed() -> None:
    """Also where that was reckoned to be a little older when it was seen first."""
    story = Story().running()
    assert wanted_fetch(story.at(46))
    story.at(46.1, events.SinkDisturbed(0))
    story.at(46.1, events.SinkSeen(0, found(46.0)))
    (publish,) = story.granted(46.02, "t2")
    assert isinstance(publish, events.Tend)
    preferred = replace(found(46.0), issued=46.02)
    assert story.at(46.3, events.SinkSeen(0, preferred)) == []
    assert due(story.state, 46.3) == 46 + 70
    assert story.told() == []


def test_a_sink_that_will_not_be_convinced_is_left_alone_for_a_moment() -> None:
    """Whoever disagrees with it about which of two is newer does not ask without a pause."""
    story = Story().running()
    story.at(46)
    story.granted(46, "t2")
    assert story.at(46.1, events.SinkSeen(0, found(0))) == []
    assert due(story.state, 46.1) == 47.1
    (publish,) = story.at(47.1)
    assert isinstance(publish, events.Tend)


def test_a_token_of_the_wanted_source_that_another_replica_left_is_enough() -> None:
    """Whoever could not look at a sink while the source changed asks for nothing that is there."""
    story = Story()
    story.at(0)
    story.at(0, events.SinkFailed(0, FULL))
    config = replace(story.state.config, request=Request(scope=("other",)))
    story.at(1, events.Reconfigured(config, source_changed=True, spread=0.0, kept=(0,)))
    story.at(10)
    assert not wanted_fetch(story.at(10, events.SinkSeen(0, found(5))))
    assert due(story.state, 10) == 5 + 70


def test_a_look_for_the_source_that_was_wanted_before_says_nothing_of_the_new_one() -> None:
    """What was looked for when the source changed is looked for anew, and asked for."""
    story = Story()
    story.at(0)
    config = replace(story.state.config, request=Request(scope=("other",)))
    story.at(1, events.Reconfigured(config, source_changed=True, spread=0.0, kept=(0,)))
    actions = story.at(2, events.SinkSeen(0, found(-5)))
    assert wanted_fetch(actions)
    assert events.Tend(0, Work.INSPECT) in actions


def test_a_token_of_the_wanted_source_in_one_sink_is_not_enough() -> None:
    """The other may hold one of the source that is not wanted any more."""
    story = Story(sinks=2)
    story.at(0)
    story.at(0, events.SinkSeen(0, found(-5)))
    story.at(0, events.SinkFailed(1, FULL))
    config = replace(story.state.config, request=Request(scope=("other",)))
    actions = story.at(1, events.Reconfigured(config, source_changed=True, spread=0.0, kept=(0, 1)))
    assert wanted_fetch(actions)
    story.at(2, story.ended(TRANSIENT))
    assert wanted_fetch(story.at(10, events.SinkSeen(1, found(5))))


def test_an_older_token_of_ours_is_put_right() -> None:
    """Somebody who restores yesterday's file gets today's back."""
    story = Story().running()
    story.at(10, events.SinkDisturbed(0))
    (publish,) = story.at(10, events.SinkSeen(0, found(-50)))
    assert events.Drifted(0) in story.told()
    assert isinstance(publish, events.Tend)
    assert publish.work is Work.PUBLISH


def test_the_same_token_again_keeps_its_expiry_and_is_not_written_again() -> None:
    """A caching server costs a few requests more, but never an expired token."""
    story = Story().running()
    story.at(46)
    assert story.granted(46, "t1") == []
    (told,) = story.told()
    assert isinstance(told, events.Fetched)
    assert told.again
    assert told.life.expires == 100
    following = due(story.state, 46)
    assert 46 + 10 <= following < 100


def test_a_token_that_died_on_its_way_is_a_failure() -> None:
    """A token whose life ended before its answer came is not published."""
    story = Story()
    story.at(0)
    story.at(0, events.SinkSeen(0, None))
    assert story.at(5, story.ended(grant("t1", 0, 4))) == []
    assert story.state.failures == 1


def test_changed_credentials_leave_the_slow_lane_at_once() -> None:
    """A failing token asks again as soon as its credentials differ."""
    story = Story().running()
    story.at(46)
    story.at(46, story.ended(PERMANENT))
    assert due(story.state, 46) > 60
    assert wanted_fetch(story.at(47, events.CredentialsChanged()))
    story.at(47, story.ended(grant("t2", 47), credentials="c2"))
    assert events.CredentialsReloaded() in story.told()


def test_changed_credentials_do_not_override_retry_after() -> None:
    """The server's own lower bound stands even then."""
    story = Story().running()
    story.at(46)
    story.at(46, story.ended(replace(PERMANENT, retry_after=30.0)))
    assert not wanted_fetch(story.at(47, events.CredentialsChanged()))
    assert due(story.state, 47) >= 76


def test_changed_credentials_mean_nothing_to_a_healthy_token() -> None:
    """A rotation causes no request by itself."""
    story = Story().running()
    assert story.at(10, events.CredentialsChanged()) == []


def changed(story: Story, **changes: object) -> events.Reconfigured:
    """A reload that changes the token's own configuration."""
    config = replace(story.state.config, **changes)  # type: ignore[arg-type]
    return events.Reconfigured(config, source_changed="token_url" in changes, spread=8, kept=(0,))


def test_a_changed_source_is_asked_for_within_the_spread() -> None:
    """A changed source section causes one fetch, spread, the old token kept meanwhile."""
    story = Story().running()
    event = changed(story, token_url="https://other.example.com/token")
    assert story.at(10, event) == []
    assert healthy(story.state, 10)
    assert due(story.state, 10) == 14
    assert wanted_fetch(story.at(14))
    assert story.granted(14, "t2") != []
    assert story.state.stale is None


def test_a_changed_schedule_causes_no_fetch() -> None:
    """What is no part of the source leaves the token and its refresh point alone."""
    story = Story().running()
    assert story.at(10, changed(story, refresh=Refresh(at=0.9))) == []
    assert due(story.state, 10) == 45


def test_an_answer_to_the_old_source_does_not_pass_for_the_new() -> None:
    """A fetch that was under way while the source changed is followed by another."""
    story = Story().running()
    story.at(46)
    old = story.ended(grant("t2", 46))
    story.at(47, changed(story, token_url="https://other.example.com/token"))
    story.at(48, old)
    assert due(story.state, 48) < 48 + 11
    assert story.state.stale is not None


def test_absent_removes_and_asks_for_nothing() -> None:
    """`state: absent` clears each sink once and never fetches."""
    story = Story(state=State.ABSENT)
    assert story.at(0) == [events.Tend(0, Work.REMOVE)]
    assert story.at(0, events.SinkCleared(0, any=True)) == []
    assert due(story.state, 0) == NEVER


def test_a_budget_holds_the_next_fetch_back_and_says_so() -> None:
    """When the budget is used up a fetch waits for it, and observers hear of it once."""
    story = Story().running(refresh=Refresh(max_requests_per_hour=1))
    story.at(46)
    assert not story.state.fetching
    assert any(isinstance(notice, events.Deferred) for notice in story.told())
    assert due(story.state, 46) == 100  # the expiry; then the bucket's hour
    story.at(47)
    assert not story.told()
    story.at(100)
    assert due(story.state, 100) == 3600


def test_at_most_one_fetch_is_under_way() -> None:
    """Whatever happens during a fetch, no second one begins."""
    story = Story(sinks=2)
    story.at(0)
    assert wanted_fetch(story.at(0, events.SinkSeen(0, None)))
    assert not wanted_fetch(story.at(0, events.SinkSeen(1, None)))
    assert not wanted_fetch(story.at(5, events.CredentialsChanged()))
    assert not wanted_fetch(story.at(9))


def test_a_wall_clock_that_was_set_back_hides_no_new_token() -> None:
    """After an hour back the next token is published all the same, and asked for once."""
    story = Story().running()
    story.at(46)
    later = replace(grant("t2", 46), issued_at=WALL + 46 - 3600)
    (publish,) = story.at(46, story.ended(later))
    assert isinstance(publish, events.Tend)
    assert publish.work is Work.PUBLISH
    assert story.written(46) == []
    assert sink_states(story.state, 46) == [SinkState.CURRENT]
    assert due(story.state, 46) == 46 + 45


def test_an_attempt_that_only_ended_in_the_last_tenth_is_followed_by_another() -> None:
    """A refusal that took its time does not use up the last chance."""
    story = Story().running(refresh=Refresh(min_lead=10, at=0.9, jitter=0.05))
    assert wanted_fetch(story.at(87.5))
    story.at(91, story.ended(PERMANENT))
    assert 91 < due(story.state, 91) < 100


def test_a_refusal_of_the_old_source_does_not_slow_the_new_one_down() -> None:
    """Who mends the configuration during an attempt need not wait for the slow lane."""
    story = Story().running()
    story.at(46)
    refused = story.ended(replace(PERMANENT, retry_after=1800.0))
    story.at(47, changed(story, token_url="https://other.example.com/token"))
    story.at(48, refused)
    assert due(story.state, 48) == 47 + 4  # the middle of the spread


def test_a_reload_does_not_override_retry_after() -> None:
    """The server's lower bound outlasts a change of anything but the server."""
    story = Story().running()
    story.at(46)
    story.at(46, story.ended(replace(PERMANENT, retry_after=30.0)))
    story.at(50, changed(story, request=Request(scope=("more",))))
    assert due(story.state, 50) == 50 + 30
    story.at(51, changed(story, token_url="https://other.example.com/token"))
    assert due(story.state, 51) == 51 + 4


def test_a_reload_leaves_the_slow_lane() -> None:
    """A changed configuration is tried at once, whatever changed."""
    story = Story().running()
    story.at(46)
    story.at(46, story.ended(PERMANENT))
    assert wanted_fetch(story.at(50, replace(changed(story, adopt=False), spread=0.0)))


def test_what_was_spent_stays_spent() -> None:
    """A token that is unwanted for a moment does not get a new budget."""
    story = Story().running(refresh=Refresh(max_requests_per_hour=1))
    for state in (State.ABSENT, State.PRESENT):
        story.at(10, changed(story, state=state))
    assert story.state.budget == Budget(hourly=1, level=0.0, at=0.0)


def test_a_token_that_is_wanted_again_keeps_to_the_floor() -> None:
    """Absent for a moment soon after a success, it is not asked for at once."""
    story = Story().running()
    rest = story.state.rest
    assert rest > 1
    for state in (State.ABSENT, State.PRESENT):
        story.at(1, changed(story, state=state))
    story.at(1, events.SinkCleared(0, any=True))
    assert not wanted_fetch(story.at(1, events.SinkSeen(0, None)))
    assert due(story.state, 1) == rest
    assert wanted_fetch(story.at(rest))


def test_a_token_that_is_wanted_again_keeps_to_retry_after() -> None:
    """However often it was absent meanwhile, and whether or not it was when the answer came."""
    for absent_at in (46.0, 47.0):
        story = Story().running()
        story.at(46)
        refused = story.ended(replace(PERMANENT, retry_after=30.0))
        if absent_at > 46:
            story.at(46, refused)
        story.at(absent_at, changed(story, state=State.ABSENT))
        if absent_at == 46:
            story.at(46, refused)
        for state in (State.PRESENT, State.ABSENT, State.PRESENT):
            story.at(absent_at, changed(story, state=state))
        story.at(48, events.SinkCleared(0, any=True))
        assert not wanted_fetch(story.at(48, events.SinkSeen(0, None)))
        assert 76 <= due(story.state, 48) <= 77
        assert wanted_fetch(story.at(77))


def test_a_sink_is_in_one_pair_of_hands() -> None:
    """A token that becomes unwanted while it is published is removed after that."""
    story = Story()
    story.at(0)
    story.at(0, events.SinkSeen(0, None))
    story.granted(1)
    assert story.state.token is not None
    life = story.state.token.life
    assert story.at(2, changed(story, state=State.ABSENT)) == []
    wanted = story.at(3, events.SinkWritten(0, life, unchanged=False))
    assert wanted == [events.Tend(0, Work.REMOVE)]


def test_a_fetch_that_was_not_begun_is_wanted_anew_when_due() -> None:
    """What waited for its turn until another replica was faster is as if never asked for."""
    story = Story().running()
    story.at(46)
    story.at(47, events.SinkDisturbed(0))
    story.at(47, events.SinkSeen(0, found(46.5)))
    assert not still_wanted(story.state, 47)
    assert story.at(48, events.FetchDropped()) == []
    assert due(story.state, 48) == 46.5 + 70
    assert wanted_fetch(story.at(46.5 + 70))
    assert story.state.attempts == 2


def test_a_change_during_a_look_is_looked_at_once_more() -> None:
    """What the look may have read too early does not go unseen."""
    story = Story().running()
    story.at(10, events.SinkDisturbed(0))
    assert story.at(10, events.SinkDisturbed(0)) == []
    assert story.state.token is not None
    wanted = story.at(11, events.SinkSeen(0, story.state.token.life))
    assert wanted == [events.Tend(0, Work.INSPECT)]
    assert story.at(12, events.SinkSeen(0, story.state.token.life)) == []


def test_a_look_that_failed_is_still_wanted() -> None:
    """After the pause, and before anything is written."""
    story = Story().running()
    story.at(10, events.SinkDisturbed(0))
    assert story.at(10, events.SinkFailed(0, FULL)) == []
    again = due(story.state, 10)
    assert again < 12
    assert story.at(again) == [events.Tend(0, Work.INSPECT)]


def test_how_a_fetch_ends_is_nothing_to_a_token_that_is_unwanted_by_then() -> None:
    """It neither fails, nor holds a token, nor is it looked after for that."""
    for result in (PERMANENT, grant("t2", 46)):
        story = Story().running()
        story.at(46)
        story.at(46, changed(story, state=State.ABSENT))
        story.at(46, events.SinkCleared(0, any=True))
        assert story.at(47, story.ended(result)) == []
        assert not story.state.fetching
        assert (story.state.failures, story.state.token) == (0, None)
        assert due(story.state, 47) == NEVER


def test_what_the_budget_keeps_is_for_the_last_quarter_of_the_lead() -> None:
    """An ordinary refresh waits; when little of the lead is left, the last request is made."""
    story = Story().running(refresh=Refresh(max_requests_per_hour=8))
    story.state = replace(story.state, budget=Budget(hourly=8, level=1.0, at=46))
    assert not wanted_fetch(story.at(46))
    hurry = 100 - (100 - 45) / 4
    assert due(story.state, 46) == hurry
    assert wanted_fetch(story.at(hurry))


def test_the_same_token_from_another_source_is_written_again() -> None:
    """What stands beside it has to say where it came from, or a restart would not know it."""
    story = Story().running()
    story.at(20, changed(story, token_url="https://other.example.com/token"))
    story.at(24)
    (publish,) = story.granted(24, "t1")
    assert isinstance(publish, events.Tend)
    assert publish.token is not None
    assert publish.token.source == source_fingerprint(story.state.config)


def test_a_token_that_is_handed_out_again_to_the_last_is_asked_for_to_the_last() -> None:
    """The floor between two fetches is one of the life that is left, and does not outlast it."""
    story = Story().running()
    for _ in range(6):
        asked = due(story.state, story.now)
        assert wanted_fetch(story.at(asked))
        story.granted(asked, "t1")
        assert due(story.state, asked) >= asked + min(10, (100 - asked) / 4)
    assert 98 < due(story.state, story.now) < 100


def test_a_failing_sink_that_others_touch_is_tried_no_more_often() -> None:
    """Looks that succeed between writes that fail would keep the pause at its shortest."""
    story = Story()
    story.at(0)
    story.at(0, events.SinkSeen(0, None))
    story.granted(0, lifetime=1000)
    for number in range(1, 7):
        story.at(story.now, events.SinkFailed(0, FULL))
        assert story.state.sinks[0].failures == number
        story.at(story.now, events.SinkDisturbed(0))
        (publish,) = story.at(due(story.state, story.now))
        assert isinstance(publish, events.Tend)
        assert publish.work is Work.PUBLISH
    assert story.now > 20


def test_a_budget_counts_what_reached_the_server() -> None:
    """A failure to connect costs nothing, and a redirect is a request more."""
    for requests in (0, 1, 2):
        story = Story(refresh=Refresh(max_requests_per_hour=8))
        story.at(0)
        story.at(0, events.SinkSeen(0, None))
        story.at(0, replace(story.ended(TRANSIENT), requests=requests))
        assert story.state.budget == Budget(hourly=8, level=4.0 - requests, at=0)


def test_a_sink_is_not_tried_before_the_servers_retry_after() -> None:
    """An API server that asks for time gets it."""
    story = Story()
    story.at(0)
    story.at(0, events.SinkFailed(0, replace(FULL, retry_after=30.0)))
    assert due(story.state, 0) == 30


def test_another_budget_begins_full() -> None:
    """A reload may set one, change it, or take it away; another change leaves it alone."""
    story = Story().running()
    for hourly, level in ((8, 4.0), (20, 10.0)):
        story.at(10, changed(story, refresh=Refresh(max_requests_per_hour=hourly)))
        assert story.state.budget == Budget(hourly=hourly, level=level, at=10)
    story.at(20, changed(story, adopt=False))
    assert story.state.budget == Budget(hourly=20, level=10.0, at=10)
    story.at(30, changed(story, refresh=Refresh()))
    assert story.state.budget is None


def test_one_token_read_in_two_places_is_one() -> None:
    """That clocks were read a moment apart makes neither sink fall behind the other."""
    story = Story(sinks=2)
    story.at(0)
    first = found(-20)
    story.at(0, events.SinkSeen(0, first))
    story.at(0, events.SinkSeen(1, replace(first, issued=-20.5, refresh=49.5, expires=79.5)))
    assert sink_states(story.state, 0) == [SinkState.CURRENT, SinkState.CURRENT]
    story.at(1, events.SinkDisturbed(0))
    assert story.at(1, events.SinkSeen(0, replace(first, issued=-20.7))) == []
    assert story.told() == []
