"""The page of the simulation says what its command has found."""

import shutil
from pathlib import Path

import pytest

from tools.strict.catalogue import CHANGES, SOURCE, Change
from tools.strict.table import LIVES, PAGE, SEEDS, Found, rows, with_table


def test_rows_are_the_catalogues() -> None:
    """Each change that is tried has a row, in order, and was found by a seed of those in CI."""
    found = rows(PAGE.read_text())
    assert [name for name, _ in found] == [change.name for change in CHANGES]
    assert all(1 <= int(seed) <= SEEDS for _, seed in found)
    assert len(CHANGES) >= 20


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_can_be_made(change: Change, tmp_path: Path) -> None:
    """What is changed stands in the source once, and the result is Python."""
    copy = change.path(tmp_path)
    copy.parent.mkdir(parents=True)
    shutil.copy(change.path(SOURCE), copy)
    change.make(tmp_path)
    compile(copy.read_text(), str(copy), "exec")
    assert copy.read_text() != change.path(SOURCE).read_text()


def test_a_table_is_replaced_as_a_whole() -> None:
    """A further run leaves the words around it, and nothing of the run before."""
    page = PAGE.read_text()
    one = with_table(page, [Found("a change", 7, "a law")])
    assert rows(one) == [("a change", "7")]
    assert rows(with_table(one, [Found("another", None, "nothing")])) == [("another", "none")]
    assert one.partition("| change")[0] == page.partition("| change")[0]
    assert one.partition("\n\n## What it found")[2] == page.partition("\n\n## What it found")[2]


def test_it_is_tried_by_what_continuous_integration_runs() -> None:
    """The seeds, and how long they last, are the same."""
    text = (PAGE.parents[1] / "tests/simulation/test_seeds.py").read_text()
    assert f"LIVES = {LIVES}\n" in text
    assert f"range(1, {SEEDS + 1}, TOGETHER)" in text
