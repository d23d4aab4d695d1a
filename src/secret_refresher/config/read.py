"""Documents in, one frozen configuration out, or every problem at once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, final

from secret_refresher.config.grammar import CONFIG, DEFAULTS, LOG, SERVER, TOKEN
from secret_refresher.config.merge import holds, merged
from secret_refresher.config.model import Auth, Config, Log, Server, TokenConfig
from secret_refresher.config.problems import ConfigError, Findings, Problem
from secret_refresher.config.rules import Place, between_tokens, token_rules
from secret_refresher.config.shapes import BAD, told

T = TypeVar("T")
Part = TypeVar("Part", Server, Log)


@final
@dataclass(frozen=True, slots=True)
class Document:
    """One file's content as YAML has it; `file` is its name for people."""

    file: str
    content: Any


def read(documents: Sequence[Document]) -> Config:
    """Puts the documents' tokens together; other keys may stand in one document only.

    Raises `ConfigError` with every problem of every document.
    """
    return _Reader().read(documents)


@final
class _Reader:
    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._shared: dict[Hashable, Any] = {}
        self._first: dict[str, str] = {}
        self._sections: dict[str, tuple[str, Any]] = {}

    def read(self, documents: Sequence[Document]) -> Config:
        """Every document, then what holds between them."""
        whole = []
        for document in documents:
            if isinstance(document.content, dict):
                whole.append(document)
                self._top(document)
            else:
                stated = f"must hold a mapping with tokens, not {told(document.content)}"
                self._add(document.file, "", stated)
        tokens = self._tokens(whole, self._defaults())
        between_tokens(tokens, self._add)
        server, log = self._section("server", SERVER, Server()), self._section("log", LOG, Log())
        if self._problems:
            raise ConfigError(tuple(dict.fromkeys(self._problems)))
        return Config(tokens=tuple(token for token, _ in tokens), server=server, log=log)

    def _tokens(
        self, documents: list[Document], defaults: dict[Any, Any]
    ) -> list[tuple[TokenConfig, Place]]:
        """Every token that could be read, with its place."""
        tokens: list[tuple[TokenConfig, Place]] = []
        count = 0
        for document in documents:
            raw = document.content.get("tokens", [])
            if not isinstance(raw, list):
                self._add(document.file, "tokens", f"must be a list, not {told(raw)}")
                continue
            count += len(raw)
            for index, entry in enumerate(raw):
                path = f"tokens[{index}]"
                token = self._token(document.file, path, entry, defaults)
                if token is not None:
                    tokens.append((token, (document.file, path)))
        if documents and not count:
            self._add(documents[0].file, "tokens", "is missing; write at least one token")
        return tokens

    def _add(self, file: str, path: str, message: str) -> None:
        self._problems.append(Problem(file, path, message))

    def _top(self, document: Document) -> None:
        """The top level: known keys only, and each section once."""
        findings = Findings(document.file)
        unknown = {key: None for key in document.content if key not in CONFIG.keys}
        CONFIG.read_keys(unknown, "", findings)
        self._problems += findings.found
        for key in ("defaults", "server", "log"):
            if document.content.get(key) is None:
                continue
            if key in self._sections:
                self._add(
                    document.file, key, f"stands in {self._sections[key][0]} too; keep it in one"
                )
            else:
                self._sections[key] = (document.file, document.content[key])

    def _section(self, key: str, section: Any, default: Part) -> Part:
        if key not in self._sections:
            return default
        file, raw = self._sections[key]
        findings = Findings(file)
        value = section.read(raw, key, findings)
        self._problems += findings.found
        return default if value is BAD else value

    def _defaults(self) -> dict[Any, Any]:
        """The raw defaults, checked on their own so that what is wrong there is said once."""
        file, raw = self._sections.get("defaults", ("", {}))
        findings = Findings(file)
        if isinstance(raw, dict) and "name" in raw:
            findings.add("defaults.name", "each token has a name of its own; remove it")
            raw = {key: value for key, value in raw.items() if key != "name"}
        self._defaults_file = file
        raw = merged({}, raw) if isinstance(raw, dict) else raw
        DEFAULTS.read_keys(raw, "defaults", findings)
        self._problems += findings.found
        return raw if isinstance(raw, dict) else {}

    def _token(
        self, file: str, path: str, raw: Any, defaults: dict[Any, Any]
    ) -> TokenConfig | None:
        own = merged({}, raw) if isinstance(raw, dict) else raw
        whole = merged(defaults, raw) if isinstance(raw, dict) else raw
        findings = Findings(file)
        token = TOKEN.read(whole, path, findings)
        for problem in findings.found:
            self._place(problem, path, own, defaults)
        if token is BAD:
            return None
        if "clientId" in whole.get("auth", {}) and "clientIdFile" in whole.get("auth", {}):
            self._add(file, f"{path}.auth.clientId", "cannot stand beside clientIdFile; keep one")
        for below, message in token_rules(token):
            self._place(Problem(file, path + below, message), path, own, defaults)
        return self._complete(token)

    def _place(self, problem: Problem, path: str, own: Any, defaults: dict[Any, Any]) -> None:
        """A problem of a default is said at the default, and thereby once."""
        below = problem.path.removeprefix(path).removeprefix(".")
        if below and not holds(own, below) and holds(defaults, below):
            problem = Problem(self._defaults_file, f"defaults.{below}", problem.message)
        self._problems.append(problem)

    def _complete(self, token: TokenConfig) -> TokenConfig:
        """`{name}` in paths replaced; equal parts of many tokens held once."""

        def named(path: str) -> str:
            return path.replace("{name}", token.name)

        def perhaps(path: str | None) -> str | None:
            return None if path is None else named(path)

        auth = token.auth
        sinks = tuple(
            replace(sink, path=named(sink.path), render=self._share(sink.render))
            for sink in token.sinks
        )
        return replace(
            token,
            auth=self._share(
                Auth(
                    method=auth.method,
                    client_id=auth.client_id,
                    client_id_file=named(auth.client_id_file),
                    client_secret_file=named(auth.client_secret_file),
                    previous_client_secret_file=perhaps(auth.previous_client_secret_file),
                )
            ),
            tls=self._share(replace(token.tls, ca_file=perhaps(token.tls.ca_file))),
            refresh=self._share(token.refresh),
            request=self._share(token.request, key=repr(token.request)),
            token_url=self._share(token.token_url),
            sinks=sinks,
        )

    def _share(self, value: T, key: Hashable = None) -> T:
        shared: T = self._shared.setdefault(value if key is None else key, value)
        return shared
