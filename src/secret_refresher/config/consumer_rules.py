"""What must hold between the keys of `notify`, and what there is probably not meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from secret_refresher.config import checks, names
from secret_refresher.config.consumers import (
    ConsumerSpec,
    HttpConsumer,
    RolloutConsumer,
    SignalConsumer,
)
from secret_refresher.config.drafts import Draft
from secret_refresher.config.measures import span
from secret_refresher.config.model import TokenConfig
from secret_refresher.config.problems import Path, Problem

_HOUR = 3600.0


def named_consumer(consumer: Any, named: Callable[[str], str]) -> Any:
    """The same with the token's name in it, which `named` puts there; `BAD` stays so."""
    match consumer:
        case HttpConsumer():
            ca_file = None if consumer.ca_file is None else named(consumer.ca_file)
            return replace(consumer, url=named(consumer.url), ca_file=ca_file)
        case SignalConsumer():
            pid_file = None if consumer.pid_file is None else named(consumer.pid_file)
            return replace(consumer, process=named(consumer.process), pid_file=pid_file)
        case RolloutConsumer():
            return replace(consumer, name=named(consumer.name))
    return consumer


def consumer_problems(draft: Draft) -> Iterator[Problem]:
    """What is wrong with the consumers of one token."""
    if not draft.right("notify"):
        return
    for index, consumer in enumerate(draft.token.notify):
        at: Path = ("notify", index, consumer.way)
        for before, other in enumerate(draft.token.notify[:index]):
            if (other.way, _whom(other)) == (consumer.way, _whom(consumer)):
                yield draft.problem(f"is notify[{before}] once more; keep one of them", at)
                break
        if draft.right("name"):
            yield from _expanded(draft, at, consumer)


def _whom(consumer: ConsumerSpec) -> str:
    if isinstance(consumer, HttpConsumer):
        return f"{consumer.method} {consumer.url}"
    return f"{consumer.target} {getattr(consumer, 'pid_file', '')}"


def _expanded(draft: Draft, at: Path, consumer: ConsumerSpec) -> Iterator[Problem]:
    """What only shows with the token's name in it."""
    match consumer:
        case RolloutConsumer():
            problem = names.subdomain(consumer.name)
            if problem is not None:
                yield draft.problem(problem, (*at, "name"))
        case HttpConsumer(ca_file=str(file)):
            problem = checks.length(file)
            if problem is not None:
                yield draft.problem(problem, (*at, "caFile"))
            if not consumer.url.startswith("https:"):
                yield draft.problem("is of use with https:// only; remove it", (*at, "caFile"))
        case SignalConsumer(pid_file=str(file)):
            problem = checks.length(file)
            if problem is not None:
                yield draft.problem(problem, (*at, "pidFile"))


def consumer_hints(token: TokenConfig) -> Iterator[str]:
    """Sentences on what is allowed but probably not meant."""
    for consumer in token.notify:
        if isinstance(consumer, HttpConsumer) and checks.goes_unencrypted(consumer.url):
            yield (
                f"token {token.name}: {consumer.target} is told over http://; nothing secret is"
                " sent, but anybody on the way can keep it from hearing; write https:// where"
                " that matters"
            )
        if isinstance(consumer, RolloutConsumer):
            yield from _rollout(token, consumer)


def _rollout(token: TokenConfig, consumer: RolloutConsumer) -> Iterator[str]:
    life = token.refresh.default_lifetime
    if life is not None and life < consumer.min_life:
        yield (
            f"token {token.name}: {consumer.target} is never restarted for a token that lives for"
            f" {span(life)} (refresh.defaultLifetime), less than rollout.minLife; tell it by http"
            f" or signal, or write minLife: {span(life)}"
        )
    elif consumer.min_life < _HOUR:
        yield (
            f"token {token.name}: {consumer.target} is restarted for tokens that live for less"
            f" than an hour (rollout.minLife), as often as every {span(consumer.min_interval)}; an"
            " application that reads its token again needs none of it"
        )
