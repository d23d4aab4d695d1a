"""Where a configuration comes from, and whether it has changed."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from secret_refresher.adapters.config_files.yaml_text import parse
from secret_refresher.config.model import Config
from secret_refresher.config.problems import ConfigError, Problem
from secret_refresher.config.read import Document, read
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.ports import FileReader

PATH_VARIABLE = "SECRET_REFRESHER_CONFIG"
TEXT_VARIABLE = "SECRET_REFRESHER_CONFIG_YAML"
_TRIES = 5
_WAYS = f"use --config PATH, {PATH_VARIABLE} (a path) or {TEXT_VARIABLE} (the text itself)"
_ABSENT = "does not exist; mount the ConfigMap there, or correct the path"
_CLOSED = "cannot be read by this user; look at its mode and owner, in a pod at defaultMode"
_MESSAGES = {
    "ENOENT": _ABSENT,
    "ENOTDIR": _ABSENT,
    "EACCES": _CLOSED,
    "EPERM": _CLOSED,
}


def resolve(argument: str | None, environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Where the configuration is: a path, or its text. An empty variable counts as none.

    Raises `ConfigError` where none of the three ways is used, or several are.
    """
    path, text = environ.get(PATH_VARIABLE), environ.get(TEXT_VARIABLE)
    ways = {"--config": argument, PATH_VARIABLE: path, TEXT_VARIABLE: text}
    used = [way for way, value in ways.items() if value]
    if not used:
        raise ConfigError((Problem("configuration", "", f"there is none; {_WAYS}"),))
    if len(used) > 1:
        message = f"{' and '.join(used)} are set; keep one of them"
        raise ConfigError((Problem("configuration", "", message),))
    return (argument or path or None), (text or None)


@final
@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and the digest of what it was read from."""

    config: Config
    digest: str


@final
class ConfigSource:
    """One place that a configuration comes from: a file or a folder of `*.yaml`, or a text."""

    def __init__(self, reader: FileReader, *, path: str | None, text: str | None) -> None:
        self._reader = reader
        self._path = path or ""
        self._text = text

    def load(self) -> Loaded:
        """Reads and checks all of it; raises `ConfigError` with every problem."""
        contents = self._contents()
        if not contents:
            raise ConfigError((Problem(self._path, "", self._no_file()),))
        digest = _digest(contents)
        documents = [Document(name, _document(name, part)) for name, part in contents.items()]
        return Loaded(read(documents), digest)

    def digest(self) -> str:
        """Differs where what would be read now differs; whatever cannot be read counts as well."""
        return _digest(self._contents())

    def _contents(self) -> Mapping[str, bytes | Fault]:
        """What there is by file name, all of it from one generation of a mount."""
        if self._text is not None:
            return {TEXT_VARIABLE: self._text.encode("utf-8", "surrogateescape")}
        contents: Mapping[str, bytes | Fault] = {}
        # A swap of the mount between listing and reading changes the list: then once more.
        for _ in range(_TRIES):
            names = self._names()
            if isinstance(names, Fault):
                return {self._path: names}
            contents = self._reader.read(names)
            if names == self._names():
                break
        return contents

    def _names(self) -> list[str] | Fault:
        """The files to read, in name order; dot files are the kubelet's and editors' own."""
        try:
            found = sorted(os.listdir(self._path))
        except (NotADirectoryError, FileNotFoundError):
            return [self._path]  # a file, or nothing: the reader says which
        except OSError as error:
            code = errno.errorcode.get(error.errno or errno.EIO, "EIO")
            told = f"cannot be listed: {os.strerror(error.errno or errno.EIO)}"
            return Fault(Reason.IO, told, "look at the volume", Lane.PERMANENT, code=code)
        yaml = [name for name in found if name.endswith(".yaml") and not name.startswith(".")]
        return [os.path.join(self._path, name) for name in yaml]

    def _no_file(self) -> str:
        what = "holds no *.yaml; mount the ConfigMap there"
        other = next((name for name in sorted(os.listdir(self._path)) if name.endswith(".yml")), "")
        return f"{what}, or rename {other} to end with .yaml" if other else what


def _document(name: str, content: bytes | Fault) -> object:
    """One file's content, or a `ConfigError` that says why there is none."""
    try:
        if isinstance(content, bytes):
            return parse(name, content)
    except ConfigError as refused:
        return refused
    told = str(content).removeprefix(f"{name} ")
    return ConfigError((Problem(name, "", _MESSAGES.get(content.code or "", told)),))


def _digest(contents: Mapping[str, bytes | Fault]) -> str:
    digest = hashlib.sha256()
    for name, content in contents.items():
        part = content if isinstance(content, bytes) else b"\0" + str(content).encode()
        digest.update(f"{name}\0{len(part)}\0".encode("utf-8", "surrogateescape") + part)
    return digest.hexdigest()
