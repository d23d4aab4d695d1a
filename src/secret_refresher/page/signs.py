"""Small pieces that stand in many places: signs of states, moments, the bar of a life."""

from __future__ import annotations

from secret_refresher.page.markup import Markup, fill
from secret_refresher.status import words
from secret_refresher.status.document import TokenLine
from secret_refresher.tokens.moments import rfc3339

_SHAPES = {
    "good": '<circle cx="8" cy="8" r="7" class="fill"/>'
    '<path d="M4.5 8.2l2.4 2.4 4.6-5" class="cut"/>',
    "wary": '<path d="M8 1.5 15 14H1z" class="fill"/><path d="M8 6v4M8 11.6v1" class="cut"/>',
    "bad": '<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" class="fill"/>'
    '<path d="M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4" class="cut"/>',
    "fresh": '<circle cx="8" cy="8" r="6" class="fill"/>',
    "due": '<circle cx="8" cy="8" r="5.5" class="line"/><path d="M8 8V2.5A5.5 5.5 0 0 1 8 13.5z"'
    ' class="fill"/>',
    "behind": '<circle cx="8" cy="8" r="5.5" class="line"/>'
    '<path d="M8 5v3.4l2.3 1.4" class="line"/>',
    "empty": '<circle cx="8" cy="8" r="5.5" class="line"/>',
    "pending": '<circle cx="8" cy="8" r="5.5" class="line dotted"/>',
    "failing": '<path d="M8 2 14.5 13.5h-13z" class="fill"/>',
    "blocked": '<path d="M2.5 2.5h11v11h-11z" class="fill"/><path d="M5 8h6" class="cut"/>',
    "expired": '<path d="M3.5 3.5l9 9M12.5 3.5l-9 9" class="bold"/>',
    "absent": '<path d="M3 8h10" class="line"/>',
    "current": '<path d="M3 8.5l3.2 3.2L13 4.5" class="bold"/>',
}
SPRITE = Markup(
    '<svg hidden aria-hidden="true">'
    + "".join(
        f'<symbol id="g-{name}" viewBox="0 0 16 16">{shape}</symbol>'
        for name, shape in _SHAPES.items()
    )
    + "</svg>"
)
"""Every sign once; no two of them differ by colour alone."""


def sign(name: str) -> Markup:
    """A sign, for the eye only: the word stands beside it."""
    known = name if name in _SHAPES else "absent"
    return fill(
        '<svg class="sign is-{name}" aria-hidden="true"><use href="#g-{name}"/></svg>', name=known
    )


def badge(state: str) -> Markup:
    """A state as a sign and a word."""
    return fill('<span class="badge">{sign}{state}</span>', sign=sign(state), state=state)


def moment(instant: float, now: float, *, ticking: bool = True) -> Markup:
    """An instant as people say it, exactly in its title; the script goes on counting it."""
    exact = rfc3339(instant)
    told = f"{exact[:10]} {exact[11:19]} UTC"
    return fill(
        '<time datetime="{exact}" title="{told}"{ticks}>{text}</time>',
        exact=exact,
        told=told,
        ticks=Markup(" data-tick") if ticking else Markup(" data-clock"),
        text=words.when(instant, now) if ticking else told,
    )


def life(token: TokenLine, now: float) -> Markup:
    """The bar of a token's life: issue, refresh point, expiry, now. Nothing where none is known."""
    if token.issued is None or token.expires is None or token.expires <= token.issued:
        return Markup('<span class="mute">no token</span>')
    length = token.expires - token.issued
    refresh = token.expires if token.refresh is None else token.refresh
    dead = now >= token.expires
    gone = _percent((now - token.issued) / length)
    point = _percent((refresh - token.issued) / length)
    said = ", ".join(
        [
            f"issued {words.when(token.issued, now)}",
            f"refresh point {words.when(refresh, now)}",
            f"{'expired' if dead else 'expires'} {words.when(token.expires, now)}",
        ]
    )
    bar = fill(
        '<svg class="life{dead}" role="img" aria-label="{said}" data-from="{issued}"'
        ' data-to="{expires}">'
        '<rect class="track" y="5" width="100%" height="4"/>'
        '<rect class="lead" x="{point}%" y="5" width="{rest}%" height="4"/>'
        '<rect class="gone" y="5" width="{gone}%" height="4"/>'
        '<rect class="point" x="{point}%" y="2" width="2" height="10"/>'
        '<rect class="now" x="{gone}%" y="0" width="3" height="14"/></svg>',
        dead=" dead" if dead else "",
        said=said,
        issued=round(token.issued, 3),
        expires=round(token.expires, 3),
        point=point,
        rest=round(100 - point, 2),
        gone=gone,
    )
    return fill(
        "{bar}<span>{verb} {at}</span>",
        bar=bar,
        verb="expired" if dead else "expires",
        at=moment(token.expires, now),
    )


def _percent(part: float) -> float:
    return round(100 * min(1.0, max(0.0, part)), 2)
