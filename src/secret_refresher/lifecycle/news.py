"""What is known of who is told of a token. Frozen; a transition makes a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from secret_refresher.config.model import State, TokenConfig
from secret_refresher.errors import Fault
from secret_refresher.tokens.token import Life


@final
@dataclass(frozen=True, slots=True)
class ConsumerRecord:
    """One consumer as we know it.

    `waiting`: it has not heard of the newest token yet, and is to. `busy`: a worker tells it.
    `retry`: it is not told before this instant. `fault`: why the last attempt failed, also
    after it was given up. `told`: when it was told last, by the process's clock.
    """

    waiting: bool = False
    busy: bool = False
    failures: int = 0
    retry: float = 0.0
    fault: Fault | None = None
    told: float | None = None


@final
@dataclass(frozen=True, slots=True)
class News:
    """The newest token that was published, for those who are to hear of it.

    `life` is None until there is one. `since`: the instant from which it counts as published:
    when every sink came to hold it, and until then the instant up to which that is waited for.
    `consumers` are in the order of the configuration.
    """

    consumers: tuple[ConsumerRecord, ...]
    life: Life | None = None
    since: float = 0.0


def awaited(config: TokenConfig) -> News | None:
    """What is known at first; None where nobody is to be told, which costs nothing."""
    if not config.notify or config.state is State.ABSENT:
        return None
    return News((ConsumerRecord(),) * len(config.notify))
