"""What must hold between the keys of one Secret sink."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from secret_refresher.config import names
from secret_refresher.config.drafts import Draft
from secret_refresher.config.model import LabelSelector, OnExpired, Operator, SecretSink, State
from secret_refresher.config.problems import Path, Problem

_BASIC_AUTH = "kubernetes.io/basic-auth"


def secret_problems(draft: Draft) -> Iterator[Problem]:
    """What is wrong with the Secret sinks of one token."""
    for index, sink in enumerate(draft.token.sinks):
        if not isinstance(sink, SecretSink):
            continue
        at: Path = ("sinks", index, "secret")
        if draft.right("name"):
            problem = names.subdomain(sink.name)
            if problem is not None:
                yield draft.problem(problem, (*at, "name"))
        if not sink.data:
            yield draft.problem("must not be empty; write a key, as token: {format: raw}", at)
        if len(set(sink.namespaces)) < len(sink.namespaces):
            yield draft.problem("names a namespace twice; keep one of them", (*at, "namespaces"))
        if sink.namespace_selector is not None:
            yield from _selector(draft, (*at, "namespaceSelector"), sink.namespace_selector)
        yield from _type(draft, at, sink)
    yield from _meeting(draft)


def _meeting(draft: Draft) -> Iterator[Problem]:
    """Two sinks that may meet in a Secret must write the same into it."""
    for index, sink in enumerate(draft.token.sinks):
        for before, other in enumerate(draft.token.sinks[:index]):
            if not isinstance(sink, SecretSink) or not isinstance(other, SecretSink):
                continue
            selecting = sink.namespace_selector or other.namespace_selector
            if selecting and sink.name == other.name and _settings(sink) != _settings(other):
                yield draft.problem(
                    f"may meet sinks[{before}] where a namespace has the labels of both; write the"
                    " same data, type, force, labels and annotations, or another name",
                    ("sinks", index, "secret", "name"),
                )


def _settings(sink: SecretSink) -> SecretSink:
    return replace(sink, namespace=None, namespaces=(), namespace_selector=None)


def _selector(draft: Draft, at: Path, selector: LabelSelector) -> Iterator[Problem]:
    for index, wanted in enumerate(selector.match_expressions):
        here = (*at, "matchExpressions", index, "values")
        listing = wanted.operator in {Operator.IN, Operator.NOT_IN}
        if listing and not wanted.values:
            yield draft.problem(f"is missing; {wanted.operator} compares with a list", here)
        if not listing and wanted.values:
            yield draft.problem(f"cannot stand beside {wanted.operator}; remove it", here)


def _type(draft: Draft, at: Path, sink: SecretSink) -> Iterator[Problem]:
    """Types whose keys the API server insists on."""
    required = names.REQUIRED_KEYS.get(sink.type, ())
    for key in required:
        if key not in sink.data:
            yield draft.problem(
                f"has no key {key}, which type {sink.type} needs; write it with its format",
                (*at, "data"),
            )
    if sink.type == _BASIC_AUTH and not {"username", "password"} & set(sink.data):
        yield draft.problem(
            f"has no key password, which type {sink.type} needs; write password: {{format: raw}}",
            (*at, "data"),
        )
    if not required:
        return
    told = f"cannot remove a key that type {sink.type} needs"
    if draft.token.refresh.on_expired is OnExpired.DELETE:
        yield draft.problem(f"{told}; write onExpired: keep", ("refresh", "onExpired"))
    if draft.token.state is State.ABSENT:
        yield draft.problem(
            f"{told}; delete the Secret yourself, and then this sink", ("state",), at
        )
