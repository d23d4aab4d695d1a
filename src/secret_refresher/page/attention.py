"""What needs somebody: above everything, worst first, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator

from secret_refresher.page.markup import NONE, Markup, fill, joined
from secret_refresher.page.prose import prose, remedy
from secret_refresher.page.signs import moment, sign
from secret_refresher.status import words
from secret_refresher.status.document import Document, Reload, Trouble
from secret_refresher.status.query import Query

_STILL = 30.0
"""Seconds without a turn of the loop that are worth a word; it turns every 15 at least."""
_PROBLEMS = 10
"""Problems of a refused configuration that are quoted."""


def attention(shown: Document, query: Query) -> Markup:
    """The section; hidden where all is well, so that it can come."""
    cards = [*_of_daemon(shown), *(_trouble(one, query, shown.now) for one in shown.attention)]
    if not cards:
        return Markup('<section id="attention" hidden></section>')
    return fill(
        '<section id="attention" aria-labelledby="wrong"><h2 id="wrong">Needs attention</h2>'
        '<ul class="cards">{cards}</ul></section>',
        cards=joined(cards),
    )


def _of_daemon(shown: Document) -> Iterator[Markup]:
    daemon = shown.daemon
    if daemon is None:
        return
    if daemon.idle > _STILL:
        yield _card(
            "bad",
            f"The daemon stands still: its loop has not turned for {words.span(daemon.idle)}.",
            Markup(),
            "Restart it: live tokens are adopted, and nobody is asked for new ones.",
            NONE,
        )
    if daemon.election is not None and daemon.election.failure is not None:
        failure = daemon.election.failure
        yield _card(
            "wary",
            prose(failure.summary),
            Markup("This replica takes no part in the election."),
            failure.advice,
            NONE,
        )
    if daemon.reload is not None and not daemon.reload.taken:
        yield _refused(daemon.reload, shown.now)


def _refused(reload: Reload, now: float) -> Markup:
    quoted = [fill("<li>{one}</li>", one=one) for one in reload.problems[:_PROBLEMS]]
    if len(reload.problems) > _PROBLEMS:
        quoted.append(fill("<li>and {more} more</li>", more=len(reload.problems) - _PROBLEMS))
    return _card(
        "wary",
        "A changed configuration was refused; the one before is in force.",
        NONE,
        "Mend what is listed; it is read again by itself.",
        fill(
            '<ul class="problems">{quoted}</ul><p class="mute">{at}</p>',
            quoted=joined(quoted),
            at=moment(reload.at, now),
        ),
    )


def _trouble(trouble: Trouble, query: Query, now: float) -> Markup:
    summary = prose(trouble.summary)
    if trouble.kinds > 1:
        more = f"And {trouble.kinds - 1:,} more of the kind."
        summary = fill("{first} {more}", first=summary, more=more)
    facts = [fill("{where}", where=_where(trouble))]
    if trouble.since is not None:
        facts.append(fill("since {at}", at=moment(trouble.since, now)))
    facts.append(fill("{who}", who="needs a person" if trouble.person else "tried again by itself"))
    return _card(
        "bad" if trouble.suffering else "wary",
        summary,
        fill("{urgency}", urgency=words.urgency(trouble, now)),
        trouble.advice,
        fill(
            '<p class="facts"><span class="names">{names}</span>'
            '<span class="mute">{facts}</span></p>',
            names=_names(trouble, query),
            facts=joined(facts, ", "),
        ),
    )


def _where(trouble: Trouble) -> str:
    if not trouble.reason:
        return "nothing has failed yet"
    places = {"fetch": "fetching", "notify": "telling an application"}
    place = places.get(trouble.where, f"writing to a {trouble.where}")
    return f"{place}: {trouble.reason}"


def _names(trouble: Trouble, query: Query) -> Markup:
    named = [
        fill('<a href="{link}" data-live>{name}</a>', link=Query(text=name).link(), name=name)
        for name in trouble.names
    ]
    more = trouble.tokens - len(named)
    if more > 0:
        asked = Query(reason=trouble.reason, per=query.per)
        link = asked.link() if trouble.reason else Query(state="expired").link()
        named.append(
            fill('<a href="{link}" data-live>and {more} more</a>', link=link, more=f"{more:,}")
        )
    return joined(named, " ")


def _card(tone: str, summary: object, urgency: Markup, advice: str, more: Markup) -> Markup:
    return fill(
        '<li class="card {tone}">{sign}<div><h3>{summary}</h3>'
        '<p class="urgency">{urgency}</p>{advice}{more}</div></li>',
        tone=tone,
        sign=sign(tone),
        summary=summary,
        urgency=urgency,
        advice=remedy(advice, "p"),
        more=more,
    )
