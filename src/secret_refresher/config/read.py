"""Documents in, one frozen configuration out, or every problem at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, final

from secret_refresher.config.complete import Completion
from secret_refresher.config.drafts import Defaults, Draft
from secret_refresher.config.election import Election
from secret_refresher.config.election_rules import election_problems
from secret_refresher.config.grammar import CONFIG, DEFAULTS, KUBERNETES, LOG, SERVER, TOKEN
from secret_refresher.config.grammar_election import ELECTION
from secret_refresher.config.merge import merged
from secret_refresher.config.methods import identified
from secret_refresher.config.model import Config, Kubernetes, Log, Server, TokenConfig
from secret_refresher.config.neighbours import between_tokens
from secret_refresher.config.problems import ConfigError, Findings, Problem
from secret_refresher.config.rules import token_problems
from secret_refresher.config.sections import Part, Section, given
from secret_refresher.config.shapes import BAD, kind

T = TypeVar("T", Server, Kubernetes, Election, Log)
_ONCE = ("defaults", "server", "kubernetes", "election", "log")


@final
@dataclass(frozen=True, slots=True)
class Document:
    """One file's content as YAML has it, or a `ConfigError` that says why it has none.

    `file` is its name for people. What it holds is not shown: nobody knows yet what that is.
    """

    file: str
    content: object = field(repr=False)


def read(documents: Sequence[Document]) -> Config:
    """Puts the documents' tokens together; every other key may stand in one document only.

    Raises `ConfigError` with every problem of every document.
    """
    return _Reader(documents).read()


@final
class _Reader:
    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents
        self._problems: list[Problem] = []
        self._completion = Completion()

    def read(self) -> Config:
        """1. Every document's top. 2. What stands once. 3. Each token. 4. Between tokens."""
        tops = list(self._tops())
        once = self._once(tops)
        server = self._section(once, "server", SERVER, Server())
        kubernetes = self._section(once, "kubernetes", KUBERNETES, Kubernetes())
        election = self._section(once, "election", ELECTION, Election())
        log = self._section(once, "log", LOG, Log())
        complete = len(tops) == len(self._documents)
        defaults = self._defaults(once, known=complete)
        drafts = [
            draft
            for file, top in tops
            for index, raw in enumerate(self._entries(file, top))
            if (draft := self._draft(file, index, raw, defaults)) is not None
        ]
        if complete and all(top.get("tokens") is None for _, top in tops):
            file = tops[0][0] if tops else ""
            self._add(file, "tokens", "is missing; write tokens: and below it - name: and so on")
        self._problems += between_tokens(drafts)
        if "election" in once and election is not BAD:
            self._problems += election_problems(election, once["election"][0], drafts)
        if self._problems:
            raise ConfigError(tuple(dict.fromkeys(self._problems)))
        tokens = tuple(draft.token for draft in drafts)
        return Config(
            tokens=tokens, server=server, kubernetes=kubernetes, election=election, log=log
        )

    def _add(self, file: str, path: str, message: str) -> None:
        self._problems.append(Problem(file, path, message))

    def _tops(self) -> Iterator[tuple[str, dict[Any, Any]]]:
        """The documents that are mappings, less what is not known in them."""
        for document in self._documents:
            top = document.content
            if isinstance(top, ConfigError):
                self._problems += top.problems
            elif isinstance(top, dict):
                findings = Findings(document.file)
                CONFIG.read(dict.fromkeys(top), (), findings)
                self._problems += findings.found
                yield document.file, top
            else:
                self._add(document.file, "", f"must be a mapping with tokens, not {kind(top)}")

    def _once(self, tops: Sequence[tuple[str, dict[Any, Any]]]) -> dict[str, tuple[str, Any]]:
        """The sections that may stand in one document only, with their files."""
        once: dict[str, tuple[str, Any]] = {}
        for file, top in tops:
            for key in _ONCE:
                if top.get(key) is None:
                    continue
                if key in once:
                    self._add(file, key, f"stands in {once[key][0]} too; keep it in one file")
                once.setdefault(key, (file, top[key]))
        return once

    def _section(
        self, once: dict[str, tuple[str, Any]], key: str, section: Section, default: T
    ) -> T:
        if key not in once:
            return default
        file, raw = once[key]
        findings = Findings(file)
        value: T = section.whole(raw, (key,), findings)
        self._problems += findings.found
        return value

    def _defaults(self, once: dict[str, tuple[str, Any]], *, known: bool) -> Defaults:
        if "defaults" not in once:
            return Defaults(known=known)
        file, raw = once["defaults"]
        findings = Findings(file)
        if isinstance(raw, dict) and "name" in raw:
            findings.add(("defaults", "name"), "must stand in each token itself; remove it here")
            raw = {key: value for key, value in raw.items() if key != "name"}
        part = DEFAULTS.read(raw, ("defaults",), findings)
        self._problems += findings.found
        if part is BAD:
            return Defaults(known=False)
        return Defaults(file, merged(Part(), part))

    def _entries(self, file: str, top: dict[Any, Any]) -> list[Any]:
        raw = top.get("tokens")
        if raw is None or isinstance(raw, list):
            return raw or []
        self._add(file, "tokens", f"must be a list, not {kind(raw)}; write - before each token")
        return []

    def _draft(self, file: str, index: int, raw: Any, defaults: Defaults) -> Draft | None:
        """What can be said of one token; None where it cannot be told from others."""
        at = ("tokens", index)
        findings = Findings(file)
        own = TOKEN.read(raw, at, findings)
        if own is not BAD:
            TOKEN.require(own, at, findings)
        self._problems += findings.found
        if own is BAD:
            return None
        both = merged(defaults.part, own)
        named = given(own.get("name"))
        built: TokenConfig = TOKEN.build(both if named else Part(both, name="?"))
        built = replace(built, auth=identified(built.auth, both.get("auth")))
        token = self._completion.complete(built)
        draft = Draft(file, at, own, both, defaults, token)
        if defaults.known:
            self._problems += token_problems(draft)
        return draft if named else None
