from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from secret_refresher.adapters.token_endpoint.alarms import Alarms

PATIENCE = 20.0


def test_each_goes_off_in_its_turn() -> None:
    """Whoever is due first is called first, whenever it was started."""
    alarms, called, done = Alarms(), [], threading.Event()
    for seconds in (0.6, 0.2, 0.4):
        alarms(seconds, lambda seconds=seconds: called.append(seconds)).start()  # type: ignore[misc]
    alarms(0.8, done.set).start()
    assert done.wait(PATIENCE)
    assert called == [0.2, 0.4, 0.6]


def test_a_cancelled_one_is_silent() -> None:
    """An alarm that was cancelled calls nothing; the others go on."""
    alarms, called, done = Alarms(), [], threading.Event()
    silent = alarms(0.1, lambda: called.append(1))
    silent.start()
    alarms(0.4, done.set).start()
    silent.cancel()
    silent.cancel()
    assert done.wait(PATIENCE)
    assert not called


def test_one_that_fails_stops_no_other() -> None:
    """A call that raises is over, and the thread goes on."""
    alarms, done = Alarms(), threading.Event()

    def fails() -> None:
        raise OSError

    alarms(0.0, fails).start()
    alarms(0.1, done.set).start()
    assert done.wait(PATIENCE)


def test_one_may_start_another() -> None:
    """A call may set the next alarm itself, also as the last one there is."""
    alarms, done = Alarms(), threading.Event()
    alarms(0.0, lambda: alarms(0.0, done.set).start()).start()
    assert done.wait(PATIENCE)


@pytest.mark.parametrize("together", [1, 40])
def test_thousands_share_a_thread(together: int) -> None:
    """However many there are, and however often there is none for a moment, each goes off."""
    alarms, lock, called = Alarms(), threading.Lock(), [0, 0]

    def call(which: int) -> None:
        with lock:
            called[which] += 1

    def start(number: int) -> None:
        gone = alarms(60.0, lambda: call(0))
        gone.start()
        alarms(0.001 * (number % 7), lambda: call(1)).start()
        gone.cancel()

    before = threading.active_count()
    with ThreadPoolExecutor(together) as pool:
        list(pool.map(start, range(2000)))
    end = time.monotonic() + PATIENCE
    while called[1] < 2000 and time.monotonic() < end:
        time.sleep(0.01)
    assert called == [0, 2000]
    assert threading.active_count() <= before
