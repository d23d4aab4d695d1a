"""Every shell block of every document runs as it stands, or says why it is not run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.pages import PAGES, ROOT, Block, blocks

RUN = re.compile(r"run(?:, exit status (\d+))?")
NOT_RUN = re.compile(r"not run: \S.*")
FILE = re.compile(r"(?:configuration|refused): ([\w.-]+)")
LANGUAGES = {"console", "sh", "yaml", "text"}


def shell_blocks() -> list[Block]:
    """Those that somebody may paste into a terminal."""
    return [b for page in PAGES for b in blocks(page) if b.language in {"console", "sh"}]


def test_every_block_says_what_it_is() -> None:
    """No block goes untested because of a language that nobody looks for."""
    for page in PAGES:
        for block in blocks(page):
            assert block.language in LANGUAGES, f"{block} is {block.language or 'of no language'}"


def test_no_shell_block_is_skipped_in_silence() -> None:
    """Each carries `run`, or `not run:` with a reason."""
    assert shell_blocks()
    for block in shell_blocks():
        assert RUN.fullmatch(block.mark) or NOT_RUN.fullmatch(block.mark), f"{block}: {block.mark}"


def test_every_make_target_exists() -> None:
    """Whatever the documents tell to `make` is in the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for text in (page.read_text(),)
        for target in re.findall(r"(?:^|`|\$ |[A-Z]=\S+ )make ([a-z-]+)", text, re.MULTILINE)
    }
    assert {"demo", "test"} <= named <= targets


def steps(block: Block) -> list[tuple[str, str | None]]:
    """Commands with the output that the page shows; None where it shows none."""
    if block.language == "sh":
        return [(block.text, None)]
    found: list[tuple[str, str]] = []
    continued = False
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), ""))
        elif continued:
            command, _ = found[-1]
            found[-1] = (f"{command}\n{line.removeprefix('> ')}", "")
        else:
            assert found, f"{block} shows an output before any command"
            command, output = found[-1]
            found[-1] = (command, f"{output}{line}\n")
        continued = line.endswith("\\") and not found[-1][1]
    return list(found)


def agree(shown: str, said: str) -> bool:
    """Whether a shown output is what was said.

    `...` alone on a line stands for any lines, and within one for any characters.
    """
    pattern = re.sub(r"(?m)^\\\.\\\.\\\.\\\n", "(?s:.*)", re.escape(shown))
    pattern = pattern.replace(re.escape("..."), ".*")
    return re.fullmatch(pattern, said) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_do_what_the_page_says(page: Path, tmp_path: Path) -> None:
    """Run from top to bottom in one folder, they end and say as the page has it."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    env = {key: value for key, value in os.environ.items() if not key.startswith("SECRET_")}
    env["PATH"] = f"{sys.prefix}/bin:{env['PATH']}"
    for block in blocks(page):
        file = FILE.fullmatch(block.mark)
        if block.language == "yaml" and file:
            (tmp_path / file[1]).write_text(block.text)
        run = RUN.fullmatch(block.mark)
        if block.language not in {"console", "sh"} or run is None:
            continue
        for command, shown in steps(block):
            done = subprocess.run(
                ["sh", "-eu", "-c", command],
                cwd=tmp_path,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=100,
                check=False,
            )
            said = f"{block}: {command}\n{done.stdout}"
            assert done.returncode == int(run[1] or 0), said
            assert shown is None or agree(shown, done.stdout), said


@pytest.mark.parametrize(
    ("shown", "said", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n...\n", "a\nb\nc\n", True),
        ("a\n...\nc\n", "a\nc\n", True),
        ("a\n...\nc\n", "a\nb\n", False),
        ("a ... c\n", "a bb c\n", True),
        ("a ... c\n", "a b\nb c\n", False),
        ("a...\nc\n", "ab\nb\nc\n", False),
        ("", "a\n", False),
    ],
)
def test_outputs_are_compared(shown: str, said: str, same: bool) -> None:  # noqa: FBT001 - a table
    """An output that the page does not show, or shows otherwise, is a difference."""
    assert agree(shown, said) is same
