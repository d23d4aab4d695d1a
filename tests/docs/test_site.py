"""The site that `make docs` builds."""

import re
import subprocess
import sys
from pathlib import Path

from support.pages import ROOT


def test_it_builds_without_a_warning(tmp_path: Path) -> None:
    """Every link, anchor and picture is there, and nothing in it is fetched from elsewhere."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-d"]
    ran = subprocess.run(
        [*command, str(tmp_path / "doctrees"), "-c", "docs", ".", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert ran.returncode == 0, ran.stderr
    pages = list((tmp_path / "site" / "docs").glob("*.html"))
    assert len(pages) > 15
    for page in pages:
        loaded = re.findall(r'<(?:script|link|img)[^>]* (?:src|href)="([^"]+)"', page.read_text())
        assert not [found for found in loaded if "//" in found], page.name
