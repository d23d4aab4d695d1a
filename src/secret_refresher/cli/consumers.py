"""Consumers of every kind, as the configuration names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, final

from secret_refresher import __version__
from secret_refresher.cli.sinks import Sinks
from secret_refresher.config.consumers import (
    ConsumerSpec,
    HttpConsumer,
    RolloutConsumer,
    SignalConsumer,
)
from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.ports import Clock, Heard
from secret_refresher.tokens.token import Life

if TYPE_CHECKING:
    from secret_refresher.adapters.kubernetes.rollouts import Rollouts


@final
class Tellers:
    """Tells consumers of every kind; implements `ports.Consumers`.

    What a kind needs is loaded when the first of it is told.
    """

    def __init__(self, clock: Clock, sinks: Sinks) -> None:
        self._clock = clock
        self._sinks = sinks

    def tell(self, consumer: ConsumerSpec, of: Mapping[str, Life]) -> Heard:
        """One attempt. Raises `Trouble`."""
        match consumer:
            case HttpConsumer():
                from secret_refresher.adapters.notify import http

                http.tell(consumer, self._clock.now, f"secret-refresher/{__version__}")
                return Heard()
            case SignalConsumer():
                from secret_refresher.adapters.notify import signals

                signals.tell(consumer)
                return Heard()
            case RolloutConsumer():
                return self._rollouts().tell(consumer, of)

    def examine(self, consumer: ConsumerSpec) -> str:
        """What is found where a consumer should be; nobody is told. Raises `Trouble`."""
        match consumer:
            case HttpConsumer():
                from secret_refresher.adapters.notify import http

                return http.examine(consumer, self._clock.now)
            case SignalConsumer():
                from secret_refresher.adapters.notify import signals

                return signals.examine(consumer)
            case RolloutConsumer():
                return self._rollouts().examine(consumer)

    def _rollouts(self) -> Rollouts:
        if self._sinks.cluster is None:
            raise Trouble(_NO_CLUSTER)
        return self._sinks.cluster.rollouts


_NO_CLUSTER = Fault(
    Reason.KUBERNETES,
    "there is no cluster to restart anything in",
    "run it in a pod, or name a kubeconfig in KUBECONFIG",
    Lane.PERMANENT,
)
