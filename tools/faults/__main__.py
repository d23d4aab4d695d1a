"""`make faults`: tries every fault on a running daemon, and writes docs/reliability.md.

Some need a mount namespace and the programs of a cluster (KUBEBUILDER_ASSETS). `--only TEXT` tries
those whose name holds the text, and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.authorization_server import AuthorizationServer
from tools.faults.catalogue import FAULTS, Fault
from tools.faults.page import PAGE, with_tables
from tools.faults.stage import Stage

_OWN_MOUNTS = "SECRET_REFRESHER_FAULTS_MOUNTS"


def main() -> int:
    """Tries them; 1 where something else was observed than expected."""
    parser = argparse.ArgumentParser(prog="python -m tools.faults")
    parser.add_argument("--only", help="those whose name holds this text; nothing is written")
    parser.add_argument("--at-once", type=int, default=4, help="how many at a time")
    parser.add_argument("--small", action="store_true", help="few kills and swaps")
    options = parser.parse_args()
    if _OWN_MOUNTS not in os.environ:
        own = [
            "unshare",
            "-m" if os.geteuid() == 0 else "-rm",
            sys.executable,
            "-m",
            "tools.faults",
        ]
        os.execvpe(own[0], [*own, *sys.argv[1:]], {**os.environ, _OWN_MOUNTS: "1"})  # noqa: S606
    chosen = [fault for fault in FAULTS if (options.only or "") in fault.name]
    begun = time.monotonic()
    with ThreadPoolExecutor(options.at_once) as pool:
        # The longest stand last in the page.
        tried = list(pool.map(lambda fault: attempt(fault, full=not options.small), chosen[::-1]))
    tried.reverse()
    seconds = time.monotonic() - begun
    failed = [fault.name for fault, (held, _) in zip(chosen, tried, strict=True) if not held]
    print(f"{len(chosen) - len(failed)} of {len(chosen)} as expected, in {seconds:.0f} s")
    if failed:
        print(f"otherwise: {'; '.join(failed)}", file=sys.stderr)
        return 1
    if not options.only and not options.small:
        seen = dict(zip((fault.name for fault in chosen), (told for _, told in tried), strict=True))
        where = f"CPython {platform.python_version()}, Linux {platform.release().partition('-')[0]}"
        PAGE.write_text(with_tables(PAGE.read_text(), seen, f"{where}, {seconds:.0f} s"))
    return 0


def attempt(fault: Fault, *, full: bool) -> tuple[bool, str]:
    """Whether it went as expected, and what was observed."""
    with (
        tempfile.TemporaryDirectory(prefix="secret-refresher-fault-") as folder,
        AuthorizationServer() as server,
    ):
        try:
            told = fault.act(Stage(Path(folder), server, full))
        except Exception as error:  # noqa: BLE001 - one that fails does not hide the others
            print(f"NO   {fault.name}: {type(error).__name__}: {error}", flush=True)
            return False, str(error)
        print(f"yes  {fault.name}: {told}", flush=True)
        return True, told


if __name__ == "__main__":
    sys.exit(main())
