"""Configuration from a file, a folder or the environment."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, final

import yaml

from secret_refresher.config.model import Config
from secret_refresher.config.problems import ConfigError, Problem
from secret_refresher.config.read import Document, read
from secret_refresher.errors import Fault
from secret_refresher.ports import FileReader

PATH_VARIABLE = "SECRET_REFRESHER_CONFIG"
TEXT_VARIABLE = "SECRET_REFRESHER_CONFIG_YAML"
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_NODES = 2_000_000
"""Values in one file; a few nested aliases can stand for billions."""


def resolve(argument: str | None, environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Where the configuration is: a path, or its text. Exactly one of the three ways.

    Raises `ConfigError` where none or several are used.
    """
    path, text = environ.get(PATH_VARIABLE), environ.get(TEXT_VARIABLE)
    used = [
        name
        for name, value in (("--config", argument), (PATH_VARIABLE, path), (TEXT_VARIABLE, text))
        if value
    ]
    if len(used) != 1:
        what = f"{' and '.join(used)} are both set; keep one" if used else "none given"
        ways = f"use --config PATH, {PATH_VARIABLE} (a path) or {TEXT_VARIABLE} (the text itself)"
        raise ConfigError((Problem("configuration", "", f"{what}; {ways}"),))
    return (argument or path or None), (text or None)


@final
@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and the digest of what it was read from."""

    config: Config
    digest: str


@final
class ConfigSource:
    """One place that a configuration comes from: a path, or a text."""

    def __init__(self, reader: FileReader, *, path: str | None, text: str | None) -> None:
        self._reader = reader
        self._path = path
        self._text = text

    def load(self) -> Loaded:
        """Reads and checks all of it; raises `ConfigError` with every problem."""
        contents = self._contents()
        problems: list[Problem] = []
        documents: list[Document] = []
        for name, content in contents.items():
            try:
                documents.append(Document(name, _parse(name, content)))
            except ConfigError as refused:
                problems += refused.problems
        if not contents:
            problems.append(
                Problem(self._path or "", "", "holds no *.yaml; mount the ConfigMap there")
            )
        try:
            config = read(documents)
        except ConfigError as refused:
            raise ConfigError((*problems, *refused.problems)) from None
        if problems:
            raise ConfigError(tuple(problems))
        return Loaded(config, _digest(contents))

    def digest(self) -> str:
        """A digest of what would be read now, be it readable or not."""
        return _digest(self._contents())

    def _contents(self) -> Mapping[str, bytes | Fault]:
        """What there is by file name, all of it from one generation of a mount."""
        if self._text is not None:
            return {TEXT_VARIABLE: self._text.encode("utf-8", "surrogateescape")}
        path = self._path or ""
        try:
            names = sorted(os.listdir(path))
        except OSError:  # a file, or nothing that can be read: the reader says which
            path = os.path.abspath(path)
            return self._reader.read([path])
        files = [
            os.path.join(os.path.abspath(path), name)
            for name in names
            if name.endswith(".yaml") and not name.startswith(".")
        ]
        return self._reader.read(files)


def _digest(contents: Mapping[str, bytes | Fault]) -> str:
    digest = hashlib.sha256()
    for name, content in contents.items():
        part = content if isinstance(content, bytes) else b"\0" + str(content).encode()
        digest.update(f"{name}\0{len(part)}\0".encode() + part)
    return digest.hexdigest()


class _Loader(_SafeLoader):  # type: ignore[misc,valid-type]
    """Safe YAML in which a key may stand once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - as inherited
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {str(key)[:60]} stands twice",
                    problem_mark=key_node.start_mark,
                )
            if isinstance(key, Hashable):
                seen.add(key)
        return dict(super().construct_mapping(node, deep=deep))


def _parse(name: str, content: bytes | Fault) -> Any:
    """The one document of a YAML text. YAML's own words are not passed on: they quote the text."""
    if isinstance(content, Fault):
        raise ConfigError((Problem(name, "", str(content)),))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = content[: wrong.start].count(b"\n") + 1
        raise ConfigError(
            (Problem(name, f"line {line}", "is not UTF-8; save it as UTF-8"),)
        ) from None
    try:
        value = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, with duplicates refused
    except yaml.constructor.ConstructorError as wrong:
        problem = str(wrong.problem)
        stated = problem if problem.endswith("stands twice") else "has a value YAML cannot give"
        raise ConfigError((_at(name, wrong.problem_mark, stated),)) from None
    except yaml.composer.ComposerError as wrong:
        stated = "must hold one document, and aliases only to what stands above them"
        raise ConfigError((_at(name, wrong.problem_mark, stated),)) from None
    except yaml.MarkedYAMLError as wrong:
        stated = "is not YAML; look at indentation, colons and quotes there"
        raise ConfigError((_at(name, wrong.problem_mark, stated),)) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ConfigError((Problem(name, "", "is not YAML that can be read"),)) from None
    if value is None:
        raise ConfigError((Problem(name, "", "is empty; write tokens: and at least one"),))
    _bound(name, value)
    return value


def _at(name: str, mark: yaml.Mark | None, stated: str) -> Problem:
    where = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"
    return Problem(name, where, stated)


def _bound(name: str, value: Any) -> None:
    """Refuses what aliases blow up: every later step may walk the whole tree."""
    todo, count = [value], 0
    while todo:
        item = todo.pop()
        count += 1
        if count > _MOST_NODES:
            raise ConfigError((Problem(name, "", "holds too many values; are there aliases?"),))
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
