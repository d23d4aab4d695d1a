"""The machine's wall clock is set while a token lives: what stands in the Secret stays right."""

from types import SimpleNamespace

import pytest

from secret_refresher.adapters.kubernetes.api import Api
from secret_refresher.adapters.kubernetes.drift import Drift
from secret_refresher.adapters.kubernetes.secret_form import Installation
from secret_refresher.adapters.kubernetes.secret_sink import SecretSink
from secret_refresher.config import model
from secret_refresher.ports import Clock, Held
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Life, Token
from support.file_place import HandClock
from support.simulation.cluster import MANAGER, Way, Workloads
from support.simulation.lease_store import LeaseStore
from support.simulation.secret_store import SecretStore

PLACE = ("apps", "token")


class Server:
    """A simulated API server whose clock is right, and answers at once."""

    def __init__(self) -> None:
        self.store = SecretStore(lambda *_: None)
        self.leases = LeaseStore()
        self.workloads = Workloads(lambda _: None)
        self.true = HandClock()

    def trouble_of_api(self, verb: str, path: str) -> tuple[str, float]:
        """None."""
        return "", 0.0

    def latency(self) -> float:
        """None either."""
        return 0.0

    def date(self) -> float:
        """The true time."""
        return self.true.wall()

    def after(self, seconds: float, job: object) -> None:
        """At once."""
        job()  # type: ignore[operator]

    def sink(self, clock: Clock) -> SecretSink:
        """One more replica's."""
        api = Api(Way(self, lambda _: None).access, clock)
        return SecretSink(
            "t",
            model.SecretSink(name="token", namespace="apps"),
            namespace="apps",
            us=Installation(MANAGER, "apps/us"),
            api=api,
            drift=Drift(api, clock, SimpleNamespace()),  # type: ignore[arg-type]
            clock=clock,
        )


@pytest.mark.parametrize("step", [-3600.0, -5.0, 5.0, 3600.0])
def test_a_token_that_is_written_again_keeps_its_age(step: float) -> None:
    """Another replica and a restart find a repaired token as old as it is, and leave it."""
    server, clock = Server(), HandClock()
    sink = server.sink(clock)
    assert sink.inspect("s").held is Held.NOTHING
    life = Life(clock.now(), clock.now() + 60, clock.now() + 100, round(clock.wall(), 3))
    token = Token(Secret("t-1"), "Bearer", None, life, "s")
    sink.publish(token)
    for one in (server.true, clock):
        one.pass_by(20)
    clock.epoch += step
    server.store.merge(PLACE, {"data": {"token": "ZWRpdGVk"}}, "kubectl-edit")
    assert sink.inspect("s").held is Held.FOREIGN
    sink.publish(token)
    found = server.sink(server.true).inspect("s")
    assert found.held is Held.OURS
    assert found.life is not None
    assert found.life.issued == pytest.approx(server.true.now() - 20, abs=2)
    assert sink.inspect("s").life == life


def test_that_the_clock_was_set_is_known_before_the_server_is_asked() -> None:
    """A token is written right even where the first request after the step writes it."""
    server, clock = Server(), HandClock()
    sink = server.sink(clock)
    sink.inspect("s")
    life = Life(clock.now(), clock.now() + 60, clock.now() + 100, round(clock.wall(), 3))
    clock.epoch += 3600
    sink.publish(Token(Secret("t-1"), "Bearer", None, life, "s"))
    found = server.sink(server.true).inspect("s")
    assert found.life is not None
    assert found.life.issued == pytest.approx(server.true.now(), abs=2)
