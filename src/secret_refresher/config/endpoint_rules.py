"""What must hold between the keys that say where a token is asked for, and over what TLS."""

from __future__ import annotations

from collections.abc import Iterator

from secret_refresher.config import checks
from secret_refresher.config.drafts import Draft
from secret_refresher.config.methods import SHOWN
from secret_refresher.config.model import State
from secret_refresher.config.problems import Problem

_INSECURE = (
    "must be https://, or everybody on the way can read the credentials; if that is meant, write"
    " allowInsecure: true"
)


def endpoint_problems(draft: Draft) -> Iterator[Problem]:
    """What is wrong with the URL of the token endpoint, or with the issuer in its place."""
    token = draft.token
    if not token.asked_at:
        if token.state is State.PRESENT:
            yield draft.problem(
                "is missing; write the URL of the token endpoint, or issuer, or state: absent",
                ("tokenUrl",),
            )
    elif not token.allow_insecure and checks.goes_unencrypted(token.asked_at):
        key = "tokenUrl" if token.issuer is None else "issuer"
        yield draft.problem(_INSECURE, (key,), ("allowInsecure",))


def tls_problems(draft: Draft) -> Iterator[Problem]:
    """A client certificate has its key, TLS to be shown in, and a method that may need it."""
    token = draft.token
    if token.tls.cert_file is None:
        if token.tls.key_file is not None:
            yield draft.problem(
                "is the key of a certificate, and certFile is missing; name it, or remove this",
                ("tls", "keyFile"),
            )
        if token.auth.method in SHOWN:
            yield draft.problem(
                "needs a client certificate; name its file in tls.certFile", ("auth", "method")
            )
    elif token.token_url.lower().startswith("http:"):
        yield draft.problem(
            "is shown in TLS, and tokenUrl is http://; write https:// there, or remove this",
            ("tls", "certFile"),
            ("tokenUrl",),
        )
