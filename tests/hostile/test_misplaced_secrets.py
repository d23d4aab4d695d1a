"""Secrets that somebody wrote where none belongs."""

import pytest

from secret_refresher.config.problems import ConfigError
from secret_refresher.config.read import Document, read


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("clientSecret:hush-hush/+=", '"clientSecret:\u2026"'),
        ("clientSecret=hush-hush", '"clientSecret=\u2026"'),
        ("hush-hush/+=", '"\u2026"'),
        ("hush\nhush: hush", '"\u2026"'),
        ("app.kubernetes.io/name", '"app.kubernetes.io/name"'),
    ],
)
def test_a_secret_in_place_of_a_key_is_not_quoted(key: str, shown: str) -> None:
    """Neither one that stands alone, nor one that a blank is missing before; names are."""
    with pytest.raises(ConfigError) as refused:
        read([Document("a.yaml", {"tokens": [{"name": "a", "auth": {key: None}}]})])
    told = [str(problem) for problem in refused.value.problems if "is not known" in str(problem)]
    assert [line.partition(": is not")[0] for line in told] == [f"a.yaml: tokens[0].auth[{shown}]"]
