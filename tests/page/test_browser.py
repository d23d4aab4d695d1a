"""The status page as people meet it: in a real browser, over a real server."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from secret_refresher.config.model import Config, FileSink
from secret_refresher.status.words import when
from support.browser import Look, Watched
from support.elsewhere import unavailable
from support.scenes import REFUSED, Night, Stage, token

HERE = Path(__file__).parent
BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def names(page: Page) -> list[str]:
    """The tokens of the table, in its order."""
    return [text.strip() for text in page.locator("#rows th").all_inner_texts()]


def test_who_looks_sees_what_is_wrong_and_what_to_do(trouble: Night, look: Look) -> None:
    """The verdict, then each trouble with urgency and remedy, then the tokens, worst first."""
    page = look(trouble.port).open()
    expect(page.get_by_role("status")).to_have_text("3 of 9 tokens are not live in every sink.")
    cards = page.locator(".card")
    expect(cards).to_have_count(4)
    first = cards.first
    expect(first.get_by_role("heading")).to_have_text(f"{REFUSED.summary}.")
    expect(first).to_contain_text("Do: nothing listens there")
    expect(first).to_contain_text("2 of 3 tokens are not live in every sink. The next one dies in")
    expect(first).to_contain_text("since 36 min ago")
    assert names(page)[:3] == ["crm-sync", "orders", "payments"]
    assert names(page)[-1] == "old-api"
    expect(page).to_have_title("3 not live - secret-refresher")
    row = page.locator("#t-warehouse")
    expect(row.get_by_role("img")).to_have_attribute(
        "aria-label", "issued 50 min ago, refresh point 11 min ago, expires in 5 min"
    )


def test_it_follows_without_being_loaded_again(passing: Night, look: Look) -> None:
    """What changes comes by itself, and an opened fold, a selection and the focus stay."""
    seen = look(passing.port)
    page = seen.open()
    page.evaluate("window.mark = 'still the same page'")
    page.locator("#s-search summary").click()
    page.locator("#q").focus()
    passing.stage.faults.clear()
    passing.stage.spoil("shop/payments-token", None)
    passing.stage.spoil("/var/run/secret-refresher/reports", None)
    passing.stage.run(passing.stage.time + 400)
    expect(page.get_by_role("status")).to_have_text("All 9 tokens are live in every sink.")
    expect(page.locator("#attention")).to_be_hidden()
    expect(page.locator("#t-crm-sync .badge")).to_have_text("fresh")
    expect(page.locator("#t-crm-sync")).to_contain_text("failed until")
    assert page.evaluate("window.mark") == "still the same page"
    assert page.locator("#s-search").get_attribute("open") is not None
    expect(page.locator("#q")).to_be_focused()


def test_time_goes_on_between_two_looks(calm: Night, look: Look) -> None:
    """Spans and bars count on their own, in the words that the server uses."""
    seen = look(calm.port)
    seen.page.clock.install()
    page = seen.open()
    page.route("**/*", lambda route: route.abort())
    now = page.locator("#t-mail svg.life .now")
    before = now.get_attribute("x")
    page.clock.fast_forward(90_000)
    expect(now).not_to_have_attribute("x", str(before))
    expect(page.get_by_role("alert")).to_be_visible()
    seen.forgive("ERR_FAILED")


def test_the_script_speaks_as_the_server_does(calm: Night, look: Look) -> None:
    """Every span and instant has the same words in both."""
    page = look(calm.port).open()
    source = (Path(__file__).parents[2] / "src/secret_refresher/page/page.js").read_text()
    functions = "".join(
        re.search(rf"^  {begin}.*?^  {end}", source, re.MULTILINE | re.DOTALL)[0]  # type: ignore[index]
        if end
        else re.search(rf"^  {begin}.*$", source, re.MULTILINE)[0]  # type: ignore[index]
        for begin, end in (("const STEPS", ""), ("function span", "}"), ("function when", "}"))
    )
    steps = (0, 0.4, 1, 59, 60, 99.9, 100, 101, 3600, 5999, 6000, 86400, 172799, 172800, 1e7)
    aways = [sign * step for step in steps for sign in (1, -1)]
    script = f"(aways) => {{ {functions}; return aways.map((away) => when(away, 0)); }}"
    told = page.evaluate(script, aways)
    assert told == [when(away, 0) for away in aways]


def test_a_daemon_that_is_gone_is_told_of(trouble: Night, look: Look) -> None:
    """The page says that it is old and since when, and is well again with the daemon."""
    seen = look(trouble.port)
    page = seen.open()
    page.route("**/*", lambda route: route.abort())
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("The daemon does not answer. What stands here is")
    page.unroute("**/*")
    expect(notice).to_be_hidden()
    seen.forgive("ERR_FAILED")


def test_everything_can_be_read_without_javascript(trouble: Night, look: Look) -> None:
    """Search, filter and remedies are there; the page says that it stands still."""
    page = look(trouble.port, java_script_enabled=False).open()
    expect(page.get_by_role("status")).to_contain_text("3 of 9")
    expect(page.get_by_text("Without JavaScript this page stands still")).to_be_visible()
    page.get_by_role("link", name="failing 2").click()
    assert names(page) == ["warehouse", "billing-export"]
    page.get_by_label("Name or target").fill("BILL")
    page.get_by_role("button", name="Search").click()
    assert names(page) == ["billing-export"]
    assert "state=failing" in page.url


def test_search_and_filter_answer_while_typing(trouble: Night, look: Look) -> None:
    """They stand in the address, and the way back leads through them."""
    page = look(trouble.port).open()
    page.get_by_role("link", name="expired 2").click()
    expect(page.locator("#rows th")).to_have_count(2)
    page.get_by_label("Name or target").press_sequentially("shop/ord")
    expect(page.locator("#rows th")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=shop%2Ford&state=expired$"))
    page.get_by_label("Name or target").fill("nothing like it")
    expect(page.locator("#count")).to_have_text("No token matches.")
    page.go_back()
    expect(page.locator("#rows th")).to_have_count(10)
    expect(page.get_by_label("Name or target")).to_have_value("")


def test_a_trouble_leads_to_its_tokens(trouble: Night, look: Look) -> None:
    """The name in a card shows that token, with the focus where it is."""
    page = look(trouble.port).open()
    page.locator(".card").get_by_role("link", name="billing-export").click()
    expect(page.locator("#rows th")).to_have_count(1)
    expect(page.locator("#tokens")).to_be_focused()


def test_the_keyboard_reaches_everything(trouble: Night, look: Look) -> None:
    """In reading order, with the focus to be seen, and past the troubles with one key."""
    page = look(trouble.port).open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the tokens")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Name or target")).to_be_focused()
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(outline) != "none"
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"c-all", "c-attention", "c-expired", "c-fresh", "SUMMARY"} <= reached
    page.locator("#s-search summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("team-11/search")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_reader(trouble: Night, look: Look, scheme: str) -> None:
    """The paper is light or dark as the reader's system says."""
    page = look(trouble.port, color_scheme=scheme).open()
    paper = sum(map(int, re.findall(r"\d+", page.evaluate(BACKGROUND))))
    assert (paper > 600) == (scheme == "light")


@pytest.mark.parametrize("width", [320, 360, 800])
def test_no_screen_is_too_narrow(trouble: Night, look: Look, width: int) -> None:
    """Nothing has to be moved sideways, from 320 pixels on (WCAG 2.2, 1.4.10)."""
    page = look(trouble.port, width=width, height=700).open()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for row in page.locator("#rows > tr").all():
        box = row.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, from its locked package."""
    if not shutil.which("npm"):
        unavailable("npm is not here; install Node.js 20 or newer")
    folder = tmp_path_factory.mktemp("axe")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "axe" / name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        unavailable(f"npm ci failed; is a package registry within reach? {done.stderr[-300:]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.mark.parametrize(("width", "scheme"), [(1120, "light"), (320, "dark")])
def test_axe_finds_nothing(trouble: Night, look: Look, axe: str, width: int, scheme: str) -> None:
    """Contrast, names, roles, order of headings: no rule of axe-core is broken."""
    page = look(trouble.port, width=width, color_scheme=scheme).open()
    page.evaluate(axe)
    found = page.evaluate("axe.run(document)")
    assert len(found["passes"]) > 20
    broken = [
        (rule["id"], node["html"][:200]) for rule in found["violations"] for node in rule["nodes"]
    ]
    assert broken == []


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&{name}"


def test_what_others_wrote_is_text(look: Look) -> None:
    """A path or a sentence full of markup is shown as it is, and runs nothing."""
    stage = Stage()
    path = f"/var/run/{HOSTILE}"
    port = stage.open(Config(tokens=(token("a", "id.example.com", FileSink(path=path)),)))
    stage.faults["a"] = replace(REFUSED, summary=HOSTILE, advice=f"`{HOSTILE}`")
    stage.run(1010.0)
    seen = look(port)
    page = seen.open()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    expect(page.get_by_role("heading", name=f"{HOSTILE}.", exact=True)).to_be_visible()
    expect(page.locator(".target")).to_have_text(path)
    stage.run(1100.0)  # and once more, taken over by the script
    expect(page.locator("#w-a")).to_contain_text(HOSTILE)
    page.get_by_label("Name or target").fill('"><script>alert(3)</script>')
    expect(page.locator("#count")).to_have_text("No token matches.")
    page.reload()
    expect(page.get_by_label("Name or target")).to_have_value('"><script>alert(3)</script>')
    assert page.locator("main script, main img").count() == 0
    assert dialogs == []


def test_the_policy_holds(trouble: Night, look: Look) -> None:
    """Even markup that got in somehow could run nothing, style nothing and ask nobody."""
    seen: Watched = look(trouble.port)
    page = seen.open()
    page.evaluate(
        """() => {
          const own = document.createElement("div");
          own.innerHTML = '<p style="position:fixed">x</p><img src="https://example.com/x.png">';
          document.body.append(own);
          const script = document.createElement("script");
          script.textContent = "window.broken = true";
          document.body.append(script);
        }"""
    )
    assert page.evaluate("window.broken") is None
    expect(page.locator("body > div > p")).to_have_css("position", "static")
    assert seen.strangers == []
    assert len(seen.complaints) >= 3
    seen.forgive("Content Security Policy")
