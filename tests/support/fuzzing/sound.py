"""Inputs of a common form, and what must hold of a common outcome."""

from __future__ import annotations

from random import Random
from typing import Any

from secret_refresher.errors import Trouble
from secret_refresher.tokens import answer, record
from support.fuzzing.mutate import CANARY, bend, spoil, written


def told(trouble: Trouble) -> str:
    """The reason, if what it tells is fit to be shown."""
    text = f"{trouble} {trouble.fault!r}"
    assert CANARY not in text, text
    assert text.isprintable(), text
    wait = trouble.fault.retry_after
    assert wait is None or 0 <= wait <= answer.LONGEST_RETRY_AFTER
    return str(trouble.fault.reason)


def body(values: tuple[Any, ...], texts: tuple[bytes, ...], random: Random) -> bytes:
    """Bent members, or spoilt bytes."""
    if random.random() < 0.6:
        return written(bend(random.choice(values), random))
    return spoil(random.choice(texts), texts, random)


def orderly(one: record.Record) -> None:
    """What a record says comes in order, and within bounds."""
    assert one.issued_at <= one.refresh_at <= one.expires_at <= one.issued_at + record.LONGEST
    life = one.life(1000.0, 1_795_600_000.0)
    assert life is None or life.issued <= life.refresh <= life.expires
