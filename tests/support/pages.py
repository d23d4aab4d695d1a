"""The documents, taken apart: blocks with their marks, links, headings.

A block's mark is a comment on the line above its fence, as `<!-- run -->`:

- `console` and `sh`: `run`, `run, exit status 2`, or `not run: why`. In `console` commands begin
  with `$ `, and what follows them is compared with what they say; `...` stands for anything.
- `yaml`: `configuration` or `configuration: name.yaml`, which is there for the commands below it;
  `part of a token`; `chart values`; `refused: name.yaml`; or `not configuration: why`.
- `text` needs none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*?) -->\n)?"
    r"(?P<fence>```+)(?P<language>\w*)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """One fenced block: where it begins, what it is, and the comment on the line above it."""

    page: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(
            page,
            text.count("\n", 0, match.start("fence")) + 1,
            match["language"],
            match["mark"] or "",
            match["text"],
        )
        for match in _BLOCK.finditer(text)
    ]
    # An indented or unended fence would hide a block, and what is hidden is not tested.
    assert 2 * len(found) == text.count("```"), f"{page} has a fence that is not understood"
    return found


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def code_spans(page: Path) -> set[str]:
    """What stands in `backticks` in a page's prose."""
    return set(re.findall(r"`([^`\n]+)`", prose(page)))


def links(page: Path) -> list[str]:
    """Targets of the links of a page."""
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """What may stand after # in a link to a page, as GitHub makes it of its headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


def table_keys(text: str) -> set[str]:
    """What the first column of the tables in a text names in backticks."""
    rows = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def section(page: Path, heading: str) -> str:
    """The text below a heading, up to the next one of its level or above."""
    text = page.read_text(encoding="utf-8")
    match = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert match is not None, f"{page} has no heading {heading}"
    level = len(match[1])
    rest = text[match.end() :]
    end = re.search(rf"^#{{1,{level}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest
