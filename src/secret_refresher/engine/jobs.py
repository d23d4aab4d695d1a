"""What workers do: one call to a port, its result as an event. Nothing here raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from secret_refresher.config.consumers import ConsumerSpec
from secret_refresher.config.model import TokenConfig
from secret_refresher.errors import Fault, Trouble, internal
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.state import Work
from secret_refresher.ports import Consumers, Heard, Outcome, Sink, TokenSource, Wrote
from secret_refresher.tokens.token import Life, Token


def fetch(source: TokenSource, config: TokenConfig, timeout: float) -> Outcome:
    """One attempt to get a token."""
    try:
        return source.fetch(config, timeout)
    except Exception as defect:  # noqa: BLE001 - a defect of one adapter must not end the loop
        return Outcome(result=internal(defect))


def tend(sink: Sink, action: events.Tend, source: str) -> events.SinkEvent:
    """Looks into a sink, publishes to it, or clears it."""
    index = action.sink
    try:
        match action.work:
            case Work.INSPECT:
                return events.SinkSeen(index, sink.inspect(source).life)
            case Work.CLEAR | Work.REMOVE:
                some = sink.remove(for_good=action.work is Work.REMOVE)
                return events.SinkCleared(index, any=some)
            case Work.PUBLISH:
                token = cast(Token, action.token)
                wrote = sink.publish(token)
                if wrote is Wrote.SUPERSEDED:
                    # By one of the same source, which may not be the wanted one any more.
                    preferred = sink.inspect(token.source).life
                    return events.SinkSeen(index, _newer(preferred, token))
                unchanged = wrote is Wrote.UNCHANGED
                return events.SinkWritten(index, token.life, unchanged=unchanged)
    except Trouble as trouble:
        return events.SinkFailed(index, trouble.fault)
    except Exception as defect:  # noqa: BLE001 - likewise
        return events.SinkFailed(index, internal(defect))


def inform(consumers: Consumers, consumer: ConsumerSpec, of: Mapping[str, Life]) -> Heard | Fault:
    """Tells a consumer of new tokens."""
    try:
        return consumers.tell(consumer, of)
    except Trouble as trouble:
        return trouble.fault
    except Exception as defect:  # noqa: BLE001 - likewise
        return internal(defect)


def _newer(found: Life | None, token: Token) -> Life | None:
    """The life of a token that its sink prefers to ours, whatever our clock thinks of the two.

    The sink compares what both replicas have written; were we to contradict it, we would offer
    our own token again and again.
    """
    if found is None:
        return None
    return replace(found, issued=max(found.issued, token.life.issued))
