"""The document as a table of text, for terminals and pipes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from secret_refresher.status import words
from secret_refresher.status.document import Document, TokenLine, Trouble

_RED, _YELLOW, _GREEN, _BLUE, _BOLD, _DIM = "31", "33", "32", "34", "1", "2"
_COLOURS = {
    "expired": _RED,
    "blocked": _RED,
    "failing": _YELLOW,
    "behind": _YELLOW,
    "empty": _YELLOW,
    "fresh": _GREEN,
    "due": _BLUE,
}
_BAR = 14
_LEAST_NAME = 16
"""Columns that a name keeps whatever else has to go."""


class Style(NamedTuple):
    """How it is shown: `width` columns at most, None for as many as it takes; `rows` tokens."""

    width: int | None = None
    colour: bool = False
    rows: int | None = None


class _Column(NamedTuple):
    """A column: its head, its cells, and the least terminal that has room for it."""

    head: str
    cells: Sequence[str]
    least: int


def table(shown: Document, style: Style) -> str:
    """Verdict, troubles with remedies, then the tokens, worst first; ends with a line's end."""
    lines = [_paint(words.verdict(shown), _verdict_colour(shown), style)]
    if shown.daemon is not None:
        started = words.when(shown.daemon.started, shown.now)
        lines.append(f"secret-refresher {plain(shown.daemon.version)}, started {started}")
        if shown.daemon.reload is not None and not shown.daemon.reload.taken:
            told = f"configuration {words.configuration(shown.daemon.reload, shown.now)}"
            lines.append(_paint(told, _YELLOW, style))
    for trouble in shown.attention:
        lines += ["", *_trouble(trouble, shown.now, style)]
    tokens = shown.tokens if style.rows is None else shown.tokens[: style.rows]
    if tokens:
        lines += ["", *_rows(tokens, shown.now, style)]
    more = shown.matching - len(tokens)
    if more > 0:
        lines.append(f"and {words.count(more, 'more token')}")
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """A text of somebody else without what a terminal would obey."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _verdict_colour(shown: Document) -> str:
    if not shown.well:
        return f"{_BOLD};{_RED}"
    return f"{_BOLD};{_YELLOW}" if shown.attention else f"{_BOLD};{_GREEN}"


def _trouble(trouble: Trouble, now: float, style: Style) -> Iterator[str]:
    more = f" And {trouble.kinds - 1:,} more of the kind." if trouble.kinds > 1 else ""
    colour = _RED if trouble.suffering else _YELLOW
    yield _paint(f"! {plain(trouble.summary)}.{more}", f"{_BOLD};{colour}", style)
    yield f"  {words.urgency(trouble, now)}"
    yield f"  Do: {plain(trouble.advice)}"
    names = " ".join(map(plain, trouble.names))
    if trouble.tokens > len(trouble.names):
        names += f" and {trouble.tokens - len(trouble.names):,} more"
    since = "" if trouble.since is None else f", since {words.when(trouble.since, now)}"
    what = plain(f"{trouble.where}: {trouble.reason or 'waiting'}")
    yield _paint(f"  {names} ({what}{since})", _DIM, style)


def _rows(tokens: Sequence[TokenLine], now: float, style: Style) -> Iterator[str]:
    """The table; where there is little room the bar goes first, then the next step, then sinks."""
    columns = [
        _Column("STATE", [plain(token.state) for token in tokens], 0),
        _Column("TOKEN", [plain(token.name) for token in tokens], 0),
        _Column("LIFE", [_bar(token, now) for token in tokens], 100),
        _Column("EXPIRES", [_expires(token, now) for token in tokens], 0),
        _Column("NEXT", [words.plan(token, now) for token in tokens], 72),
        _Column("SINKS", [_sinks(token) for token in tokens], 56),
    ]
    if style.width is not None:
        columns = [column for column in columns if style.width >= column.least]
    widths = [max(map(len, (column.head, *column.cells))) for column in columns]
    if style.width is not None:
        over = sum(widths) + 2 * (len(widths) - 1) - style.width
        widths[1] = max(min(widths[1], _LEAST_NAME), widths[1] - max(0, over))
    yield _paint(_line([column.head for column in columns], widths), _DIM, style)
    for number, token in enumerate(tokens):
        line = _line([column.cells[number] for column in columns], widths)
        if style.width is not None:
            line = line[: style.width]
        state = line[: len(token.state)]
        yield _paint(state, _COLOURS.get(token.state, _DIM), style) + line[len(state) :]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    cut = [
        cell if len(cell) <= width else f"{cell[: width - 1]}~"
        for cell, width in zip(cells, widths, strict=True)
    ]
    return "  ".join(map(str.ljust, cut, widths)).rstrip()


def _bar(token: TokenLine, now: float) -> str:
    """`====|..`: what is gone of the life, and the refresh point."""
    if token.issued is None or token.expires is None or token.expires <= token.issued:
        return ""
    length = token.expires - token.issued
    gone = min(1.0, max(0.0, (now - token.issued) / length))
    bar = ["=" if cell < round(gone * _BAR) else "." for cell in range(_BAR)]
    if token.refresh is not None:
        point = min(1.0, max(0.0, (token.refresh - token.issued) / length))
        bar[min(_BAR - 1, int(point * _BAR))] = "|"
    return "".join(bar)


def _expires(token: TokenLine, now: float) -> str:
    return "-" if token.expires is None else words.when(token.expires, now)


def _sinks(token: TokenLine) -> str:
    return ", ".join(f"{number:,} {plain(state)}" for state, number in sorted(token.places.items()))


def _paint(text: str, colour: str, style: Style) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if style.colour and text else text
