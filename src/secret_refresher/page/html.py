"""The whole page."""

from __future__ import annotations

from secret_refresher.page.attention import attention
from secret_refresher.page.below import about_daemon, legend
from secret_refresher.page.markup import NONE, Markup, fill, joined
from secret_refresher.page.rows import rows
from secret_refresher.page.signs import SPRITE, moment, sign
from secret_refresher.status import words
from secret_refresher.status.document import Daemon, Document
from secret_refresher.status.query import ATTENTION, LONGEST, STATES, Query

FEW = 1000
"""Tokens up to which the page looks again every `OFTEN` seconds; above, every `SELDOM`."""
OFTEN, SELDOM = 2, 5
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="icon.svg">
<link rel="stylesheet" href="page.css">
<script src="page.js" defer></script>
</head>
<body data-now="{now}" data-every="{every}">
<a class="skip" href="#tokens">Skip to the tokens</a>
{sprite}
<header>
<h1>secret-refresher</h1>
<p class="about" id="about">{about}</p>
</header>
<main>
<p class="verdict {tone}" id="verdict" role="status">{verdict}</p>
<p class="notice" id="stale" role="alert" hidden></p>
<p class="notice" id="still">Without JavaScript this page stands still;
<a href="">load it again</a> for what is true now.</p>
{attention}
<section aria-labelledby="tokens" id="list">
<h2 id="tokens" tabindex="-1">Tokens</h2>
{filters}
{table}
</section>
{daemon}
</main>
<footer>
{legend}
<p><a href="status.json">status.json</a> <a href="metrics">metrics</a></p>
</footer>
</body>
</html>
"""


def html(shown: Document, query: Query) -> str:
    """The page of one document, for the query that it answers."""
    lacking = shown.total - shown.healthy
    troubles = len(shown.attention)
    tone = "bad" if lacking else "wary" if troubles else "good"
    told = f"{lacking:,} not live" if lacking else f"{troubles} wrong" if troubles else "all live"
    verdict = words.verdict(shown)
    if not lacking and troubles:
        verdict += f" {words.count(troubles, 'thing')} may change that."
    return fill(
        _PAGE,
        title=f"{told} - secret-refresher" if shown.total else "secret-refresher",
        now=round(shown.now, 3),
        every=OFTEN if shown.total <= FEW else SELDOM,
        sprite=SPRITE,
        about=NONE if shown.daemon is None else _about(shown.daemon, shown.now),
        tone=tone,
        verdict=joined([sign(tone), fill("<span>{said}</span>", said=verdict)]),
        attention=attention(shown, query),
        filters=_filters(shown, query),
        table=_table(shown, query),
        daemon=NONE if shown.daemon is None else about_daemon(shown.daemon, shown.now),
        legend=legend(),
    )


def _about(daemon: Daemon, now: float) -> Markup:
    return fill(
        "{version}, started {started}; as of {now}",
        version=daemon.version,
        started=moment(daemon.started, now),
        now=moment(now, now, ticking=False),
    )


# --- search and filter ---------------------------------------------------------------------------


def _filters(shown: Document, query: Query) -> Markup:
    form = fill(
        """<form role="search" id="search" action="">
<label for="q">Name or target</label>
<input type="search" id="q" name="q" value="{text}" maxlength="{longest}" autocomplete="off"
 autocapitalize="none" spellcheck="false">
{state}{reason}<button>Search</button>
</form>""",
        text=query.text,
        longest=LONGEST,
        state=_hidden("state", query.state),
        reason=_hidden("reason", query.reason),
    )
    everything = sum(shown.counts.values())
    chips = [_chip(query, "", f"all {everything:,}", NONE)]
    if shown.attention or query.state == ATTENTION:
        chips.append(_chip(query, ATTENTION, "something wrong", sign("bad")))
    for state in STATES:
        if state in shown.counts or state == query.state:
            label = f"{state} {shown.counts.get(state, 0):,}"
            chips.append(_chip(query, state, label, sign(state)))
    if query.reason:
        chips.append(
            fill(
                '<li><a href="{link}" data-live id="c-reason">only {reason}: show all</a></li>',
                link=query.link(reason=""),
                reason=query.reason,
            )
        )
    return fill(
        '{form}\n<nav aria-label="Filter by state"><ul class="chips" id="chips">{chips}</ul></nav>',
        form=form,
        chips=joined(chips),
    )


def _hidden(name: str, value: str) -> Markup:
    if not value:
        return NONE
    return fill('<input type="hidden" name="{name}" value="{value}">', name=name, value=value)


def _chip(query: Query, state: str, label: str, glyph: Markup) -> Markup:
    return fill(
        '<li><a href="{link}" data-live id="c-{key}"{current}>{glyph}{label}</a></li>',
        link=query.link(state=state),
        key=state or "all",
        current=Markup(' aria-current="true"') if query.state == state else NONE,
        glyph=glyph,
        label=label,
    )


# --- the table -----------------------------------------------------------------------------------


def _table(shown: Document, query: Query) -> Markup:
    if not shown.tokens:
        none = "No token matches." if shown.counts else "No token is configured."
        return fill('<p class="none" id="count" aria-live="polite">{none}</p>', none=none)
    first = (shown.page - 1) * shown.per + 1
    told = words.count(shown.matching, "token")
    if shown.pages > 1:
        told = f"{first:,} to {first + len(shown.tokens) - 1:,} of {told}"
    return fill(
        """<p class="count" id="count" aria-live="polite">{told}, worst first</p>
<table id="table" role="table">
<caption class="unseen">Tokens with their state, life, next step and sinks, worst first</caption>
<thead role="rowgroup"><tr role="row">
<th scope="col" role="columnheader">State</th><th scope="col" role="columnheader">Token</th>
<th scope="col" role="columnheader">Life</th><th scope="col" role="columnheader">Next</th>
<th scope="col" role="columnheader">Sinks</th>
</tr></thead>
<tbody id="rows" role="rowgroup">
{rows}
</tbody>
</table>
{pager}""",
        told=told,
        rows=rows(shown),
        pager=_pager(shown, query),
    )


def _pager(shown: Document, query: Query) -> Markup:
    if shown.pages == 1:
        return NONE
    steps = [
        (1, "first", "First", shown.page > 1),
        (shown.page - 1, "previous", "Previous", shown.page > 1),
        (shown.page + 1, "next", "Next", shown.page < shown.pages),
        (shown.pages, "last", "Last", shown.page < shown.pages),
    ]
    links = [
        fill(
            '<a href="{link}" data-live data-turn id="p-{key}">{label}</a>',
            link=query.link(page=number),
            key=key,
            label=label,
        )
        for number, key, label, there in steps
        if there
    ]
    return fill(
        '<nav class="pager" id="pager" aria-label="Pages">{links}'
        "<span>page {page} of {pages}</span></nav>",
        links=joined(links),
        page=f"{shown.page:,}",
        pages=f"{shown.pages:,}",
    )
