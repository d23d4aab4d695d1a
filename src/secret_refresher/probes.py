"""What the kubelet may ask, answered from the engine's records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

from secret_refresher.config.model import State
from secret_refresher.lifecycle.state import TokenState, healthy, shown_state
from secret_refresher.ports import Clock, View
from secret_refresher.server import PLAIN, Answer, Asked, Route

HEARTBEAT = 60.0
"""Seconds without a turn of the loop, after which the process is no longer alive."""
_NAMED = 20


def probes(view: View, clock: Clock, reached: Callable[[], bool]) -> Mapping[str, Route]:
    """The routes `/livez`, `/readyz`, `/startupz` and `/freshz`.

    To be served once a configuration has been taken; without a token there is nothing to wait
    for. `reached`: whether the API server has answered once, where one is needed.
    """

    def alive(_asked: Asked) -> Answer:
        age = clock.now() - view.heartbeat()
        return _answer([] if age < HEARTBEAT else [f"the loop has not turned for {age:.0f} s"])

    def ready(_asked: Asked) -> Answer:
        return _answer([] if reached() else ["the API server has not been reached yet"])

    def started(_asked: Asked) -> Answer:
        return _lacking(lambda state: state.once)

    def fresh(_asked: Asked) -> Answer:
        now = clock.now()
        return _lacking(lambda state: healthy(state, now))

    def _lacking(has: Callable[[TokenState], bool]) -> Answer:
        now = clock.now()
        return _answer(
            [
                f"{about.name}: {shown_state(state, now)}"
                for about, state in view.tokens()
                if state.config.state is State.PRESENT and not has(state)
            ]
        )

    return {"/livez": alive, "/readyz": ready, "/startupz": started, "/freshz": fresh}


def _answer(complaints: list[str]) -> Answer:
    if not complaints:
        return Answer(HTTPStatus.OK, PLAIN, b"ok\n")
    lines = complaints[:_NAMED]
    if len(complaints) > _NAMED:
        lines.append(f"and {len(complaints) - _NAMED} more")
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, ("\n".join(lines) + "\n").encode())
