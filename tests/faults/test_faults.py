"""Some faults of the page, in small: those that no other test tries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.elsewhere import needs_mounts
from support.pages import ROOT
from tools.faults.stage import UnobservedError, expect

TRIED = ("no inode", "further memory", "credentials are swapped")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m tools.faults`."""
    return subprocess.run(
        [sys.executable, "-m", "tools.faults", "--small", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.parametrize("name", TRIED)
def test_it_is_survived(name: str, tmp_path: Path) -> None:
    """The daemon goes on, no consumer notices, and a new token comes afterwards."""
    needs_mounts(tmp_path)
    done = run("--only", name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 as expected" in done.stdout


def test_what_is_not_survived_is_told() -> None:
    """A fault that ends otherwise is a failure of the run."""
    with pytest.raises(UnobservedError, match="otherwise"):
        expect(False, "otherwise")
