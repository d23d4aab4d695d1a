"""The page of faults is the one that its command makes."""

import re

import pytest

from support.pages import ROOT
from tools.faults.catalogue import FAULTS
from tools.faults.page import PAGE, rows, with_tables


def test_rows_are_the_catalogues() -> None:
    """Each fault with what is expected of it, in order, and none that is not tried any more."""
    assert rows(PAGE.read_text()) == [(one.name, one.expected) for one in FAULTS]
    assert len({one.name for one in FAULTS}) == len(FAULTS) > 40


def test_tables_are_replaced_as_a_whole() -> None:
    """A further run leaves the words around them, and nothing of the run before."""
    page = with_tables(PAGE.read_text(), {one.name: "OBSERVED" for one in FAULTS}, "WHERE")
    again = with_tables(page, {one.name: "AGAIN" for one in FAULTS}, "THERE")
    assert again.count("| AGAIN |") == len(FAULTS)
    assert "OBSERVED" not in again
    assert "WHERE" not in again
    assert again.partition("<!--")[0] == PAGE.read_text().partition("<!--")[0]


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE.read_text()))))
def test_tests_that_it_names_exist(named: str) -> None:
    """Whoever looks there finds them."""
    assert (ROOT / named).is_file()
