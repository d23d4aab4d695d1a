"""What workers make of what a sink says."""

from dataclasses import replace

from secret_refresher.engine import jobs
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.outlook import sink_work
from secret_refresher.lifecycle.state import Work, start
from secret_refresher.lifecycle.step import step
from secret_refresher.ports import Finding, Held, Wrote
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Life, Token
from support.tokens import token_config

MINE = Token(Secret("mine"), "Bearer", None, Life(100.0, 150.0, 200.0, 1000.0), "v1:x")


class Taken:
    """A sink that holds another replica's token, which it takes for the newer one."""

    kind = "secret"
    target = identity = "a/b"

    def __init__(self, life: Life | None) -> None:
        self.life = life
        self.asked: list[str] = []

    def inspect(self, source: str) -> Finding:
        """The other token."""
        self.asked.append(source)
        return Finding(Held.NOTHING if self.life is None else Held.OURS, self.life)

    def publish(self, token: Token) -> Wrote:
        """It is not overwritten."""
        return Wrote.SUPERSEDED

    def remove(self, *, for_good: bool = True) -> bool:
        """Nothing of ours."""
        return False

    def disturbed(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Nothing to give up."""


def test_a_sink_that_prefers_another_replicas_token_is_believed() -> None:
    """Clocks that disagree by a little must not have us offer ours again and again."""
    theirs = replace(MINE.life, issued=99.9, expires=199.9, issued_at=1000.2)
    event = jobs.tend(Taken(theirs), events.Tend(0, Work.PUBLISH, MINE), "v1:x")
    assert isinstance(event, events.SinkSeen)
    state = replace(start(token_config(), 1, 100), token=MINE, rest=110.0)
    state, actions = step(state, event, 101, lambda: 0.5)
    assert not [action for action in actions if isinstance(action, events.Tend)]
    assert sink_work(state, state.sinks[0], 101) is None


def test_a_preferred_token_is_known_by_the_source_that_ours_is_of() -> None:
    """Where another source is wanted by now, and cannot be asked, both replicas have old ones."""
    sink = Taken(MINE.life)
    event = jobs.tend(sink, events.Tend(0, Work.PUBLISH, MINE), "v1:wanted since")
    assert event == events.SinkSeen(0, MINE.life)
    assert sink.asked == [MINE.source]


def test_a_preferred_token_that_is_gone_again_is_looked_at_as_gone() -> None:
    """Between the refusal and the look others may have removed it."""
    event = jobs.tend(Taken(None), events.Tend(0, Work.PUBLISH, MINE), "v1:x")
    assert event == events.SinkSeen(0, None)
