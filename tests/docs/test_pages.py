"""Links lead somewhere, and what the pages name is there."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import secret_refresher
from support.pages import PAGES, ROOT, anchors, code_spans, links, prose, section, table_keys

SOURCE = Path(secret_refresher.__file__).parent
DEMO_WORDS = re.compile(r"\b(TODO|FIXME|TBD|coming soon)\b")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link is a file of this repository, its anchor a heading there."""
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), link
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_every_page_can_be_found() -> None:
    """Links lead from the README to each page under docs, perhaps over another page."""
    found: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        found.add(page)
        there = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}
        waiting += [p for p in there - found if p.suffix == ".md" and p.is_file()]
    assert {page for page in PAGES if page.parent.name == "docs"} <= found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_finished(page: Path) -> None:
    """Nothing is promised for later in place of being said."""
    assert not DEMO_WORDS.search(prose(page))


def commands() -> set[str]:
    """The subcommands as `--help` tells them."""
    told = subprocess.run(
        [sys.executable, "-m", "secret_refresher", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    ).stdout
    return set(re.findall(r"^    ([a-z]+) ", told, re.MULTILINE))


def test_every_command_is_in_the_readme() -> None:
    """The README lists each command that there is, and no other."""
    rows = re.findall(
        r"^\| `secret-refresher ([a-z]+)", section(ROOT / "README.md", "Commands"), re.MULTILINE
    )
    assert set(rows) == commands()
    assert len(rows) >= 5


def test_the_house_is_the_one_that_stands() -> None:
    """The page of the architecture names every part of the program, and none that is gone."""
    page = ROOT / "docs" / "architecture.md"
    parts = {
        path.stem if path.suffix else path.name
        for folder in (SOURCE, SOURCE / "adapters")
        for path in folder.iterdir()
        if not path.name.startswith(("_", ".")) and path.suffix in {"", ".py"}
    }
    spans = code_spans(page)
    assert len(parts) > 15
    assert parts <= {span.removesuffix("/").removeprefix("adapters/") for span in spans}
    for span in spans:
        if re.fullmatch(r"[a-z_]+/[a-z_/.]*", span):
            places = (SOURCE / span, SOURCE / f"{span}.py", ROOT / span)
            assert any(place.exists() for place in places), span


def test_the_changelog_keeps_its_form() -> None:
    """Keep a Changelog 1.1: newest first, known headings, a line for each entry."""
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", one) for one in versions[1:])
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_every_benchmark_is_in_its_page() -> None:
    """The page of benchmarks lists each one that `make bench` knows."""
    catalogue = ast.parse((ROOT / "bench" / "catalogue.py").read_text())
    names = {
        element.value
        for node in catalogue.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NAMES"
        for element in ast.walk(node.value)
        if isinstance(element, ast.Constant)
    }
    assert names
    assert names <= table_keys((ROOT / "docs" / "benchmarks.md").read_text())
