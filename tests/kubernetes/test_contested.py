"""A Secret that somebody else writes to all the time."""

import threading
from typing import Any

from secret_refresher.adapters.kubernetes.api import Answer
from secret_refresher.adapters.kubernetes.drift import Drift
from secret_refresher.adapters.kubernetes.secret_form import Installation
from secret_refresher.adapters.kubernetes.secret_sink import SecretSink
from secret_refresher.config.model import SecretSink as Spec
from support.kubernetes_script import Asked, Script
from support.replica import OffClock

US = Installation("secret-refresher", "default/secret-refresher")


def secret(version: int) -> dict[str, Any]:
    """A Secret of somebody else, in one version after the other."""
    metadata = {"name": "wanted", "uid": "u-1", "resourceVersion": str(version)}
    return {"kind": "Secret", "type": "Opaque", "metadata": metadata}


def test_two_that_repair_each_other_calm_down() -> None:
    """Six times it is answered at once, then every five seconds; after a quiet time as at first."""
    script, clock = Script(), OffClock()
    version = 0

    def answer(_: Asked) -> Answer:
        return Answer(200, secret(version))

    script.answer = answer
    drift = Drift(script.api, clock, threading.Event())
    sink = SecretSink(
        "a", Spec(name="wanted"), namespace="x", us=US, api=script.api, drift=drift, clock=clock
    )

    def answered(seconds: int) -> int:
        """How often it is looked at while it changes every second."""
        nonlocal version
        looks = 0
        for _ in range(seconds):
            clock.ahead += 1
            version += 1
            drift.note(("x", "wanted"), str(version))
            if sink.disturbed():
                looks += 1
                sink.inspect("source")
        return looks

    sink.inspect("source")
    assert answered(6) == 6
    assert 11 <= answered(60) <= 14
    clock.ahead += 600
    assert answered(6) == 6
