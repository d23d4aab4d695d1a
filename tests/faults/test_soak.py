"""The judgement of a soak; the soak itself takes a quarter of an hour."""

import xml.etree.ElementTree as ET

import pytest

from tools.soak.__main__ import judge
from tools.soak.picture import Sample, draw


def samples(memory: float = 0.0, descriptors: float = 0.0) -> list[Sample]:
    """A run in which each look finds so much more."""
    return [
        Sample(5.0 * n, 1000 * n, 50 + n * memory, int(200 + n * descriptors), 20)
        for n in range(1, 41)
    ]


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (samples(), 0),
        (samples(memory=0.05), 0),
        (samples(memory=0.2), 1),
        (samples(descriptors=1), 1),
    ],
    ids=["flat", "settling", "memory", "descriptors"],
)
def test_growth_is_told(seen: list[Sample], status: int) -> None:
    """What grows all the time is a leak, what settles is none."""
    assert judge(seen) == status


def test_the_picture_shows_every_look() -> None:
    """Three curves with a point for each, as well-formed SVG."""
    root = ET.fromstring(draw(samples()))  # noqa: S314 - our own
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [40, 40, 40]
