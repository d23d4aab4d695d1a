"""A browser and nights to look at."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from support.browser import Look, Watched, browser
from support.scenes import Night, quiet, troubled


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One Chromium for a module, no longer: Playwright has an event loop of its own meanwhile."""
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def trouble() -> Night:
    """A night on which much is wrong; to be looked at only."""
    return troubled()


@pytest.fixture
def passing() -> Night:
    """Another one, which the test may go on with."""
    return troubled()


@pytest.fixture
def calm() -> Night:
    """One on which nothing is."""
    return quiet()


@pytest.fixture
def look(chromium: Browser) -> Iterator[Look]:
    """Opens windows on a port; at the end none of them has complained or asked anybody else."""
    opened: list[Watched] = []

    def at(port: int, *, width: int = 1120, height: int = 900, **options: object) -> Watched:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            timezone_id="UTC",
            locale="en-GB",
            **options,  # type: ignore[arg-type]
        )
        opened.append(Watched(context.new_page(), port))
        return opened[-1]

    yield at
    for seen in opened:
        seen.page.context.close()
        assert seen.strangers == []
        assert seen.complaints == []
