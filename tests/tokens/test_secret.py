"""A secret that nobody prints by accident."""

import copy
import dataclasses
import io
import json
import logging
import pickle
import pprint
import string
import traceback
from collections.abc import Callable
from typing import NoReturn

import pytest
import structlog

from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.ports import Finding, Held, Outcome
from secret_refresher.tokens.credentials import parse
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Grant, Life, Token

TEXT = "correct-horse-battery-staple"
LIFE = Life(1000.0, 1700.0, 2000.0, 1_700_000_000.0)
GRANT = Grant(Secret(TEXT), "Bearer", "read", 1000.0, 1000.0, 1_700_000_000.0)
HOLDERS: dict[str, object] = {
    "text": Secret(TEXT),
    "bytes": Secret(TEXT.encode()),
    "token": Token(Secret(TEXT), "Bearer", "read", LIFE, "source"),
    "grant": GRANT,
    "outcome": Outcome(GRANT),
    "credentials": parse("/client_secret", TEXT.encode()),
    "finding": Finding(Held.OURS, LIFE),
    "list": [Secret(TEXT)],
    "mapping": {"secret": Secret(TEXT)},
}


def fail(holder: object) -> NoReturn:
    """An exception that somebody put a secret into."""
    raise ValueError(holder)


def log(holder: object) -> str:
    """A line of the standard library's log, with arguments and an exception."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    logger = logging.getLogger("test_secret")
    logger.propagate = False
    logger.addHandler(handler)
    try:
        fail(holder)
    except ValueError:
        logger.exception("holder %s %r", holder, holder)
    finally:
        logger.removeHandler(handler)
    return out.getvalue()


def structured(holder: object) -> str:
    """A line of the structured log."""
    out = io.StringIO()
    processors = [structlog.processors.JSONRenderer()]
    structlog.wrap_logger(structlog.WriteLogger(out), processors=processors).info("x", it=holder)
    return out.getvalue()


def traced(holder: object) -> str:
    """A traceback that shows local variables."""
    try:
        fail(holder)
    except ValueError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(shown.format())


SHOWN: dict[str, Callable[[object], str]] = {
    "str": str,
    "repr": repr,
    "ascii": ascii,
    "format": lambda holder: f"{holder} {holder!r}",
    "width": lambda holder: f"{Secret(TEXT):>60}" + f"{holder!s:>60}",
    "percent": lambda holder: "%s %r" % (holder, holder),  # noqa: UP031 - that is what is tried
    "template": lambda holder: string.Template("$x").substitute(x=holder),
    "pprint": pprint.pformat,
    "json": lambda holder: json.dumps({"x": holder}, default=str),
    "log": log,
    "structlog": structured,
    "traceback": traced,
    "exception": lambda holder: str(ValueError(holder)) + repr(Trouble(fault(holder))),
}


def fault(holder: object) -> Fault:
    """A fault that somebody put a secret into."""
    return Fault(Reason.INTERNAL, f"failed with {holder}", "mend it", Lane.TRANSIENT)


@pytest.mark.parametrize("how", SHOWN)
@pytest.mark.parametrize("what", HOLDERS)
def test_nothing_shows_it(what: str, how: str) -> None:
    """However it is shown, and whatever holds it, the secret is not there."""
    shown = SHOWN[how](HOLDERS[what])
    assert shown
    assert TEXT not in shown


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("what", [what for what in HOLDERS if what != "finding"])
def test_it_cannot_be_pickled(what: str, protocol: int) -> None:
    """Neither alone nor in what holds it; the refusal does not quote it."""
    with pytest.raises(TypeError) as refused:
        pickle.dumps(HOLDERS[what], protocol)
    assert TEXT not in str(refused.value)


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_it_cannot_be_copied(copier: Callable[[object], object]) -> None:
    """There is one of it."""
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        copier(Secret(TEXT))


def test_a_record_with_it_cannot_become_a_mapping() -> None:
    """`asdict` is how records end up in JSON."""
    with pytest.raises(TypeError):
        dataclasses.asdict(GRANT)


@pytest.mark.parametrize(
    "use",
    [
        len,
        iter,
        bytes,
        json.dumps,
        lambda secret: "" + secret,
        ",".join,
        lambda secret: secret < Secret("x"),
        vars,
    ],
)
def test_it_is_no_text(use: Callable[[object], object]) -> None:
    """What works on texts fails on it, without quoting it."""
    with pytest.raises(TypeError) as refused:
        use(Secret(TEXT))
    assert TEXT not in str(refused.value)


def test_reveal_is_the_way_out() -> None:
    """The wire and the sink get what went in."""
    assert Secret(TEXT).reveal() == TEXT
    assert Secret(b"\0\xff").reveal() == b"\0\xff"


def test_it_is_compared_by_its_value() -> None:
    """The same token granted again is known as such; a plain text never equals it."""
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret("other")
    assert Secret(TEXT) != TEXT
    assert len({Secret(TEXT), Secret(TEXT)}) == 1


def test_nothing_can_be_hung_on_it() -> None:
    """It holds the one value."""
    with pytest.raises(AttributeError):
        Secret(TEXT).other = 1  # type: ignore[attr-defined]
