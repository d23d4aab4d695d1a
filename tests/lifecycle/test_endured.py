"""A token whose event could not be taken."""

from dataclasses import replace

from secret_refresher.errors import Fault, Reason
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.endured import PAUSE, endured
from secret_refresher.lifecycle.outlook import NEVER, due
from secret_refresher.lifecycle.state import TokenState, Work, start
from secret_refresher.lifecycle.step import step
from secret_refresher.tokens.token import Life
from support.tokens import grant, token_config

DEFECT = ValueError("a secret text")


def looking() -> TokenState:
    """A token whose two sinks are looked into."""
    state, _ = step(start(token_config(sinks=2), 2, 0), events.Woken(), 0, lambda: 0.5)
    return state


def fetching() -> TokenState:
    """A token that is asked for."""
    state = looking()
    for sink in range(2):
        state, _ = step(state, events.SinkSeen(sink, None), 0, lambda: 0.5)
    assert state.fetching
    return state


def test_a_fetch_that_ended_is_over() -> None:
    """The next one is made after a pause, and observers can see why."""
    state = fetching()
    ended = events.FetchEnded(state.config, grant("t1", 0), "c", 1)
    after = endured(state, ended, DEFECT, 5)
    assert not after.fetching
    assert due(after, 5) == 5 + PAUSE
    assert after.fault is not None
    assert after.fault.reason is Reason.INTERNAL
    assert "secret text" not in str(after.fault)


def test_a_fetch_that_was_dropped_is_over() -> None:
    """It can be wanted again."""
    assert not endured(fetching(), events.FetchDropped(), DEFECT, 5).fetching


def test_work_on_a_sink_that_ended_is_over() -> None:
    """However it ended: the sink is looked into again after a pause, and the other goes on."""
    for event in (
        events.SinkSeen(0, None),
        events.SinkWritten(0, grant_life(), unchanged=False),
        events.SinkCleared(0, any=True),
        events.SinkFailed(0, Fault(Reason.IO, "s", "a")),
    ):
        after = endured(looking(), event, DEFECT, 5)
        assert (after.sinks[0].work, after.sinks[0].failures) == (None, 1)
        assert after.sinks[1].work is Work.INSPECT
        assert due(after, 5) == 5 + PAUSE
        _, again = step(after, events.Woken(), 5 + PAUSE, lambda: 0.5)
        assert events.Tend(0, Work.INSPECT) in again


def grant_life() -> Life:
    """Some life."""
    return Life(0, 70, 100, 1e9)


def test_a_configuration_is_taken_all_the_same() -> None:
    """As many sinks as there are, each that goes on with what is known of it."""
    state = looking()
    config = replace(state.config, token_url="https://other.example.com/t")
    after = endured(state, events.Reconfigured(config, True, 0, (1, None, None)), DEFECT, 5)
    assert after.config == config
    assert [sink.work for sink in after.sinks] == [Work.INSPECT, None, None]
    after = endured(state, events.Retargeted((0,)), DEFECT, 5)
    assert after == replace(state, sinks=state.sinks[:1])


def test_what_only_came_changes_nothing() -> None:
    """A wake-up, a rotation, a disturbance: the same again later."""
    state = fetching()
    for event in (events.Woken(), events.CredentialsChanged(), events.SinkDisturbed(0)):
        assert endured(state, event, DEFECT, 5) == state
    assert due(state, 5) == NEVER
