"""One YAML text, safely: bounded while it is read, and never quoted.

Values are built from the stream of events. PyYAML's own way to them is a tree that costs fifty
times the text, recurses in C until the process crashes, takes the last of two equal keys, and
lets a few aliases stand for billions of values. Its messages hold a piece of the text, which may
be a secret in the wrong place, so a problem has line and column, and words of ours.
"""

from __future__ import annotations

import functools
from typing import Any, final

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from secret_refresher.config.problems import ConfigError, Problem, quoted

MOST_BYTES = 16 * 1024 * 1024
_MOST_VALUES = 2_000_000
_DEEPEST = 64
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONGEST_NUMBER = 100
_MERGE: Any = object()
"""Stands for the key `<<` without quotes."""
_NOT_PLAIN = "is no plain value of YAML; put it in quotes, and remove a tag (!...)"
_NO_NUMBER = "is a date that does not exist, or a number too long; put it in quotes"
_TOO_DEEP = f"nests deeper than {_DEEPEST} levels, which no configuration needs"
_TOO_MANY = (
    f"stands for more than {_MOST_VALUES} values, aliases written out; put tokens into several"
    " files, or use defaults"
)


def parse(file: str, content: bytes) -> object:
    """The one document of a text as dicts, lists and scalars; aliases share what they name.

    Raises `ConfigError` with line and column.
    """
    text = _decoded(file, content)
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.MarkedYAMLError as wrong:
        builder.complain(wrong.problem_mark, _not_yaml(text, wrong))
    except yaml.reader.ReaderError:
        builder.complain(None, "holds a control character, which YAML does not allow; remove it")
    except _StopError as stop:
        builder.complain(stop.mark, str(stop))
    if builder.problems:
        raise ConfigError(tuple(builder.problems))
    if builder.document is None:
        told = "is empty; write tokens: and below it the first token"
        raise ConfigError((Problem(file, "", told),))
    return builder.document


def _decoded(file: str, content: bytes) -> str:
    if len(content) > MOST_BYTES:
        told = f"is larger than {MOST_BYTES} bytes; put tokens into several files of a folder"
        raise ConfigError((Problem(file, "", told),))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        told = "is not UTF-8; save the file as UTF-8"
        raise ConfigError((Problem(file, f"line {line}", told),)) from None


class _StopError(Exception):
    """A problem after which there is no going on."""

    def __init__(self, mark: Any, message: str) -> None:
        super().__init__(message)
        self.mark = mark


@final
class _Open:
    """A list or mapping that is still being read.

    `size` counts its values, aliases written out; `depth` is how deep it nests.
    """

    __slots__ = ("anchor", "awaiting", "depth", "key", "mapping", "merges", "size", "values")

    def __init__(self, *, mapping: bool, anchor: str | None) -> None:
        self.mapping = mapping
        self.anchor = anchor
        self.values: Any = {} if mapping else []
        self.awaiting = False
        self.key: Any = None
        self.merges: list[dict[Any, Any]] = []
        self.size = 1
        self.depth = 1

    def whole(self) -> Any:
        """The value; what stands here itself wins over what is merged into it (`<<`)."""
        if not self.merges:
            return self.values
        merged: dict[Any, Any] = {}
        for below in reversed(self.merges):
            merged.update(below)
        return {**merged, **self.values}


@final
class _Builder:
    """Takes the events of a text, in order."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}
        self._documents = 0
        self.problems: list[Problem] = []
        self.document: Any = None

    def complain(self, mark: Any, message: str) -> None:
        """Notes a problem."""
        where = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"
        self.problems.append(Problem(self._file, where, message))

    def take(self, event: yaml.Event) -> None:
        """One event; raises `_StopError` where a bound is passed."""
        match event:
            case yaml.ScalarEvent():
                self._done(event, event.anchor, self._scalar(event), 1, 0)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self._open.pop()
                self._done(event, done.anchor, done.whole(), done.size, done.depth)
            case yaml.AliasEvent():
                if event.anchor not in self._anchors:
                    told = "is an alias, and no anchor of that name stands whole above it"
                    raise _StopError(event.start_mark, told)
                self._done(event, None, *self._anchors[event.anchor])
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    told = "begins a second document; put it into another file of a folder"
                    raise _StopError(event.start_mark, told)

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        """A list or mapping; until it ends, an alias of it would name itself."""
        if event.tag is not None:
            self.complain(event.start_mark, _NOT_PLAIN)
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)
        mapping = isinstance(event, yaml.MappingStartEvent)
        self._open.append(_Open(mapping=mapping, anchor=event.anchor))
        if len(self._open) > _DEEPEST:
            raise _StopError(event.start_mark, _TOO_DEEP)

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        if event.tag is not None:
            self.complain(event.start_mark, _NOT_PLAIN)
        elif event.implicit[0]:
            try:
                return _plain(event.value)
            except ValueError as wrong:
                self.complain(event.start_mark, str(wrong))
        return event.value

    def _done(
        self, event: yaml.Event, anchor: str | None, value: Any, size: int, depth: int
    ) -> None:
        """A whole value goes into what it stands in."""
        if anchor is not None:
            self._anchors[anchor] = value, size, depth
        if not self._open:
            self.document = value
            return
        around = self._open[-1]
        around.size += size
        around.depth = max(around.depth, depth + 1)
        if around.size > _MOST_VALUES:
            raise _StopError(event.start_mark, _TOO_MANY)
        if around.depth + len(self._open) > _DEEPEST + 1:
            raise _StopError(event.start_mark, _TOO_DEEP)
        if not around.mapping:
            around.values.append(value)
        elif around.awaiting:
            self._put(event, around, value)
        else:
            self._key(event, around, value)
        around.awaiting = around.mapping and not around.awaiting

    def _key(self, event: yaml.Event, around: _Open, key: Any) -> None:
        if isinstance(key, dict | list):
            raise _StopError(event.start_mark, "must be a text, for it is a key")
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and key == "<<":
            key = _MERGE
        if key in around.values:
            told = f"has the key {quoted(str(key))} again; keep one of them"
            self.complain(event.start_mark, told)
        around.key = key

    def _put(self, event: yaml.Event, around: _Open, value: Any) -> None:
        if around.key is not _MERGE:
            around.values[around.key] = value
            return
        merges = value if isinstance(value, list) else [value]
        if all(isinstance(below, dict) for below in merges):
            around.merges += merges
        else:
            self.complain(event.start_mark, "must be a mapping or a list of them, after <<")


@final
class _Scalars(SafeConstructor, Resolver):
    """YAML 1.1 on single words: `yes` is a boolean, `0440` is 288."""


_SCALARS = _Scalars()


@functools.lru_cache(maxsize=4096)
def _plain(text: str) -> Any:
    """What a word without quotes means; ValueError says why it means nothing."""
    tag: str = _SCALARS.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    kind = tag.rpartition(":")[2]
    if kind in {"str", "merge"}:
        return text
    if kind not in {"int", "float", "bool", "null", "timestamp"}:
        raise ValueError(_NOT_PLAIN)
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(_NO_NUMBER)
    try:
        return _Scalars.yaml_constructors[tag](_SCALARS, yaml.ScalarNode(tag, text))
    except (ValueError, OverflowError):
        raise ValueError(_NO_NUMBER) from None


def _not_yaml(text: str, wrong: yaml.MarkedYAMLError) -> str:
    """A syntax error in words of ours; the library reads ahead of us, and has a bound as well."""
    mark = wrong.problem_mark
    if "maximum nesting depth" in str(wrong.problem):
        return _TOO_DEEP
    if mark is not None:
        rest = "".join(text.split("\n")[mark.line : mark.line + 1])[mark.column :]
        if rest.startswith("\t"):
            return "is indented with a tab; YAML wants blanks"
        if rest.startswith(("%", "@", "`")):
            return "begins with a sign that YAML keeps for itself; put the value in quotes"
    return "is not YAML; look at indentation, colons and quotes there and in the line above"
