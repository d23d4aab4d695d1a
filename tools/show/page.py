"""Takes the pictures of the status page that the documentation shows.

.venv/bin/python tools/show/page.py [FOLDER]

A simulated night on the real engine and server, in a real Chromium: light, dark, on a phone, and
when nothing is wrong. FOLDER is docs/pictures unless given.
"""
# ruff: noqa: E402 - as a script it has to find the tests' folder first

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from playwright.sync_api import Browser

from support.browser import Watched, browser
from support.scenes import Night, quiet, troubled

WIDE, SCREEN, PHONE = (1060, 900), (1060, 640), (360, 760)
Scheme = Literal["light", "dark"]


def picture(
    chromium: Browser, night: Night, file: Path, scheme: Scheme, size: tuple[int, int]
) -> None:
    """One picture, at the night's own hour."""
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        timezone_id="UTC",
        locale="en-GB",
    )
    seen = Watched(context.new_page(), night.port)
    seen.open().screenshot(path=file, full_page=size == WIDE)
    context.close()
    print(f"{file}: {file.stat().st_size // 1024} KiB")


def main() -> None:
    """All of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    bad, good = troubled(), quiet()
    with browser() as chromium:
        picture(chromium, bad, folder / "status-trouble.png", "light", WIDE)
        picture(chromium, bad, folder / "status-trouble-dark.png", "dark", SCREEN)
        picture(chromium, bad, folder / "status-phone.png", "light", PHONE)
        picture(chromium, good, folder / "status-quiet.png", "light", SCREEN)


if __name__ == "__main__":
    main()
