"""What must hold between tokens."""

from typing import Any

import pytest

from secret_refresher.config.problems import ConfigError
from secret_refresher.config.read import Document, read


def token(name: str, *paths: str, **more: Any) -> dict[str, Any]:
    """A token with these files."""
    sinks = [{"file": {"path": path}} for path in paths]
    return {"name": name, "tokenUrl": "https://x/", "sinks": sinks, **more}


def problems(*tokens: dict[str, Any], **top: Any) -> list[str]:
    """The problems of these tokens in one document, or none."""
    try:
        read([Document("c.yaml", {"tokens": list(tokens), **top})])
    except ConfigError as refused:
        return [f"{problem.path}: {problem.message}" for problem in refused.problems]
    return []


def test_names_are_unique_across_files() -> None:
    """A second token of a name is refused, and the message says where the first is."""
    first = Document("a.yaml", {"tokens": [token("x", "/1"), token("y", "/2")]})
    second = Document("b.yaml", {"tokens": [token("y", "/3")]})
    with pytest.raises(ConfigError) as refused:
        read([first, second])
    assert str(refused.value) == (
        "b.yaml: tokens[0].name: is the name of tokens[1].name in a.yaml too; choose another"
    )


def test_a_wrong_token_takes_part_in_the_comparison() -> None:
    """Problems between tokens are told in the same round as those within them."""
    wrong = token("a", "/1", refresh={"at": 9})
    assert [problem.partition(": ")[0] for problem in problems(token("a", "/1"), wrong)] == [
        "tokens[1].refresh.at",
        "tokens[1].name",
        "tokens[1].sinks[0].file.path",
    ]


def test_equal_names_are_no_equal_files() -> None:
    """Default files of two tokens of one name are no second problem."""
    tokens = [{"name": "a", "tokenUrl": "https://x/"}, {"name": "a", "tokenUrl": "https://x/"}]
    (problem,) = problems(*tokens, defaults={"sinks": [{"file": {}}]})
    assert problem.startswith("tokens[1].name: is the name of tokens[0].name too")


def test_a_sink_that_is_right_takes_part_beside_one_that_is_not() -> None:
    """A wrong sink hides nothing of the one after it."""
    found = problems(token("a", "/1"), token("b", "relative", "/1"))
    assert [problem.partition(": ")[0] for problem in found] == [
        "tokens[1].sinks[0].file.path",
        "tokens[1].sinks[1].file.path",
    ]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (
            [token("a", "/x", "/x")],
            "tokens[0].sinks[1].file.path: is the file of tokens[0].sinks[0].file.path too",
        ),
        (
            [token("a", "/x"), token("b", "/x")],
            "tokens[1].sinks[0].file.path: is the file of tokens[0].sinks[0].file.path too",
        ),
        (
            [token("a", "/o/{name}"), token("b", "/o/a")],
            "tokens[1].sinks[0].file.path: is the file of tokens[0].sinks[0].file.path too",
        ),
        (
            [token("a", "/x"), token("b", "/x", state="absent")],
            "tokens[1].sinks[0].file.path: is the file of tokens[0].sinks[0].file.path too",
        ),
        (
            [token("a", "/x"), token("b", "/x/y")],
            "tokens[1].sinks[0].file.path: lies below the file of tokens[0].sinks[0].file.path",
        ),
        (
            [token("a", "/x/y/z"), token("b", "/x")],
            "tokens[0].sinks[0].file.path: lies below the file of tokens[1].sinks[0].file.path",
        ),
        (
            [token("a", "/x"), token("b", "/.x.meta.json/y")],
            "tokens[1].sinks[0].file.path: lies below the file of tokens[0].sinks[0].file.path",
        ),
        (
            [token("a", "/s", auth={"clientSecretFile": "/s"})],
            "tokens[0].sinks[0].file.path: is a file that credentials are read from",
        ),
        (
            [token("a", "/1", auth={"clientIdFile": "/i"}), token("b", "/i")],
            "tokens[1].sinks[0].file.path: is a file that credentials are read from",
        ),
        (
            [token("a", "/ca"), token("b", "/1", tls={"caFile": "/ca"})],
            "tokens[0].sinks[0].file.path: is a file that credentials are read from",
        ),
        (
            [token("a", "/s", auth={"previousClientSecretFile": "/.s.meta.json"})],
            "tokens[0].sinks[0].file.path: is a file that credentials are read from",
        ),
        (
            [token("a", "/etc/secret-refresher/credentials/a/client_secret")],
            "tokens[0].sinks[0].file.path: is a file that credentials are read from",
        ),
        (
            [token("a", "/etc/secret-refresher")],
            "tokens[0].sinks[0].file.path: is the folder of /etc/secret-refresher/credentials/a",
        ),
    ],
)
def test_files_that_get_in_each_other_s_way(tokens: list[dict[str, Any]], expected: str) -> None:
    """No file is written twice, over a credential, or in the place of a folder."""
    found = problems(*tokens)
    assert found
    assert found[0].startswith(expected)


@pytest.mark.parametrize(
    "tokens",
    [
        [token("a", "/x"), token("b", "/y/x")],
        [token("a", "/x"), token("b", "/xy")],
        [token("a", "/x/a"), token("b", "/x/b")],
        [token("a", "/i", auth={"clientId": "me", "clientSecretFile": "/s"})],
        [token("a", "/1"), token("b", "/s", state="absent", auth={"clientSecretFile": "/s"})],
    ],
)
def test_files_that_go_together(tokens: list[dict[str, Any]]) -> None:
    """Neighbours in a folder are none of these."""
    assert problems(*tokens) == []


def test_a_default_path_without_the_name_is_told_once() -> None:
    """One file for several tokens is the default's fault, and told there."""
    sinks = [{"file": {"path": "/run/token"}}]
    tokens = [{"name": f"t{i}", "tokenUrl": "https://x/"} for i in range(5)]
    assert problems(*tokens, defaults={"sinks": sinks}) == [
        "defaults.sinks[0].file.path: is one file for several tokens; write {name} into it"
    ]


def test_two_default_sinks_on_one_path() -> None:
    """Even of one token alone, a default path that stands twice is refused."""
    sinks = [{"file": {"path": "/run/{name}"}}, {"file": {}}, {"file": {"path": "/run/{name}"}}]
    tokens = [{"name": f"t{i}", "tokenUrl": "https://x/"} for i in range(3)]
    (problem,) = problems(*tokens, defaults={"sinks": sinks})
    there = "defaults.sinks[0].file.path"
    assert problem.startswith(f"defaults.sinks[2].file.path: is the file of {there} too;")
