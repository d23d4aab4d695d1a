"""What must hold of an election, in itself and beside the tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secret_refresher.config.drafts import Draft
from secret_refresher.config.election import Election
from secret_refresher.config.measures import span
from secret_refresher.config.model import FileSink
from secret_refresher.config.problems import Problem

_LATEST = 0.8
"""Of leaseDuration: the rest is for what was sent last to arrive."""
_TRIES = 2
"""Renewals that may be tried within renewDeadline, at least."""


def election_problems(election: Election, file: str, drafts: Sequence[Draft]) -> Iterator[Problem]:
    """What is wrong; `file` has the section."""
    latest = election.lease_duration * _LATEST
    if election.renew_deadline > latest:
        yield Problem(
            file,
            "election.renewDeadline",
            f"must be at most {_LATEST:g} of leaseDuration, {span(latest)}, or what a replica sent"
            " last could arrive when another has begun",
        )
    rarest = election.renew_deadline / _TRIES
    if election.retry_period > rarest:
        yield Problem(
            file,
            "election.retryPeriod",
            f"must be at most half of renewDeadline, {span(rarest)}, so that a renewal that fails"
            " can be tried again",
        )
    if election.enabled:
        yield from _files(drafts)


def _files(drafts: Sequence[Draft]) -> Iterator[Problem]:
    for draft in drafts:
        for index, sink in enumerate(draft.token.sinks):
            if isinstance(sink, FileSink) and draft.right("sinks"):
                yield draft.problem(
                    "cannot be shared by replicas, and election is enabled; write a secret, or set"
                    " election.enabled: false",
                    ("sinks", index, "file"),
                )
