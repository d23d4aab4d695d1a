"""What becomes of a token when a defect of ours keeps an event from being taken."""

from __future__ import annotations

from dataclasses import replace

from secret_refresher.errors import internal
from secret_refresher.lifecycle import events, notify
from secret_refresher.lifecycle.sinks import continued, put
from secret_refresher.lifecycle.state import TokenState

PAUSE = 10.0
"""Seconds until such a token is looked after again."""


def endured(state: TokenState, event: events.Event, defect: Exception, now: float) -> TokenState:
    """The state after an event that could not be taken, by as little thought as possible.

    What has ended has ended, as a failure; what is there now is there. Nothing waits for ever,
    and what is published stays.
    """
    later = now + PAUSE
    match event:
        case events.FetchEnded():
            return replace(
                state,
                fetching=False,
                failures=state.failures + 1,
                fault=internal(defect),
                retry=later,
            )
        case events.FetchDropped():
            return replace(state, fetching=False)
        case events.SinkSeen() | events.SinkWritten() | events.SinkCleared() | events.SinkFailed():
            return put(
                state,
                event.sink,
                look=True,
                work=None,
                failures=state.sinks[event.sink].failures + 1,
                fault=internal(defect),
                retry=later,
            )
        case events.ConsumerTold() | events.ConsumerLater() | events.ConsumerFailed():
            return notify.endured(state, event, defect, now)
        case events.Reconfigured():
            return replace(
                state,
                config=event.config,
                sinks=continued(state, event.kept),
                news=notify.continued(state, event.config),
            )
        case events.Retargeted():
            return replace(state, sinks=continued(state, event.kept))
        case _:
            return state
