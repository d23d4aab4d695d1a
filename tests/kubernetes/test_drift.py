"""Which Secrets are followed, how, and by how many threads."""

import threading
from collections.abc import Iterator
from typing import final

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.kubernetes.api import Answer
from secret_refresher.adapters.kubernetes.drift import GONE, Drift
from secret_refresher.ports import WatchFailed
from support.kubernetes_script import Asked, Script, event
from support.replica import eventually

PLACE = "here", "a"
OTHER = "there", "a"


@final
class Scene:
    """A drift before a script."""

    def __init__(self) -> None:
        self.script = Script()
        self.stop = threading.Event()
        self.failed: list[WatchFailed] = []
        self.drift = Drift(self.script.api, SystemClock(), self.stop, lap=1.0)

    def begin(self, *, by_name: bool = True, by_namespace: bool = False) -> None:
        """Begins to look."""
        self.drift.use(by_name=by_name, by_namespace=by_namespace)
        self.drift.start(self.failed.append)


@pytest.fixture
def scene() -> Iterator[Scene]:
    """It ends with the test, threads and all."""
    before = threads()
    scene = Scene()
    yield scene
    scene.stop.set()
    scene.drift.stop()
    eventually(lambda: threads() == before)


def threads() -> int:
    """Watches at present."""
    return sum(thread.name == "reflector" for thread in threading.enumerate())


def test_nothing_is_asked_before_the_start(scene: Scene) -> None:
    """What is to be followed only waits; `run --once` never begins."""
    scene.drift.use(by_name=True, by_namespace=False)
    scene.drift.follow(PLACE, wide=False)
    assert threads() == 0
    assert scene.drift.latest(PLACE) is None
    scene.drift.start(scene.failed.append)
    eventually(lambda: scene.script.watched)
    assert scene.script.watched[0]["fieldSelector"] == "metadata.name=a"


def test_one_watch_for_all_namespaces(scene: Scene) -> None:
    """Secrets of a selector share one; so do those of a namespace with drift: namespace."""
    scene.begin()
    for number in range(20):
        scene.drift.follow((f"n{number}", "a"), wide=True)
    eventually(lambda: scene.script.watched)
    assert threads() == 1
    assert scene.script.asked[0].path == "/api/v1/secrets"
    scene.drift.use(by_name=False, by_namespace=True)
    eventually(lambda: len(scene.script.watched) == 2)
    assert scene.script.watched[1]["labelSelector"] == "secret-refresher.io/managed=true"
    eventually(lambda: threads() == 1)


def test_what_a_watch_tells(scene: Scene) -> None:
    """Versions as they come; GONE for what a list or a watch says is gone; others are ignored."""
    scene.script.watches = [
        [event("ADDED", "a", "12"), event("ADDED", "b", "13"), event("MODIFIED", "a", "14")]
    ]
    scene.begin()
    scene.drift.follow(PLACE, wide=False)
    eventually(lambda: scene.drift.latest(PLACE) == "14")
    assert scene.drift.latest(("here", "b")) is None


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_deletion_by_watch(scene: Scene, name: str) -> None:
    """It is told of the Secret that is gone, and of no other."""
    scene.script.watches = [
        [event("ADDED", "a", "12"), event("DELETED", name, "13"), event("BOOKMARK", "", "14")]
    ]
    scene.begin()
    scene.drift.follow(PLACE, wide=False)
    eventually(lambda: len(scene.script.watched) == 2)
    assert scene.drift.latest(PLACE) == (GONE if name == "a" else "12")


def test_a_deletion_by_list(scene: Scene) -> None:
    """What a list does not have is gone."""
    scene.begin()
    scene.drift.follow(PLACE, wide=False)
    eventually(lambda: scene.drift.latest(PLACE) == GONE)


def test_an_old_sink_lets_go_after_a_new_one_began(scene: Scene) -> None:
    """The Secret is followed as long as any sink follows it."""
    scene.begin()
    scene.drift.follow(PLACE, wide=False)
    scene.drift.follow(PLACE, wide=False)
    eventually(lambda: scene.drift.latest(PLACE) == GONE)
    scene.drift.unfollow(PLACE, wide=False)
    assert threads() == 1
    scene.drift.note(PLACE, "7")
    assert scene.drift.latest(PLACE) == "7"
    scene.drift.unfollow(PLACE, wide=False)
    assert scene.drift.latest(PLACE) is None
    eventually(lambda: threads() == 0)
    scene.drift.note(PLACE, "8")
    assert scene.drift.latest(PLACE) is None


def test_what_others_did_meanwhile_stands(scene: Scene) -> None:
    """A sink's own write, whose answer is read late, hides nobody's write after it."""
    drift = scene.drift
    drift.follow(PLACE, wide=False)
    drift.seen(PLACE, "1", None)
    before = drift.latest(PLACE)
    drift.note(PLACE, "3")  # by the watch, before the answer to our write of 2 is read
    drift.seen(PLACE, "2", before)
    assert drift.latest(PLACE) == "3"
    drift.seen(PLACE, "4", "3")
    assert drift.latest(PLACE) == "4"


def test_from_a_selector_to_a_name(scene: Scene) -> None:
    """A Secret that was one of many and is now named itself is watched by itself."""
    scene.begin()
    scene.drift.follow(PLACE, wide=True)
    scene.drift.follow(PLACE, wide=False)
    eventually(lambda: threads() == 2)
    scene.drift.unfollow(PLACE, wide=True)
    eventually(lambda: threads() == 1)
    eventually(lambda: scene.drift.latest(PLACE) == GONE)


def test_read_in_turn(scene: Scene) -> None:
    """Without watches each is read, in turn and not more than five a second."""

    def answer(asked: Asked) -> Answer:
        if "there" in asked.path:
            return Answer(404, {})
        return Answer(200, {"kind": "Secret", "metadata": {"resourceVersion": "7"}})

    scene.script.answer = answer
    scene.begin(by_name=False)
    scene.drift.follow(PLACE, wide=False)
    scene.drift.follow(OTHER, wide=False)
    eventually(lambda: scene.drift.latest(OTHER) == GONE, 60)
    assert scene.drift.latest(PLACE) == "7"
    assert threads() == 0
    assert len(scene.script.asked) <= 4


def test_without_the_right_it_is_read_in_turn(scene: Scene) -> None:
    """A watch that is forbidden leaves nobody unattended."""

    def answer(asked: Asked) -> Answer:
        if asked.query:
            return Answer(403, {})
        return Answer(200, {"kind": "Secret", "metadata": {"resourceVersion": "7"}})

    scene.script.answer = answer
    scene.begin()
    scene.drift.follow(PLACE, wide=False)
    eventually(lambda: scene.drift.latest(PLACE) == "7", 60)
    assert scene.failed


def test_many_threads_at_once(scene: Scene) -> None:
    """Sinks come and go on many threads; at the end nothing is left, and nothing broke."""
    scene.begin()
    broken: list[BaseException] = []

    def work(number: int) -> None:
        place = f"n{number % 3}", "a"
        try:
            for turn in range(100):
                wide = (number + turn) % 2 == 0
                scene.drift.follow(place, wide=wide)
                scene.drift.note(place, str(turn))
                scene.drift.latest(place)
                if turn % 10 == 0:
                    scene.drift.use(by_name=turn % 20 == 0, by_namespace=False)
                scene.drift.unfollow(place, wide=wide)
        except BaseException as defect:
            broken.append(defect)
            raise

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not broken
    assert not scene.failed
    for number in range(3):
        assert scene.drift.latest((f"n{number}", "a")) is None
    eventually(lambda: threads() == 0)
