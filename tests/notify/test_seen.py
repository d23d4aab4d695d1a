"""What observers show of consumers that were told, or not."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from secret_refresher.adapters.kubernetes.api import Answer
from secret_refresher.adapters.kubernetes.kube_events import KubernetesEvents
from secret_refresher.adapters.metrics import Metrics
from secret_refresher.config.consumers import (
    ConsumerSpec,
    HttpConsumer,
    RolloutConsumer,
    SignalConsumer,
    WorkloadKind,
)
from secret_refresher.config.model import Config
from secret_refresher.errors import Fault, Reason
from secret_refresher.lifecycle import events
from secret_refresher.ports import Subject
from secret_refresher.tokens.token import Life
from support.kubernetes_script import Script
from support.replica import OffClock, eventually
from support.world import World

APP = HttpConsumer(url="http://app/reload")
PROCESS = SignalConsumer(process="app")
LIFE = Life(0.0, 70.0, 100.0, 1_800_000_000.0)
ILL = Fault(Reason.SERVER_ERROR, "the application failed", "look at its log")
SUBJECT = Subject("a", (("secret", "x/y"), ("file", "/f")))


def failed(failures: int, *, given_up: bool = False, of: ConsumerSpec = APP) -> events.NotifyFailed:
    """A consumer was not told."""
    return events.NotifyFailed(of, LIFE, ILL, failures, 1.0, given_up=given_up)


def told(of: ConsumerSpec = APP, *, knew: bool = False) -> events.Notified:
    """A consumer was told."""
    return events.Notified(of, LIFE, knew, 0)


def workload(namespace: str | None = "x", kind: str = "Deployment") -> RolloutConsumer:
    """Something to restart."""
    return RolloutConsumer(kind=WorkloadKind(kind), name="app", namespace=namespace)


def test_metrics_count_by_kind_and_result() -> None:
    """Each attempt is one, and one that was the last is given up besides; waiting is none."""
    world = World()
    metrics = Metrics(world)
    metrics.watch(world.start(Config(tokens=())))
    facts: list[events.Notice] = [
        told(),
        told(),
        told(PROCESS),
        failed(1),
        failed(20, given_up=True),
        told(workload(), knew=True),
        events.NotifyDeferred(workload(), 60.0),
        events.NotifySkipped(workload(), LIFE, ILL, first=True),
    ]
    for fact in facts:
        metrics.notice(SUBJECT, fact)
    _, body = metrics.exposition("text/plain")
    lines = [line for line in body.decode().splitlines() if "notifications_total{" in line]
    name = "secret_refresher_notifications_total"
    assert sorted(lines) == [
        f'{name}{{kind="http",result="failure"}} 2',
        f'{name}{{kind="http",result="given_up"}} 1',
        f'{name}{{kind="http",result="success"}} 2',
        f'{name}{{kind="rollout",result="skipped"}} 1',
        f'{name}{{kind="rollout",result="unchanged"}} 1',
        f'{name}{{kind="signal",result="success"}} 1',
    ]


class Scene:
    """A sender of Events before a script."""

    def __init__(self) -> None:
        self.script = Script()
        self.script.answer = lambda _: Answer(200, {"metadata": {"uid": "u-1"}})
        self.stop = threading.Event()
        self.events = KubernetesEvents(self.script.api, OffClock(), self.stop)

    def sent(self) -> list[Any]:
        """The Events that were sent."""
        return [asked.body for asked in self.script.asked if asked.method == "POST"]


@pytest.fixture
def scene() -> Iterator[Scene]:
    """It ends with the test."""
    scene = Scene()
    yield scene
    scene.stop.set()


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (failed(1), "Cannot tell http://app/reload of token a: the application failed; look at"),
        (failed(20, given_up=True), "Gave up telling http://app/reload of token a: the appl"),
        (failed(1, of=PROCESS), "Cannot tell app (SIGHUP) of token a: "),
    ],
)
def test_a_failure_is_an_event_on_the_secret(
    scene: Scene, fact: events.NotifyFailed, text: str
) -> None:
    """The first one in a row, and the last; with its remedy."""
    scene.events.notice(SUBJECT, failed(2))
    scene.events.notice(SUBJECT, fact)
    eventually(scene.sent)
    (event,) = scene.sent()
    assert (event["reason"], event["type"]) == ("NotifyFailed", "Warning")
    assert event["involvedObject"]["kind"] == "Secret"
    assert event["message"].startswith(text)


@pytest.mark.parametrize(("namespace", "there"), [("x", "x"), (None, "home")])
@pytest.mark.parametrize("kind", list(WorkloadKind))
def test_a_restart_is_an_event_on_the_workload(
    scene: Scene, kind: str, namespace: str | None, there: str
) -> None:
    """Whoever wonders why pods were replaced finds it where they look; what knew has none."""
    scene.events.notice(SUBJECT, told(workload(namespace, kind), knew=True))
    scene.events.notice(SUBJECT, told())
    scene.events.notice(SUBJECT, told(workload(namespace, kind)))
    eventually(scene.sent)
    (event,) = scene.sent()
    assert (event["reason"], event["type"]) == ("Restarted", "Normal")
    assert "token, a" in event["message"]
    assert event["involvedObject"] == {
        "apiVersion": "apps/v1",
        "kind": str(kind),
        "namespace": there,
        "name": "app",
        "uid": "u-1",
    }
    asked = scene.script.asked[0]
    assert asked.path == f"/apis/apps/v1/namespaces/{there}/{kind.lower()}s/app"
