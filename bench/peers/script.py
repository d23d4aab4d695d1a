"""The script of faults: the same for everybody, by the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from bench.peers.stand import SAMPLE, Stand

Act = Callable[[Sequence[Stand], float, int], None]


def _nothing(_stands: Sequence[Stand], _life: float, _beat: int) -> None:
    """All is well."""


def _away(stands: Sequence[Stand], _life: float, beat: int) -> None:
    """The server is away for two tenths of each life."""
    for each in stands:
        if beat % 10 == 4:  # noqa: PLR2004 - of ten
            each.server.go_away()
        elif beat % 10 == 6:  # noqa: PLR2004 - of ten
            each.server.come_back()


def _restart(stands: Sequence[Stand], _life: float, beat: int) -> None:
    """Killed and started again, in the middle of lives and of what it does then."""
    if beat % 6 == 5:  # noqa: PLR2004 - of six tenths of a life
        for each in stands:
            each.running.again()


def _rotation(stands: Sequence[Stand], _life: float, beat: int) -> None:
    """The secret is another one, at the server and in the files, every two lives."""
    if beat % 20 == 13:  # noqa: PLR2004 - of twenty tenths of a life
        for each in stands:
            each.rotate()


SCENES: dict[str, Act] = {
    "normal": _nothing,
    "server away for 20 % of each life": _away,
    "killed every 0.6 lives": _restart,
    "credentials rotated every 2 lives": _rotation,
}


def play(scene: str, stands: Sequence[Stand], life: float, lives: float) -> None:
    """Runs it; a tenth of a life is a beat."""
    act, pause = SCENES[scene], threading.Event()
    for beat in range(round(lives * 10)):
        act(stands, life, beat)
        left = life / 10
        while left > 0:
            for each in stands:
                each.running.keep()
            pause.wait(min(SAMPLE, left))
            left -= SAMPLE
