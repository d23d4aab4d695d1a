"""What Events are made of, against an API server by script."""

import threading
from collections.abc import Iterator
from typing import Any, final

import pytest

from secret_refresher.adapters.kubernetes.api import Answer
from secret_refresher.adapters.kubernetes.kube_events import KubernetesEvents
from secret_refresher.errors import Fault, Reason, Trouble
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.state import Work
from secret_refresher.ports import Subject
from support.kubernetes_script import AWAY, Asked, Script
from support.replica import OffClock, eventually


@final
class Scene:
    """A sender before a script."""

    def __init__(self) -> None:
        self.script = Script()
        self.script.answer = lambda _: Answer(200, {"metadata": {"uid": "u-1"}})
        self.stop = threading.Event()
        self.events = KubernetesEvents(self.script.api, OffClock(), self.stop)

    def sent(self) -> list[Any]:
        """The Events that were sent."""
        return [asked.body for asked in self.script.asked if asked.method == "POST"]

    def fail(self, target: str, text: str = "wrong", work: Work = Work.PUBLISH) -> None:
        """A sink's first failure."""
        fault = Fault(Reason.KUBERNETES, text, "do something")
        subject = Subject("a", (("secret", target),))
        self.events.notice(subject, events.SinkTrouble(1, 0, work, fault, 1, 1.0, 0.0))


@pytest.fixture
def scene() -> Iterator[Scene]:
    """It ends with the test."""
    scene = Scene()
    yield scene
    scene.stop.set()


def test_no_thread_without_an_event(scene: Scene) -> None:
    """Who has nothing to say, or only files to say it of, has no sender."""
    before = threading.active_count()
    scene.events.notice(Subject("a", (("file", "/a/b"),)), events.Lapsed(0))
    scene.events.notice(Subject("a", (("secret", "x/y"),)), events.Drifted(0))
    assert threading.active_count() == before


@pytest.mark.parametrize(("target", "namespace", "name"), [("x/y", "x", "y"), ("y", "home", "y")])
def test_the_object_that_is_meant(scene: Scene, target: str, namespace: str, name: str) -> None:
    """By namespace, name and uid; a target without a namespace is in the pod's own."""
    scene.fail(target)
    eventually(scene.sent)
    [body] = scene.sent()
    assert body["metadata"]["namespace"] == namespace
    assert body["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Secret",
        "namespace": namespace,
        "name": name,
        "uid": "u-1",
    }
    assert scene.script.asked[-1].path == f"/api/v1/namespaces/{namespace}/events"


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (Work.INSPECT, "Cannot inspect token a: "),
        (Work.PUBLISH, "Cannot publish token a: "),
        (Work.CLEAR, "Cannot clear token a: "),
        (Work.REMOVE, "Cannot remove token a: "),
    ],
)
def test_what_could_not_be_done(scene: Scene, work: Work, said: str) -> None:
    """In plain words."""
    scene.fail("x/y", work=work)
    eventually(scene.sent)
    assert scene.sent()[0]["message"].startswith(said)


@pytest.mark.parametrize(("left", "said"), [(60.0, "expires at 2023"), (0.0, "expired at 2023")])
def test_a_certificate_that_ends(scene: Scene, left: float, said: str) -> None:
    """Which file, of which token, and by what date."""
    subject = Subject("a", (("secret", "x/y"),))
    scene.events.notice(subject, events.CertificateEnds("/tls.crt", 1.7e9, left))
    eventually(scene.sent)
    (event,) = scene.sent()
    assert (event["reason"], event["type"]) == ("CertificateEnds", "Warning")
    assert f"The client certificate of token a, /tls.crt, {said}" in event["message"]


def test_long_texts_and_names_fit(scene: Scene) -> None:
    """The API server refuses names over 253 and notes over 1,024 characters."""
    scene.fail("x/" + "n" * 253, "w" * 5000)
    eventually(scene.sent)
    [body] = scene.sent()
    assert len(body["message"]) <= 1024
    assert len(body["metadata"]["generateName"]) <= 253 - 5


def test_one_that_cannot_be_sent_holds_up_no_other(scene: Scene) -> None:
    """Away or refused, it is dropped."""
    answers: list[Answer | Trouble] = [Trouble(AWAY), Answer(403, {}), Answer(403, {})]

    def answer(_: Asked) -> Answer:
        following = answers.pop(0) if answers else Answer(201, {})
        if isinstance(following, Trouble):
            raise following
        return following

    scene.script.answer = answer
    for number in range(3):
        scene.fail(f"x/s{number}")
    eventually(lambda: len(scene.sent()) == 2)
    assert [body["involvedObject"]["name"] for body in scene.sent()] == ["s1", "s2"]
    assert "uid" not in scene.sent()[0]["involvedObject"]
