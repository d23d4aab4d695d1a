"""How long to wait after a failure. tenacity computes the growth; the rest is ours."""

from __future__ import annotations

import tenacity

from secret_refresher.errors import Fault, Lane
from secret_refresher.tokens.token import Life

_TRANSIENT = tenacity.wait_exponential(multiplier=1, max=60)
_PERMANENT = tenacity.wait_exponential(multiplier=60, max=900)
_CONSUMER = tenacity.wait_exponential(multiplier=1, max=900)
_NOBODY = tenacity.Retrying()
_LAST_SHARE = 0.1
"""Of a life: the end in which an attempt is made in any case, and the longest pause before it."""


def wait(
    fault: Fault, failures: int, life: Life | None, now: float, draw: float, *, began: float
) -> float:
    """Seconds until the next attempt after the `failures`-th failure in a row (from 1).

    `life` is that of the token which is still in use, if any; `draw` is from [0, 1); the
    failed attempt began at `began` and ended at `now`.

    1. Transient: full jitter, uniform from 0 to 1, 2, 4 … 60 s, or to a tenth of the life where
       that is shorter, and not past half of the remaining life. Permanent: 60, 120 … 900 s and
       up to a tenth more.
    2. Whatever the lane, one attempt falls into the last tenth of the life.
    3. The server's Retry-After is a lower bound to all of it.
    """
    if fault.lane is Lane.TRANSIENT:
        pause = transient(failures, life, now, draw)
    else:
        pause = min(900.0, _growth(_PERMANENT, failures) * (1 + 0.1 * draw))
    if life is not None:
        pause = min(pause, _until_last_chance(life, began, now, draw))
    return max(pause, fault.retry_after or 0.0)


def transient(failures: int, life: Life | None, now: float, draw: float) -> float:
    """Seconds to wait where a failure is likely to pass by itself; also for every sink.

    Pauses of more than a tenth of a life could sleep through all the time in which a server that
    comes and goes was there.
    """
    growth = _growth(_TRANSIENT, failures)
    if life is None or not life.alive(now):
        return draw * growth
    pause = draw * min(growth, _LAST_SHARE * life.length)
    return min(pause, max(life.remaining(now) / 2, _least(life)))


def consumer(failures: int, life: Life, draw: float) -> float:
    """Seconds until a consumer is told again of a token after so many failures in a row.

    From half to all of 1, 2, 4 … 900 s, or of a tenth of the token's life where that is shorter.
    """
    longest = min(_growth(_CONSUMER, failures), _LAST_SHARE * life.length)
    return longest * (1 + draw) / 2


def _growth(strategy: tenacity.wait_exponential, failures: int) -> float:
    state = tenacity.RetryCallState(_NOBODY, None, (), {})
    state.attempt_number = failures
    return float(strategy(state))


def _least(life: Life) -> float:
    """Halving what remains again and again would never end without a smallest pause."""
    return min(0.5, life.length / 20)


def _until_last_chance(life: Life, began: float, now: float, draw: float) -> float:
    """Seconds to the attempt in the last tenth of the life; endless once one was made in it."""
    start = life.expires - _LAST_SHARE * life.length
    if began >= start or not life.alive(now):
        return float("inf")
    first = max(start, now)
    return first - now + draw * (life.expires - first) / 2
