"""Sentences of faults as HTML."""

from __future__ import annotations

from secret_refresher.page.markup import Markup, fill, joined


def prose(text: str) -> Markup:
    """A fault's text as a sentence of its own; what stands in `backticks` is code.

    Its first word may be a path or a name, so it stays as it is.
    """
    whole = text if text.endswith((".", "?", "!")) else f"{text}."
    parts = whole.split("`")
    if len(parts) % 2 == 0:  # a backtick that nobody closes is one
        return fill("{whole}", whole=whole)
    return joined(
        fill("<code>{part}</code>" if number % 2 else "{part}", part=part)
        for number, part in enumerate(parts)
    )


def remedy(advice: str, tag: str) -> Markup:
    """What to do, in an element of that name."""
    return fill(
        '<{tag} class="do"><b>Do:</b> {advice}</{tag}>', tag=Markup(tag), advice=prose(advice)
    )
