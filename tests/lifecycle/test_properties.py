"""The state machine under any sequence of events."""

import random
from dataclasses import replace

from hypothesis import given, settings, strategies as st

from secret_refresher.config.model import OnExpired, Refresh, State, TokenConfig
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.outlook import due
from secret_refresher.lifecycle.state import TOKEN_STATES, Work, shown_state, start
from secret_refresher.lifecycle.step import affected, step
from secret_refresher.tokens.token import Life
from support.tokens import WALL, grant, token_config

FAULTS = st.builds(
    Fault,
    reason=st.sampled_from(Reason),
    summary=st.just("s"),
    advice=st.just("a"),
    lane=st.sampled_from(Lane),
    retry_after=st.one_of(st.none(), st.floats(0, 3600)),
)
REFRESHES = st.builds(
    Refresh,
    on_expired=st.sampled_from(OnExpired),
    min_lead=st.floats(0, 100),
    max_requests_per_hour=st.one_of(st.none(), st.integers(1, 50)),
)
KINDS = st.sampled_from(
    [
        "wake",
        "grant",
        "same",
        "fault",
        "seen",
        "nothing",
        "done",
        "fail",
        "disturb",
        "credentials",
        "reconfigure",
        "flip",
    ]
)


class Token:
    """One token whose workers may only end what they began."""

    def __init__(self, config: TokenConfig) -> None:
        self.state = start(config, len(config.sinks), 0)
        self.fetching = False
        self.working: dict[int, events.Tend] = {}

    def event(self, kind: str, sink: int, fault: Fault, now: float) -> events.Event:
        """The event of that kind, where it is possible now."""
        if kind in {"grant", "same", "fault"} and self.fetching:
            self.fetching = False
            text = "same" if kind == "same" else f"t{now}"
            result = fault if kind == "fault" else grant(text, now, 60)
            return events.FetchEnded(self.state.config, result, "c", 1)
        if kind in {"seen", "nothing", "done", "fail"} and sink in self.working:
            return self._worked(self.working.pop(sink), kind, sink, fault, now)
        if kind == "disturb":
            return events.SinkDisturbed(sink)
        if kind == "credentials":
            return events.CredentialsChanged()
        kept = range(len(self.state.sinks))
        if kind == "reconfigure":
            changed = replace(self.state.config, token_url=f"https://id.example.com/{now}")
            return events.Reconfigured(changed, True, 5.0, tuple(kept))
        if kind == "flip":
            other = State.PRESENT if self.state.config.state is State.ABSENT else State.ABSENT
            changed = replace(self.state.config, state=other)
            return events.Reconfigured(changed, False, 0.0, tuple(kept))
        return events.Woken()

    def _worked(
        self, job: events.Tend, kind: str, sink: int, fault: Fault, now: float
    ) -> events.Event:
        if kind == "fail":
            return events.SinkFailed(sink, fault)
        if job.work is Work.INSPECT:
            life = Life(now - 30, now, now + 30, WALL + now - 30)
            return events.SinkSeen(sink, life if kind == "seen" else None)
        if job.work in {Work.CLEAR, Work.REMOVE}:
            return events.SinkCleared(sink, any=True)
        assert job.token is not None
        return events.SinkWritten(sink, job.token.life, unchanged=kind == "done")

    def take(self, actions: tuple[events.Action, ...], now: float) -> None:
        """Begins what is wanted, and checks that it may be."""
        for action in actions:
            if isinstance(action, events.Fetch):
                assert not self.fetching
                assert self.state.config.state is State.PRESENT
                self.fetching = True
            elif isinstance(action, events.Tend):
                assert action.sink not in self.working
                self.working[action.sink] = action
                if action.work is Work.PUBLISH:
                    assert action.token is not None
                    assert action.token.life.alive(now)


@settings(max_examples=300, deadline=None)
@given(
    st.builds(token_config, sinks=st.integers(1, 3), refresh=REFRESHES, adopt=st.booleans()),
    st.lists(st.tuples(st.floats(0, 80), KINDS, st.integers(0, 2), FAULTS), max_size=60),
)
def test_no_sequence_of_events_breaks_a_rule(
    config: TokenConfig, steps: list[tuple[float, str, int, Fault]]
) -> None:
    """One fetch, and one job a sink, at a time; only live tokens published; nothing overdue."""
    draw = random.Random(0).random  # noqa: S311 - a simulation
    token, now = Token(config), 0.0
    for pause, kind, number, fault in steps:
        now += pause
        ready = due(token.state, now)
        event = token.event(kind, number % len(token.state.sinks), fault, now)
        token.state, actions = step(token.state, event, now, draw)
        token.take(actions, now)
        assert token.state.fetching == token.fetching
        # An event of one sink leaves the others to the next wake-up, for which it is time then.
        token.state, actions = step(token.state, events.Woken(), now, draw)
        assert not actions or (affected(event) is not None and ready <= now)
        token.take(actions, now)
        assert due(token.state, now) > now
        again, repeated = step(token.state, events.Woken(), now, draw)
        assert again == token.state
        assert not repeated
        assert shown_state(token.state, now) in TOKEN_STATES
