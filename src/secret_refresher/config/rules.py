"""What must hold between the keys of one token, looked at with the defaults in it.

A rule looks only at what was read without a problem, so that nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from secret_refresher.config import checks
from secret_refresher.config.auth_rules import auth_problems
from secret_refresher.config.consumer_rules import consumer_problems
from secret_refresher.config.drafts import Draft
from secret_refresher.config.endpoint_rules import endpoint_problems, tls_problems
from secret_refresher.config.methods import credential_files
from secret_refresher.config.model import RequestFormat, RequestMethod, TokenConfig
from secret_refresher.config.parameters import fits_a_form
from secret_refresher.config.problems import Path, Problem
from secret_refresher.config.secret_rules import secret_problems

_NOT_FORM = (
    "must be a text, a number, a boolean or a list of them; a form can say no more, so write it"
    " as a text, or request.format: json"
)


def token_problems(draft: Draft) -> Iterator[Problem]:
    """What is wrong within one token."""
    if draft.right("sinks") and not draft.token.sinks:
        yield draft.problem("is missing; name a file, or nobody gets the token", ("sinks",))
    if draft.right("state", "tokenUrl", "issuer", "allowInsecure"):
        yield from endpoint_problems(draft)
    if draft.right("request"):
        yield from _request(draft)
    if draft.right("name", "auth", "tls"):
        yield from _inputs(draft)
    if draft.right("tokenUrl", "auth", "tls"):
        yield from tls_problems(draft)
    if draft.right("auth", "request"):
        yield from auth_problems(draft)
    yield from secret_problems(draft)
    yield from consumer_problems(draft)


def _request(draft: Draft) -> Iterator[Problem]:
    request = draft.token.request
    if request.format is RequestFormat.FORM:
        for name, value in request.parameters.items():
            if not fits_a_form(value):
                yield draft.problem(_NOT_FORM, ("request", "parameters", name))
    elif request.method is RequestMethod.GET:
        yield draft.problem(
            "GET has no body, and format: json needs one; write method: POST, or format: form",
            ("request", "method"),
            ("request", "format"),
        )
    first: dict[str, str] = {}
    for name in request.headers:
        same = first.setdefault(name.lower(), name)
        if same != name:
            yield draft.problem(
                f"is the same header as {same}; keep one", ("request", "headers", name)
            )


def _inputs(draft: Draft) -> Iterator[Problem]:
    for path, file in input_files(draft.token):
        problem = checks.length(file)
        if problem is not None:
            yield draft.problem(problem, path)


def input_files(token: TokenConfig) -> Iterator[tuple[Path, str]]:
    """Every file that the token needs, and where the configuration names it."""
    for key, file in credential_files(token.auth, token.auth_method):
        yield ("auth", key), file
    files = {
        "caFile": token.tls.ca_file,
        "certFile": token.tls.cert_file,
        "keyFile": token.tls.key_file,
    }
    for key, named in files.items():
        if named is not None:
            yield ("tls", key), named
