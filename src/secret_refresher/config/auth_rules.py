"""What must hold within `auth`, once it is clear which method is in force."""

from __future__ import annotations

from collections.abc import Iterator

from secret_refresher.config.drafts import Draft
from secret_refresher.config.methods import BELONGS, SECRETS
from secret_refresher.config.problems import Problem
from secret_refresher.config.sections import Part, given


def auth_problems(draft: Draft) -> Iterator[Problem]:
    """What is wrong within `auth`."""
    auth, method, part = draft.token.auth, draft.token.auth_method, draft.merged.get("auth")
    for key, methods in BELONGS.items():
        if isinstance(part, Part) and given(part.get(key)) and method not in methods:
            yield draft.problem(
                f"belongs to {' and '.join(methods)}, but the method is {method}; remove it, or"
                f" write method: {methods[-1]}",
                ("auth", key),
            )
    if method in SECRETS and auth.previous_client_secret_file == auth.client_secret_file:
        yield draft.problem(
            "is clientSecretFile again; name the file with the secret before, or remove it",
            ("auth", "previousClientSecretFile"),
        )
