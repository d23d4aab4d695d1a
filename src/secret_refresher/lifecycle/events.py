"""What happens to a token, what it asks for, and what observers are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from secret_refresher.config.consumers import ConsumerSpec
from secret_refresher.config.model import TokenConfig
from secret_refresher.errors import Fault
from secret_refresher.lifecycle.state import Work
from secret_refresher.tokens.token import Grant, Life, Token

# --- events: what happened ---------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Woken:
    """An instant has come that the token waited for."""


@final
@dataclass(frozen=True, slots=True)
class FetchEnded:
    """An attempt came back. `config` is what it was made with; `requests` reached a server."""

    config: TokenConfig
    result: Grant | Fault
    credentials: str | None
    requests: int
    used_previous_secret: bool = False


@final
@dataclass(frozen=True, slots=True)
class FetchDropped:
    """A fetch that had to wait for its turn was not begun: nobody needs it any more."""


@final
@dataclass(frozen=True, slots=True)
class SinkSeen:
    """A look into a sink ended: `ours` is the life of the token of ours that it holds."""

    sink: int
    ours: Life | None


@final
@dataclass(frozen=True, slots=True)
class SinkWritten:
    """A token was published; `unchanged` when the sink held it already."""

    sink: int
    life: Life
    unchanged: bool


@final
@dataclass(frozen=True, slots=True)
class SinkCleared:
    """What was ours is gone from a sink; `any` whether there was something."""

    sink: int
    any: bool


@final
@dataclass(frozen=True, slots=True)
class SinkFailed:
    """Work on a sink failed."""

    sink: int
    fault: Fault


@final
@dataclass(frozen=True, slots=True)
class SinkDisturbed:
    """A sink may no longer hold what we last saw in it."""

    sink: int


@final
@dataclass(frozen=True, slots=True)
class CredentialsChanged:
    """The credential files differ from what the failed attempt used."""


@final
@dataclass(frozen=True, slots=True)
class Reconfigured:
    """The configuration changed.

    `spread`: seconds over which a token of a changed source is asked for. `kept`: for each
    new sink the index of the old one that it continues, None for a new one.
    """

    config: TokenConfig
    source_changed: bool
    spread: float
    kept: tuple[int | None, ...]


@final
@dataclass(frozen=True, slots=True)
class Retargeted:
    """The sinks are others, the configuration is the same; `kept` as in `Reconfigured`."""

    kept: tuple[int | None, ...]


@final
@dataclass(frozen=True, slots=True)
class ConsumerTold:
    """A consumer has heard of the token; `knew`: it had before, and was left alone."""

    consumer: ConsumerSpec
    life: Life
    knew: bool


@final
@dataclass(frozen=True, slots=True)
class ConsumerLater:
    """A consumer is not to be told for another `wait` seconds, though nothing is wrong."""

    consumer: ConsumerSpec
    life: Life
    wait: float


@final
@dataclass(frozen=True, slots=True)
class ConsumerFailed:
    """A consumer could not be told."""

    consumer: ConsumerSpec
    life: Life
    fault: Fault


ConsumerEvent = ConsumerTold | ConsumerLater | ConsumerFailed
"""How an attempt to tell a consumer ends; `life` is of the token that it was of."""

SinkEvent = SinkSeen | SinkWritten | SinkCleared | SinkFailed
"""How work on a sink ends."""

Result = FetchEnded | FetchDropped | SinkEvent | ConsumerEvent
"""How what was begun ends."""

OneSink = SinkEvent | SinkDisturbed
"""What says nothing of the other sinks."""

Event = (
    Woken
    | FetchEnded
    | FetchDropped
    | OneSink
    | ConsumerEvent
    | CredentialsChanged
    | Reconfigured
    | Retargeted
)

# --- actions: what is wanted ---------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask for a token; `life` is that of the one in use, for the time-out and the urgency."""

    life: Life | None


@final
@dataclass(frozen=True, slots=True)
class Tend:
    """Do something to one sink: look, publish `token`, or remove what is ours."""

    sink: int
    work: Work
    token: Token | None = None


@final
@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the observers."""

    notice: Notice


@final
@dataclass(frozen=True, slots=True)
class Notify:
    """Tell a consumer that there is a new token, of this life; never the token itself."""

    consumer: ConsumerSpec
    life: Life


Action = Fetch | Tend | Tell | Notify

# --- notices: what observers are told, one a fact ------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Fetched:
    """A token was granted. `again`: the very one that we had; `after`: failures before it."""

    attempt: int
    life: Life
    again: bool
    after: int
    used_previous_secret: bool


@final
@dataclass(frozen=True, slots=True)
class FetchFailed:
    """An attempt failed; the next one is made `wait` seconds later. `left`: life remaining."""

    attempt: int
    fault: Fault
    failures: int
    wait: float
    left: float


@final
@dataclass(frozen=True, slots=True)
class Published:
    """A sink holds the token. `repaired`: it had lost it."""

    attempt: int
    sink: int
    life: Life
    unchanged: bool
    repaired: bool
    after: int


@final
@dataclass(frozen=True, slots=True)
class SinkTrouble:
    """Work on a sink failed; it is tried again `wait` seconds later."""

    attempt: int
    sink: int
    work: Work
    fault: Fault
    failures: int
    wait: float
    left: float


@final
@dataclass(frozen=True, slots=True)
class Adopted:
    """A live token of ours was found in a sink and left alone."""

    sink: int
    life: Life


@final
@dataclass(frozen=True, slots=True)
class Drifted:
    """A sink no longer holds what we put there."""

    sink: int


@final
@dataclass(frozen=True, slots=True)
class Removed:
    """What was ours is gone from a sink: `expired` tells dead tokens from unwanted ones."""

    sink: int
    any: bool
    expired: bool


@final
@dataclass(frozen=True, slots=True)
class Lapsed:
    """The token in a sink has died there."""

    sink: int


@final
@dataclass(frozen=True, slots=True)
class CredentialsReloaded:
    """An attempt read other credentials than the one before it."""


@final
@dataclass(frozen=True, slots=True)
class Deferred:
    """The budget allows no request for another `wait` seconds."""

    wait: float


@final
@dataclass(frozen=True, slots=True)
class MethodNotOffered:
    """By its metadata the issuer does not offer the client's method, but those of `offered`."""

    issuer: str
    method: str
    offered: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class CertificateEnds:
    """The client certificate in `file` ends soon: in `left` seconds, or it has (0 or less).

    `ends` is in seconds since the epoch.
    """

    file: str
    ends: float
    left: float


SourceNotice = MethodNotOffered | CertificateEnds
"""What an attempt found out about the way tokens are asked for, whether or not it got one."""


@final
@dataclass(frozen=True, slots=True)
class Notified:
    """A consumer has heard of a token. `knew`: it had before; `after`: failures before it."""

    consumer: ConsumerSpec
    life: Life
    knew: bool
    after: int


@final
@dataclass(frozen=True, slots=True)
class NotifyFailed:
    """A consumer could not be told; it is told again `wait` seconds later, unless `given_up`."""

    consumer: ConsumerSpec
    life: Life
    fault: Fault
    failures: int
    wait: float
    given_up: bool


@final
@dataclass(frozen=True, slots=True)
class NotifyDeferred:
    """A consumer is not to be told for another `wait` seconds: it was told of another lately."""

    consumer: ConsumerSpec
    wait: float


@final
@dataclass(frozen=True, slots=True)
class NotifySkipped:
    """A consumer is not told of tokens that live so short; `first`: nor was it of the last one."""

    consumer: ConsumerSpec
    life: Life
    fault: Fault
    first: bool


ConsumerNotice = Notified | NotifyFailed | NotifyDeferred | NotifySkipped
"""What concerns one consumer."""

Notice = (
    Fetched
    | FetchFailed
    | Published
    | SinkTrouble
    | Adopted
    | Drifted
    | Removed
    | Lapsed
    | CredentialsReloaded
    | Deferred
    | SourceNotice
    | ConsumerNotice
)
