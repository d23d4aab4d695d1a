"""The rows of the table: one for each token, and a second one for what is wrong with it."""

from __future__ import annotations

from secret_refresher.page.markup import NONE, Markup, fill, joined
from secret_refresher.page.prose import prose, remedy
from secret_refresher.page.signs import badge, life, moment, sign
from secret_refresher.status import words
from secret_refresher.status.document import ConsumerLine, Document, Failure, SinkLine, TokenLine

_FEW = 2
"""Sinks that stand open in their cell; more are folded."""
_HEARING = {
    "told": "told",
    "waiting": "to be told",
    "failed": "could not be told",
    "idle": "nothing to tell yet",
}
_SIGNS = {"told": "current", "waiting": "due", "failed": "failing", "idle": "empty"}
_SAID = 3
"""Sentences about failing sinks in the row of one token; the others stand with their sinks."""


def rows(shown: Document) -> Markup:
    """The tokens of a document, in its order."""
    told = frozenset(trouble.advice for trouble in shown.attention)
    return joined((_row(token, shown.now, told) for token in shown.tokens), "\n")


def _row(token: TokenLine, now: float, told: frozenset[str]) -> Markup:
    return fill(
        """<tr id="t-{name}" role="row" class="of-{state}">
<td role="cell">{badge}</td>
<th scope="row" role="rowheader" class="name">{name}</th>
<td role="cell" class="span">{life}</td>
<td role="cell" class="next">{next}</td>
<td role="cell">{sinks}{consumers}</td>
</tr>{why}""",
        name=token.name,
        state=token.state,
        badge=badge(token.state),
        life=life(token, now),
        next=_next(token, now),
        sinks=_sinks(token, now),
        consumers=_consumers(token, now),
        why=_why(token, now, told),
    )


def _next(token: TokenLine, now: float) -> Markup:
    if token.fetching:
        told = fill("{what}", what="being fetched")
    elif token.next is None:
        told = fill('<span class="mute">{what}</span>', what="nothing planned")
    else:
        what = "attempt" if token.failure is not None else "refresh"
        told = fill("{what} {at}", what=what, at=moment(token.next, now))
    if token.last is not None and token.last.over is not None:
        told = fill(
            '{told}<span class="mute">failed until {over} ({reason})</span>',
            told=told,
            over=moment(token.last.over, now),
            reason=token.last.reason,
        )
    return told


# --- sinks ---------------------------------------------------------------------------------------


def _sinks(token: TokenLine, now: float) -> Markup:
    total = sum(token.places.values())
    if not total:
        return Markup('<span class="mute">none yet</span>')
    more = total - len(token.sinks)
    items = [_sink(sink, now) for sink in token.sinks]
    if more > 0:
        items.append(fill("<li>and {more} more</li>", more=f"{more:,}"))
    listed = fill('<ul class="sinks">{items}</ul>', items=joined(items))
    if total <= _FEW:
        return listed
    states = ", ".join(f"{number:,} {state}" for state, number in sorted(token.places.items()))
    return fill(
        '<details id="s-{name}"><summary>{total} sinks: {states}</summary>{listed}</details>',
        name=token.name,
        total=f"{total:,}",
        states=states,
        listed=listed,
    )


def _sink(sink: SinkLine, now: float) -> Markup:
    retry = NONE
    if sink.failure is not None:
        retry = fill(", {reason}", reason=sink.failure.reason)
        if sink.failure.retry is not None:
            retry = fill("{said}, again {at}", said=retry, at=moment(sink.failure.retry, now))
    return fill(
        '<li>{sign}<span><span class="target">{target}</span>'
        ' <span class="mute">{kind}, {state}{retry}</span></span></li>',
        sign=sign(sink.state),
        target=sink.target,
        kind=sink.kind,
        state=sink.state,
        retry=retry,
    )


def _consumers(token: TokenLine, now: float) -> Markup:
    if not token.consumers:
        return NONE
    return fill(
        '<ul class="sinks consumers">{items}</ul>',
        items=joined(_consumer(consumer, now) for consumer in token.consumers),
    )


def _consumer(consumer: ConsumerLine, now: float) -> Markup:
    said = fill("{kind}, {state}", kind=consumer.kind, state=_HEARING[consumer.state])
    if consumer.told is not None and consumer.state == "told":
        said = fill("{said} {at}", said=said, at=moment(consumer.told, now))
    if consumer.failure is not None:
        said = fill("{said}, {reason}", said=said, reason=consumer.failure.reason)
        if consumer.failure.retry is not None:
            said = fill("{said}, again {at}", said=said, at=moment(consumer.failure.retry, now))
    return fill(
        '<li>{sign}<span><span class="target">{target}</span>'
        ' <span class="mute">{said}</span></span></li>',
        sign=sign(_SIGNS[consumer.state]),
        target=consumer.target,
        said=said,
    )


# --- what is wrong -------------------------------------------------------------------------------


def _why(token: TokenLine, now: float, told: frozenset[str]) -> Markup:
    """What fails, in a row of its own; remedies that were `told` above are not told again."""
    failures = [] if token.failure is None else [token.failure]
    failures += [sink.failure for sink in token.sinks if sink.failure is not None][:_SAID]
    failures += [each.failure for each in token.consumers if each.failure is not None][:_SAID]
    if not failures:
        return NONE
    said = joined(_failure(failure, now, told) for failure in failures)
    return fill(
        '\n<tr id="w-{name}" role="row" class="why of-{state}">'
        '<td role="cell" colspan="5">{said}</td></tr>',
        name=token.name,
        state=token.state,
        said=said,
    )


def _failure(failure: Failure, now: float, told: frozenset[str]) -> Markup:
    facts = [fill("{many}", many=words.count(failure.failures, "failure"))]
    if failure.since is not None:
        facts.append(fill("since {at}", at=moment(failure.since, now)))
    return fill(
        '<p>{summary} <span class="mute">{reason}, {facts}</span>{advice}</p>',
        summary=prose(failure.summary),
        reason=failure.reason,
        facts=joined(facts, ", "),
        advice=NONE if failure.advice in told else remedy(failure.advice, "span"),
    )
