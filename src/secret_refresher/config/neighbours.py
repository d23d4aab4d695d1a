"""What must hold between tokens: unique names, and sinks that do not get into each other's way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secret_refresher.config import checks
from secret_refresher.config.drafts import Draft, Place
from secret_refresher.config.model import FileSink, SecretSink, State
from secret_refresher.config.problems import Path, Problem
from secret_refresher.config.rules import input_files


def between_tokens(drafts: Sequence[Draft]) -> Iterator[Problem]:
    """What is wrong between tokens, and between the files of one."""
    yield from _names(drafts)
    yield from _outputs(drafts)
    yield from _secrets(drafts)


def _names(drafts: Sequence[Draft]) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for draft in drafts:
        here = draft.place(("name",))
        there = first.setdefault(draft.token.name, here)
        if there != here:
            yield Problem(*here, f"is the name of {_told(there, here)} too; choose another")


def _outputs(drafts: Sequence[Draft]) -> Iterator[Problem]:
    read = {
        file
        for draft in drafts
        if draft.token.state is State.PRESENT and draft.right("auth", "tls")
        for _, file in input_files(draft.token)
    }
    # Each file with its place and its token: one place in `defaults` is that of many tokens.
    written: dict[str, tuple[Place, str]] = {}
    for draft, path, file in _sinks(drafts):
        here = draft.place(path)
        for problem in (checks.length(file), checks.output_name(file)):
            if problem is not None:
                yield Problem(*here, problem)
        mine = (file, meta_file(file))
        if not read.isdisjoint(mine):
            yield Problem(*here, "is a file that credentials are read from; choose another")
        there, other = written.get(file, (here, draft.token.name))
        if there != here:
            yield Problem(*here, f"is the file of {_told(there, here)} too; choose another")
        elif other != draft.token.name:
            yield Problem(*here, "is one file for several tokens; write {name} into it")
        for name in mine:
            written.setdefault(name, (here, draft.token.name))
    yield from _folders(written, read)


def _sinks(drafts: Sequence[Draft]) -> Iterator[tuple[Draft, Path, str]]:
    for draft in drafts:
        for index, sink in enumerate(draft.token.sinks):
            if isinstance(sink, FileSink):
                yield draft, ("sinks", index, "file", "path"), sink.path


def _secrets(drafts: Sequence[Draft]) -> Iterator[Problem]:
    """Two tokens cannot share a Secret: its annotations tell of one.

    Where namespaces are selected by labels, only the daemon can see whether two sinks meet.
    """
    written: dict[tuple[str, str], tuple[Place, str]] = {}
    for draft in drafts:
        for index, sink in enumerate(draft.token.sinks):
            if not isinstance(sink, SecretSink):
                continue
            here = draft.place(("sinks", index, "secret", "name"))
            for where in _where(sink):
                there, other = written.setdefault((where, sink.name), (here, draft.token.name))
                if there != here:
                    yield Problem(
                        *here, f"is the Secret of {_told(there, here)} too; choose another"
                    )
                elif other != draft.token.name:
                    yield Problem(*here, "is one Secret for several tokens; write {name} into it")


def _where(sink: SecretSink) -> Iterator[str]:
    """Its namespaces as far as the configuration tells; empty for the pod's own."""
    if sink.namespace_selector is not None:
        yield f"selected by {sink.namespace_selector.query()}"
    for namespace in dict.fromkeys(sink.fixed_namespaces):
        yield namespace or ""


def _folders(written: dict[str, tuple[Place, str]], read: set[str]) -> Iterator[Problem]:
    """A file cannot be the folder of another."""
    for file in sorted(read | written.keys()):
        for above in _above(file):
            if above in written:
                there, _ = written[above]
                if file in written:
                    here, _ = written[file]
                    message = f"lies below the file of {_told(there, here)}; choose another folder"
                    yield Problem(*here, message)
                else:
                    yield Problem(*there, f"is the folder of {file}; choose another name")


def _above(file: str) -> Iterator[str]:
    while file := file.rpartition("/")[0]:
        yield file


def meta_file(file: str) -> str:
    """The file beside an output that says what the latter holds."""
    folder, _, name = file.rpartition("/")
    return f"{folder}/.{name}.meta.json"


def _told(there: Place, here: Place) -> str:
    """Another place, as seen from here."""
    return there[1] if there[0] == here[0] else f"{there[1]} in {there[0]}"
