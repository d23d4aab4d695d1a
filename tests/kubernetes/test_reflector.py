"""List, then watch, then watch on: against an API server by script."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, final

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.kubernetes import faults
from secret_refresher.adapters.kubernetes.api import METADATA_LIST, Answer
from secret_refresher.adapters.kubernetes.reflector import (
    MOST_PAGES,
    Listed,
    Listing,
    Reflector,
)
from secret_refresher.errors import Reason, Trouble
from secret_refresher.ports import WatchFailed
from support.kubernetes_script import AWAY, Script, error, event, listing
from support.replica import eventually


@final
class Ears:
    """Hears all that a reflector tells."""

    def __init__(self) -> None:
        self.lists: list[list[str]] = []
        self.told: list[str] = []
        self.failed: list[WatchFailed] = []

    def listed(self, metadata: Listing) -> None:
        """All that there is."""
        self.lists.append([str(item["name"]) for item in metadata])

    def changed(self, metadata: Mapping[str, Any]) -> None:
        """Added or modified."""
        self.told.append(f"+{metadata['name']}")

    def gone(self, metadata: Mapping[str, Any]) -> None:
        """Deleted."""
        self.told.append(f"-{metadata['name']}")

    def refused(self, failed: WatchFailed) -> None:
        """It failed."""
        self.failed.append(failed)


@final
class Scene:
    """A reflector before a script."""

    def __init__(self) -> None:
        self.script = Script()
        self.ears = Ears()
        query = (("labelSelector", "a=b"),)
        self.reflector = Reflector(
            self.script.api, SystemClock(), "/api/v1/things", query, self.ears
        )

    def run(self, watches: int) -> None:
        """Until it has begun so many watches."""
        self.reflector.start()
        eventually(lambda: len(self.script.watched) >= watches)

    def lists(self) -> int:
        """How often it has listed."""
        return len(self.script.asked)


@pytest.fixture
def scene() -> Iterator[Scene]:
    """It ends with the test."""
    scene = Scene()
    yield scene
    scene.reflector.stop()


def test_list_then_watch(scene: Scene) -> None:
    """From the list's version on, bookmarks allowed, an end asked for, metadata alone."""
    scene.script.answer = lambda _: listing("a", "b", version="10")
    scene.script.watches = [[event("ADDED", "c", "12"), event("DELETED", "a", "13")]]
    scene.run(2)
    assert scene.ears.lists == [["a", "b"]]
    assert scene.ears.told == ["+c", "-a"]
    assert scene.lists() == 1
    assert scene.script.asked[0].accept == METADATA_LIST
    assert scene.script.asked[0].query == {"labelSelector": "a=b", "limit": "500"}
    first, second = scene.script.watched
    assert first["resourceVersion"] == "10"
    assert first["labelSelector"] == "a=b"
    assert first["watch"] == "1"
    assert first["allowWatchBookmarks"] == "true"
    assert 300 <= int(first["timeoutSeconds"]) <= 600
    # The next one goes on where that one was.
    assert second["resourceVersion"] == "13"


def test_bookmarks(scene: Scene) -> None:
    """A bookmark moves the version on, and is told to nobody."""
    scene.script.watches = [[event("BOOKMARK", "", "99")]]
    scene.run(2)
    assert scene.ears.told == []
    assert scene.script.watched[1]["resourceVersion"] == "99"


@pytest.mark.parametrize(
    "end",
    [
        error(410),
        Trouble(faults.refused(410, {}, None, "watch")),
        Trouble(faults.refused(401, {}, None, "watch")),
        error(500),
        {"type": "NONSENSE", "object": {}},
        {"type": "ERROR", "object": [{"code": "x"}]},
        {},
    ],
)
def test_what_only_a_list_can_heal(scene: Scene, end: Mapping[str, Any] | Trouble) -> None:
    """After 410, however it comes, after 401 and after nonsense, everything is listed anew."""
    scene.script.watches = [[end]]
    scene.run(2)
    assert len(scene.ears.lists) == 2


def test_what_needs_no_list(scene: Scene) -> None:
    """After a broken connection the watch goes on where it was."""
    scene.script.watches = [[event("ADDED", "a", "12"), Trouble(AWAY)]]
    scene.run(2)
    assert len(scene.ears.lists) == 1
    assert scene.script.watched[1]["resourceVersion"] == "12"
    assert [failed.fault for failed in scene.ears.failed] == [AWAY]
    assert 0 <= scene.ears.failed[0].wait <= 1


def test_pages(scene: Scene) -> None:
    """A list of several pages is told once, with the version of the last."""
    pages = {"": listing("a", version="5", more="t"), "t": listing("b", version="5")}
    scene.script.answer = lambda asked: pages[asked.query.get("continue", "")]
    scene.run(1)
    assert scene.ears.lists == [["a", "b"]]
    assert scene.script.watched[0]["resourceVersion"] == "5"


def test_a_list_without_an_end(scene: Scene) -> None:
    """A list that always has another page is given up, and not told."""
    scene.script.answer = lambda _: listing("a", more="for ever")
    with pytest.raises(Trouble, match="which has no end"):
        scene.reflector.list_now()
    assert scene.lists() == MOST_PAGES
    assert scene.ears.lists == []


@pytest.mark.parametrize("odd", [None, 5, "x", {"metadata": "x"}, {"metadata": None}])
def test_odd_objects_are_nameless(scene: Scene, odd: object) -> None:
    """What is no object, or has no metadata, is followed as one that nobody looks for."""
    scene.script.answer = lambda _: Answer(200, {"kind": "List", "items": [odd], "metadata": "x"})
    scene.script.watches = [[{"type": "ADDED", "object": odd}]]
    listed = Listed()
    reflector = Reflector(scene.script.api, SystemClock(), "/api/v1/things", (), listed)
    reflector.list_now()
    reflector.watch_now()
    assert listed.metadata == [{}]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(200, {}), Reason.KUBERNETES),
        (Answer(200, {"kind": "Secret"}), Reason.KUBERNETES),
        (Answer(503, {}), Reason.SERVER_ERROR),
        (Answer(403, {}), Reason.PERMISSION),
        (Answer(429, {}, 0.2), Reason.RATE_LIMITED),
    ],
)
def test_no_list(scene: Scene, answer: Answer, reason: Reason) -> None:
    """What is no list is told as trouble, never as an empty list; then it is tried again."""
    answers = [answer]
    scene.script.answer = lambda _: answers.pop() if answers else listing("a")
    scene.run(1)
    assert scene.ears.lists == [["a"]]
    [failed] = scene.ears.failed
    assert failed.fault.reason is reason
    assert failed.wait >= (answer.retry_after or 0)


def test_without_rights(scene: Scene) -> None:
    """Soon at first, for an API server that starts forbids too; then every five minutes."""
    scene.script.answer = lambda _: Answer(403, {})
    scene.reflector.start()
    eventually(lambda: len(scene.ears.failed) == 5, 60)
    assert max(failed.wait for failed in scene.ears.failed[:4]) <= 8
    assert 270 <= scene.ears.failed[4].wait <= 330


def test_retry_after(scene: Scene) -> None:
    """What the API server asks for is a lower bound."""
    scene.script.answer = lambda _: Answer(429, {}, 77.0)
    scene.reflector.start()
    eventually(lambda: scene.ears.failed)
    assert scene.ears.failed[0].wait == 77.0


def test_watches_that_end_at_once(scene: Scene) -> None:
    """A way that ends every watch at once does not become a loop."""
    scene.script.watches = [[] for _ in range(1000)]
    scene.reflector.start()
    time.sleep(3)
    assert 1 < len(scene.script.watched) < 100


def test_a_defect_does_not_end_it(scene: Scene) -> None:
    """The thread is the only one that watches: it goes on, and tells where the defect was."""

    def broken(_: object) -> Answer:
        scene.script.answer = lambda _: listing("a")
        raise KeyError("x")

    scene.script.answer = broken
    scene.run(1)
    assert scene.ears.lists == [["a"]]
    [failed] = scene.ears.failed
    assert failed.fault.reason is Reason.INTERNAL


def test_stopped_while_it_pauses(scene: Scene) -> None:
    """Nothing is told after the stop, and nothing asked."""
    scene.script.answer = lambda _: Answer(429, {}, 600.0)
    scene.reflector.start()
    eventually(lambda: scene.ears.failed)
    scene.reflector.stop()
    time.sleep(0.2)
    assert scene.lists() == 1
