"""Names that want to lead somewhere else."""

from pathlib import Path
from typing import Any

import pytest

from secret_refresher.config.problems import ConfigError
from secret_refresher.config.read import Document, read

NAMES = [
    "..",
    ".",
    "../../etc/passwd",
    "a/b",
    "a\\b",
    "/etc/passwd",
    "a\0b",
    "a\nb",
    "a b",
    "A",
    "\u0430",
    "a.b",
    "-a",
    "{name}",
    "a{name}",
    "%2e%2e",
    "~root",
    "$HOME",
    "",
    "a" * 64,
]


def refused(token: dict[str, Any]) -> bool:
    """Whether a configuration with this token is refused."""
    whole = {"tokenUrl": "https://id.example.com/t", "sinks": [{"file": {}}], **token}
    try:
        read([Document("a.yaml", {"tokens": [whole]})])
    except ConfigError:
        return True
    return False


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_elsewhere(name: str) -> None:
    """A token's name is put into paths: so nothing but a DNS label is one, nor a Secret's key."""
    assert refused({"name": name})
    assert refused({"name": "a", "sinks": [{"secret": {"name": f"x{name}/y"}}]})
    assert refused({"name": "a", "sinks": [{"secret": {"name": "x", "namespace": f"{name}/y"}}]})
    assert refused({"name": "a", "sinks": [{"secret": {"name": "x", "data": {f"{name}/..": {}}}}]})
    assert not refused({"name": "partner-api"})


@pytest.mark.parametrize(
    "path",
    ["../token", "token", "/a/../b", "/a/./b", "/a//b", "/a/", "/", "/a\0b", "/a\nb", "/a/.."],
)
def test_a_path_is_what_it_says(path: str) -> None:
    """It begins at the top and climbs nowhere, so that two that look different are different."""
    assert refused({"name": "a", "sinks": [{"file": {"path": path}}]})
    assert not refused({"name": "a", "sinks": [{"file": {"path": str(Path("/run/a"))}}]})
