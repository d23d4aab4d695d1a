"""Ten thousand tokens on one page."""

from __future__ import annotations

import json
import time

import pytest
from playwright.sync_api import expect

from secret_refresher.config.model import Config
from support.browser import Look
from support.plain_http import get
from support.scenes import REFUSED, Stage, token

MANY = 10_000


@pytest.fixture(scope="module")
def crowd() -> tuple[Stage, int]:
    """Ten thousand tokens of ten hosts; one host has just gone away."""
    stage = Stage()
    tokens = [token(f"t-{n:05d}", f"id{n % 10}.example.com") for n in range(MANY)]
    stage.faults = dict.fromkeys((f"t-{n:05d}" for n in range(3, MANY, 10)), REFUSED)
    port = stage.open(Config(tokens=tuple(tokens)))
    stage.run(1003.0)
    return stage, port


def test_the_page_stays_usable(crowd: tuple[Stage, int], look: Look) -> None:
    """It is there soon, holds a hundred rows, tells a thousand troubles as one, and searches."""
    _, port = crowd
    seen = look(port)
    began = time.monotonic()
    page = seen.open()
    expect(page.locator("#rows th")).to_have_count(100)
    assert time.monotonic() - began < 15  # it is one second where nothing else runs
    expect(page.locator("#count")).to_have_text("1 to 100 of 10,000 tokens, worst first")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".card")).to_contain_text("more")
    page.get_by_role("link", name="Last").click()
    expect(page.locator("#pager")).to_contain_text("page 100 of 100")
    expect(page.locator("#tokens")).to_be_focused()
    page.get_by_label("Name or target").fill("t-0004")
    expect(page.locator("#rows th")).to_have_count(10)
    page.locator(".card").get_by_role("link", name="more").click()
    expect(page.locator("#c-reason")).to_have_text("only connect: show all")
    expect(page.get_by_label("Name or target")).to_have_value("")
    expect(page.locator("#rows tr.why").first).to_contain_text("Connection refused")


def test_the_document_comes_in_pages(crowd: tuple[Stage, int]) -> None:
    """A thousand at a time, none of them twice, and never more at once."""
    _, port = crowd
    names: list[str] = []
    for number in range(1, 11):
        status, _, body = get(port, f"/status.json?page={number}")
        while status == 503:  # asked too much at once: later
            time.sleep(0.2)
            status, _, body = get(port, f"/status.json?page={number}")
        found = json.loads(body)
        assert (found["matching"], found["pages"], len(found["tokens"])) == (MANY, 10, 1000)
        names += [each["name"] for each in found["tokens"]]
    assert len(set(names)) == MANY
