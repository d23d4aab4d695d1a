"""A real headless Chromium, driven by Playwright.

Debian's `chromium`; Playwright's own download is not used. Whatever a page asks of anybody but the
one server under test is cut off and noted, and so is whatever it complains of.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator

from playwright.sync_api import Browser, Page, Route, sync_playwright

from support.elsewhere import unavailable

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PATIENCE = 20_000
"""Milliseconds that anything may take on a busy machine."""


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """One Chromium; skips where there is none, and with STRICT=1 fails."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        unavailable("there is no chromium; install Debian's package, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))
        try:
            yield started
        finally:
            started.close()


class Watched:
    """A browser's page, with what it complained of and whom else it asked for anything."""

    def __init__(self, page: Page, port: int) -> None:
        self.page = page
        self.base = f"http://127.0.0.1:{port}/"
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.asked: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.route("**/*", self._request)

    def open(self, query: str = "") -> Page:
        """Goes there."""
        self.page.goto(self.base + query)
        return self.page

    def forgive(self, why: str) -> None:
        """Forgets complaints that a test provoked: they must be there, and say `why`."""
        assert any(why in complaint for complaint in self.complaints)
        self.complaints = [complaint for complaint in self.complaints if why not in complaint]

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def _request(self, route: Route) -> None:
        url = route.request.url
        self.asked.append(url)
        if url.startswith(self.base):
            route.continue_()
        else:
            self.strangers.append(url)
            route.abort()


Look = Callable[..., Watched]
"""Opens a window on a port; keyword arguments as Playwright's contexts take them."""
