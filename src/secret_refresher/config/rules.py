"""What must hold between keys, and between tokens. Paths are those of the merged result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from secret_refresher.config import checks
from secret_refresher.config.model import (
    FileSink,
    RequestFormat,
    RequestMethod,
    State,
    TokenConfig,
)

Place = tuple[str, str]
"""A file and a path in it."""
Complain = Callable[[str, str, str], None]
"""Takes a file, a path and a sentence."""
Trouble = tuple[str, str]
"""A path below the token, and a sentence."""


_INSECURE = (
    "must be https://, or everybody on the way can read the credentials; if it must be http://,"
    " write allowInsecure: true"
)


def token_rules(token: TokenConfig) -> Iterator[Trouble]:
    """What is wrong within one token."""
    if not token.sinks:
        yield ".sinks", "is missing; name at least one file, or nobody gets the token"
    if token.state is State.ABSENT:
        return
    if not token.token_url:
        yield ".tokenUrl", "is missing; write the token endpoint's URL"
    else:
        parts = urlsplit(token.token_url)
        if parts.scheme == "http" and not checks.loopback(parts) and not token.allow_insecure:
            yield ".tokenUrl", _INSECURE
    yield from _request_rules(token)


def _request_rules(token: TokenConfig) -> Iterator[Trouble]:
    request = token.request
    if request.format is RequestFormat.JSON:
        if request.method is RequestMethod.GET:
            yield ".request.method", "GET has no body for format: json; use POST, or format: form"
        return
    for name, value in request.parameters.items():
        values = value if isinstance(value, tuple) else (value,)
        if any(isinstance(item, dict | tuple) or item is None for item in values):
            yield (
                f".request.parameters.{name}",
                "must be a text, number, boolean or a list of them; a form cannot say more",
            )


def between_tokens(tokens: list[tuple[TokenConfig, Place]], complain: Complain) -> None:
    """What is wrong between tokens: names, and files that get into each other's way."""
    names: dict[str, Place] = {}
    for token, (file, path) in tokens:
        if token.name in names:
            complain(file, f"{path}.name", f"is also the name of {_where(names[token.name], file)}")
        names.setdefault(token.name, (file, path))
    inputs = {
        name for token, _ in tokens if token.state is State.PRESENT for name in _inputs(token)
    }
    outputs: dict[str, Place] = {}
    for token, (file, path) in tokens:
        for index, sink in enumerate(token.sinks):
            at = f"{path}.sinks[{index}].file.path"
            if sink.path in inputs:
                complain(file, at, "is also a file that credentials or certificates come from")
            written = (sink.path, meta_path(sink))
            taken = next((name for name in written if name in outputs), None)
            if taken is not None:
                complain(file, at, f"is also written by {_where(outputs[taken], file)}")
            for name in written:
                outputs.setdefault(name, (file, at))
    _below(outputs, complain)


def _below(outputs: dict[str, Place], complain: Complain) -> None:
    """A file cannot be the folder of another."""
    for written, (file, at) in outputs.items():
        above = written.rpartition("/")[0]
        while above and above not in outputs:
            above = above.rpartition("/")[0]
        if above:
            complain(file, at, f"lies below the file of {_where(outputs[above], file)}")


def meta_path(sink: FileSink) -> str:
    """The file beside a token's file that says what the latter holds."""
    folder, _, name = sink.path.rpartition("/")
    return f"{folder}/.{name}.meta.json"


def _inputs(token: TokenConfig) -> Iterator[str]:
    auth = token.auth
    if auth.client_id is None:
        yield auth.client_id_file
    yield auth.client_secret_file
    if auth.previous_client_secret_file is not None:
        yield auth.previous_client_secret_file
    if token.tls.ca_file is not None:
        yield token.tls.ca_file


def _where(place: Place, file: str) -> str:
    return place[1] if place[0] == file else f"{place[1]} in {place[0]}"
