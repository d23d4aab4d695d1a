"""`secret-refresher status`: the status page in a terminal."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TextIO, final

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.daemon import MOST_ANSWER, Daemon
from secret_refresher.errors import Reason, Trouble
from secret_refresher.ports import Clock
from secret_refresher.status.document import Document, TokenLine
from secret_refresher.status.form import UnreadableError, dump, load
from secret_refresher.status.found import Found, document
from secret_refresher.status.query import MOST
from secret_refresher.status.table import Style, table

EVERY = 2.0
"""Seconds from one look of `--watch` to the next."""
MOST_PAGES = 100
"""Of a daemon's status: ten times the tokens that one is made for."""
_HOME, _REST_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"
_BESIDES = 6
"""Lines of a terminal that the table leaves to what stands above it."""
Look = Callable[[], Document]
Places = Callable[[], list[tuple[str | None, str]]]


def status(look: Look, printer: Printer) -> int:
    """Prints what `look` finds.

    Returns the exit status: 0 where every token is live in every sink, 1 where one is not or
    nobody answers.
    """
    try:
        shown = look()
    except Trouble as trouble:
        print(f"secret-refresher: {trouble}", file=sys.stderr)
        return 1
    printer.once(shown)
    return 0 if shown.well else 1


def watch(look: Look, printer: Printer) -> int:
    """Prints it again and again until SIGINT or SIGTERM; the exit status is 0."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
    while not stopped.is_set():
        try:
            shown = look()
        except Trouble as trouble:
            printer.complain(trouble)
        else:
            try:
                printer.again(shown)
            except BrokenPipeError:  # who stops reading has seen enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return 0
        stopped.wait(EVERY)
    return 0


def of_daemon(url: str) -> Look:
    """Looks at a running daemon: all of its tokens, in as many pages as it takes.

    Raises `WrongUrlError`.
    """
    daemon = Daemon(url)

    def look() -> Document:
        shown, size = _page(daemon, 1, MOST_ANSWER)
        if shown.pages > MOST_PAGES:
            raise daemon.strange(f"it has more than {MOST_PAGES} pages")
        lines: dict[str, TokenLine] = {token.name: token for token in shown.tokens}
        left = MOST_ANSWER - size
        for number in range(2, shown.pages + 1):
            page, size = _page(daemon, number, left)
            lines |= {token.name: token for token in page.tokens}
            left -= size
        return replace(shown, tokens=tuple(lines.values()), page=1, pages=1, per=len(lines))

    return look


def _page(daemon: Daemon, number: int, most: int) -> tuple[Document, int]:
    """One page, and how long it is in bytes; at most so long."""
    said = daemon.get(f"/status.json?per={MOST}&page={number}", most)
    try:
        return load(said), len(said)
    except UnreadableError as wrong:
        raise daemon.strange(str(wrong)) from None


def of_cluster(environ: Mapping[str, str], namespace: str | None, places: Places) -> Look:
    """Looks at the Secrets in a cluster: those with our label, in `namespace` or in every one.

    Where listing is refused, at those that a configuration names: `places` gives them, or none.
    """
    from secret_refresher.adapters.kubernetes.inventory import Holding, Inventory

    clock: Clock = SystemClock()
    inventory = Inventory(clock, environ)

    def listed() -> list[Holding]:
        try:
            return inventory.labelled(namespace)
        except Trouble as trouble:
            if trouble.fault.reason is not Reason.PERMISSION:
                raise
            named = places()
            if not named:
                raise Trouble(
                    replace(
                        trouble.fault,
                        advice="allow it, narrow it by --namespace, or name the daemon's"
                        " configuration by --config: then each Secret is asked for by its name",
                    )
                ) from None
            return inventory.named(named)

    def look() -> Document:
        held = listed()
        return document(map(_found, held), inventory.wall())

    def _found(one: Holding) -> Found:
        target, record = f"{one.namespace}/{one.name}", one.record
        if record is None:
            return Found(target, one.owner, one.token)
        return Found(
            target,
            one.owner,
            one.token,
            issued=record.issued_at,
            refresh=record.refresh_at,
            expires=record.expires_at,
        )

    return look


# --- printing ------------------------------------------------------------------------------------


@final
class Printer:
    """Prints documents as it befits where they go."""

    def __init__(
        self, out: TextIO, environ: Mapping[str, str], *, terminal: bool, json: bool
    ) -> None:
        self._out = out
        self._json = json
        self._terminal = terminal
        # no-color.org: any value but an empty one.
        self._colour = self._terminal and not environ.get("NO_COLOR")

    def once(self, shown: Document) -> None:
        """All of it."""
        if self._json:
            self._out.write(dump(shown).decode())
        else:
            width = shutil.get_terminal_size().columns if self._terminal else None
            self._out.write(table(shown, Style(width, self._colour)))

    def again(self, shown: Document) -> None:
        """As much as a terminal shows, in place of the last; elsewhere all, after the last."""
        if self._json:
            self._out.write(" ".join(dump(shown).decode().split("\n")) + "\n")
        elif not self._terminal:
            self.once(shown)
            self._out.write("\n")
        else:
            self._replace(shown)
        self._out.flush()

    def _replace(self, shown: Document) -> None:
        size = shutil.get_terminal_size()
        above = len(table(shown, Style(size.columns, rows=0)).splitlines())
        rows = max(1, size.lines - above - _BESIDES)
        lines = table(shown, Style(size.columns, self._colour, rows)).splitlines()
        text = "\n".join(f"{line}{_REST_OF_LINE}" for line in lines[: size.lines - 1])
        self._out.write(f"{_HOME}{text}\n{_REST}")

    def complain(self, trouble: Trouble) -> None:
        """Says in the same place that nobody answers; what stood there is old."""
        if self._terminal and not self._json:
            self._out.write(f"{_HOME}{_REST}secret-refresher: {trouble}\n")
            self._out.flush()
        else:
            print(f"secret-refresher: {trouble}", file=sys.stderr)
