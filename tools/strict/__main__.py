"""`make strict`: tries each change on a copy of the source, and writes the table of them."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.strict.catalogue import CHANGES, SOURCE, Change
from tools.strict.table import PAGE, Found, with_table

ROOT = SOURCE.parent
_FOLDER = re.compile(r"/\S*/simulation-[^/]+/")
MOST = 1800
"""Seconds for one change."""


def hunted(change: Change) -> Found:
    """What the simulation says of a change."""
    with tempfile.TemporaryDirectory(prefix="strict-") as folder:
        source = Path(shutil.copytree(SOURCE, Path(folder, "src")))
        change.make(source)
        path = os.pathsep.join([str(source), str(ROOT / "tests"), str(ROOT)])
        ran = subprocess.run(
            [sys.executable, "-B", "-m", "tools.strict.hunt"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            timeout=MOST,
            check=True,
        )
    seed, sentence = json.loads(ran.stdout) or (None, "nothing")
    return Found(change.name, seed, _FOLDER.sub("", sentence))


def main() -> int:
    """1 if a change is not found."""
    parser = argparse.ArgumentParser(prog="make strict")
    parser.add_argument("--only", default="", help="changes with this in their names; only shown")
    only = parser.parse_args().only
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = []
        for one in pool.map(hunted, (change for change in CHANGES if only in change.name)):
            found.append(one)
            print(str(one).strip(), flush=True)
    if not only:
        PAGE.write_text(with_table(PAGE.read_text(), found))
    return int(any(one.seed is None for one in found))


if __name__ == "__main__":
    sys.exit(main())
