"""What stands below the tokens: the daemon itself, and what the signs mean."""

from __future__ import annotations

from collections.abc import Iterator

from secret_refresher.page.markup import Markup, fill, joined
from secret_refresher.page.signs import badge, moment
from secret_refresher.status import words
from secret_refresher.status.document import Daemon, Election


def about_daemon(daemon: Daemon, now: float) -> Markup:
    """The process itself: its version, configuration, shards, and who does not answer it."""
    facts: list[tuple[str, Markup]] = [
        ("Version", fill("{version}", version=daemon.version)),
        ("Started", moment(daemon.started, now)),
    ]
    if daemon.reload is not None:
        state = "taken" if daemon.reload.taken else "refused; the one before is in force"
        said = fill("{state}, {at}", state=state, at=moment(daemon.reload.at, now))
        facts.append(("Configuration", said))
        if daemon.reload.restart:
            waits = fill("{those}", those=", ".join(daemon.reload.restart))
            facts.append(("Waits for a restart", waits))
    if daemon.election is not None:
        facts += _election(daemon.election, now)
    if daemon.dark:
        origins = joined((fill("{one}", one=one) for one in daemon.dark), ", ")
        facts.append(("Do not answer", origins))
    listed = joined(
        fill("<div><dt>{name}</dt><dd>{value}</dd></div>", name=name, value=value)
        for name, value in facts
    )
    return fill(
        '<section aria-labelledby="daemon"><h2 id="daemon">Daemon</h2>'
        '<dl id="facts">{listed}</dl></section>',
        listed=listed,
    )


def _election(election: Election, now: float) -> Iterator[tuple[str, Markup]]:
    yield "Replica", fill("{those}", those=words.election(election))
    for one in election.held:
        told = fill(
            '<span class="target">{lease}</span>, held since {at}',
            lease=one.lease,
            at=moment(one.since, now),
        )
        yield f"Lease of shard {one.shard}", told


def legend() -> Markup:
    """What signs and bars mean; folded."""
    states = joined(
        fill("<dt>{badge}</dt><dd>{meaning}</dd>", badge=badge(state), meaning=meaning)
        for state, meaning in words.STATES.items()
    )
    return fill(
        """<details id="legend"><summary>What the signs mean</summary>
<dl class="legend">{states}</dl>
<p>The bar is the life of the token that consumers hold, from its issue to its expiry. The tick is
its refresh point, and what follows it is the time to spare; the upright line is now.</p>
</details>""",
        states=states,
    )
