"""The sinks of a simulated world keep what every sink keeps."""

import pytest

from secret_refresher.tokens.rendering import Render
from support.sink_contract import RAW, Place, SinkContract
from support.world import Box, BoxSink, World


class BoxPlace(Place):
    """A box in a world."""

    def __init__(self) -> None:
        self.clock = self.world = World()

    @property
    def box(self) -> Box:
        """The box; it is there from the beginning."""
        return self.world.boxes.setdefault("box", Box())

    def sink(self, render: Render = RAW) -> BoxSink:
        """A sink over it."""
        return BoxSink(self.world, "box", render)

    def content(self) -> bytes | None:
        """Its text."""
        return None if self.box.text is None else self.box.text.encode()

    def version(self) -> object:
        """Memory has no history: what it holds."""
        return (self.box.text, self.box.written, self.box.life, self.box.source)

    def edit(self, content: bytes) -> None:
        """Another text, under the old record."""
        self.box.text = content.decode()

    def erase(self) -> None:
        """No text."""
        self.box.text = None

    def spoil_record(self) -> None:
        """No record."""
        self.box.life = None


class TestBoxes(SinkContract):
    """A box in a world of its own."""

    @pytest.fixture
    def place(self) -> BoxPlace:
        """An empty box."""
        return BoxPlace()
