"""The observer that counts, and the answer to a scrape."""

from __future__ import annotations

from io import BytesIO
from typing import final

from secret_refresher.adapters.metrics.families import PREFIX, families
from secret_refresher.adapters.metrics.ledger import Ledger
from secret_refresher.adapters.metrics.text import encode
from secret_refresher.config.model import State
from secret_refresher.lifecycle import events
from secret_refresher.ports import (
    Broadcast,
    Clock,
    ConfigTaken,
    Exchange,
    ShardMoved,
    Subject,
    View,
)

__all__ = ["PREFIX", "Metrics"]


@final
class Metrics:
    """Observes, and answers a scrape; implements `ports.Observer`.

    A series costs nothing between two scrapes but its number, and `prometheus_client` is
    imported by the first scrape: no application waits for its token that long.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ledger = Ledger()
        self._view: View | None = None

    def watch(self, view: View) -> None:
        """Takes the engine whose records are shown, and begins to answer for it."""
        self._view = view

    def notice(self, about: Subject | None, fact: events.Notice | Exchange | Broadcast) -> None:
        """Counts a fact."""
        self._ledger.count(about, fact, self._clock.wall())
        if isinstance(fact, ConfigTaken | ShardMoved) and self._view is not None:
            self._ledger.keep({subject.name for subject, _ in self._view.tokens()})

    def exposition(self, accept: str) -> tuple[str, bytes]:
        """Content type and body of a scrape, in the format that the Accept header asks for."""
        from prometheus_client import CollectorRegistry, ProcessCollector
        from prometheus_client.exposition import choose_encoder

        encode_process, content_type = choose_encoder(accept)
        body = BytesIO()
        if self._view is not None:
            openmetrics = "openmetrics" in content_type
            # Read before the clock, so that nothing in them is later than now.
            pairs = self._view.tokens()
            tokens = [pair for pair in pairs if pair[1].config.state is State.PRESENT]
            now, wall = self._clock.now(), self._clock.wall()
            for family in families(tokens, self._ledger, self._view, now, wall):
                body.writelines(encode(family, openmetrics=openmetrics))
        process = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=process)
        body.write(encode_process(process))  # with OpenMetrics' last line
        return content_type, body.getvalue()
