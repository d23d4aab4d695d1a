"""The threat model names tests that there are."""

import ast
import functools
import re
from pathlib import Path

import pytest

from support.pages import ROOT

PAGE = ROOT / "docs" / "threat-model.md"
NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)(?:::(\w+))?`")


@functools.cache
def functions(file: Path) -> frozenset[str]:
    """The test functions of a file."""
    tree = ast.parse(file.read_text())
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    )


def threats() -> list[tuple[str, str]]:
    """Each threat with what its row says of tests."""
    text = PAGE.read_text().partition("## Threats")[2].partition("## What we do not")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [
        (line.split(" | ")[0].removeprefix("| "), line.split(" | ")[-1])
        for line in lines
        if not line.startswith(("| threat |", "| --- |"))
    ]


@pytest.mark.parametrize(("threat", "tests"), threats(), ids=lambda text: text[:40])
def test_each_threat_is_covered(threat: str, tests: str) -> None:
    """Its row names at least one test, and every test that it names exists."""
    named = NAMED.findall(tests)
    assert named, threat
    for path, function in named:
        file = ROOT / path
        assert file.is_file(), path
        assert not function or function in functions(file), f"{path}::{function}"


def test_there_are_threats() -> None:
    """The table is found at all."""
    assert len(threats()) > 40
