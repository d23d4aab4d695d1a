from __future__ import annotations

import glob
import os
import re
from typing import Any

import pytest
import yaml

from support.image import PROJECT, lacking, program, run

WORKFLOWS = sorted(glob.glob(os.path.join(PROJECT, ".github", "workflows", "*.yml")))
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
SCRIPTS = [
    *("tools/image/build", "tools/image/stand-in-base", "tools/image/tool.sh"),
    *("tools/release/notes", "tools/release/test-wheel", "tools/authorization/build"),
]


def _workflow(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        found: dict[str, Any] = yaml.safe_load(file)
    return found


def test_hadolint_has_nothing_to_say() -> None:
    """The Dockerfile keeps the rules that its readers know."""
    said = run([program("hadolint", "make install"), "Dockerfile"])
    assert (said.returncode, said.stdout) == (0, "")


def test_actionlint_has_nothing_to_say() -> None:
    """The workflows are valid: keys, expressions, contexts, types."""
    go = program("go", "install Go, or run where the project's cluster tests do")
    said = run([go, "run", ACTIONLINT, "-shellcheck=", "-pyflakes=", *WORKFLOWS], limit=110)
    if "dial tcp" in said.stderr:
        lacking("actionlint could not be fetched", "let GOPROXY lead to a Go module proxy")
    assert (said.returncode, said.stdout) == (0, ""), said.stderr


def test_zizmor_has_nothing_to_say() -> None:
    """No workflow can be talked into running what it should not."""
    zizmor = program("zizmor", "make install")
    said = run([zizmor, "--offline", "--no-progress", *WORKFLOWS])
    assert said.returncode == 0, said.stdout


def test_shellcheck_has_nothing_to_say() -> None:
    """The scripts mean what they look like."""
    said = run([program("shellcheck", "apt-get install shellcheck"), "-x", *SCRIPTS])
    assert (said.returncode, said.stdout) == (0, "")


@pytest.mark.parametrize("path", WORKFLOWS, ids=os.path.basename)
def test_actions_are_pinned_by_commit(path: str) -> None:
    """No action changes under our feet; a comment names the version that the commit is."""
    with open(path, encoding="utf-8") as file:
        uses = re.findall(r"uses: (.*)", file.read())
    assert uses
    for use in uses:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use), use


@pytest.mark.parametrize("path", WORKFLOWS, ids=os.path.basename)
def test_jobs_ask_for_their_rights(path: str) -> None:
    """Nothing is granted to all jobs; each names what it needs, and writes only to release."""
    workflow = _workflow(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        writes = {right for right, level in job["permissions"].items() if level != "read"}
        assert writes <= {"packages", "id-token", "attestations", "contents"}, name
        if os.path.basename(path) == "ci.yml":
            assert writes == set(), name


def test_every_supported_python_is_tested() -> None:
    """CI and the release run on each version that the package claims."""
    with open(os.path.join(PROJECT, "pyproject.toml"), encoding="utf-8") as file:
        claimed = re.findall(r"Python :: (3\.\d+)\"", file.read())
    for path, job in (("ci.yml", "versions"), ("release.yml", "test")):
        workflow = _workflow(os.path.join(PROJECT, ".github", "workflows", path))
        assert workflow["jobs"][job]["strategy"]["matrix"]["python"] == claimed


CHANGELOG = """# Changelog

## [Unreleased]

- Not yet.

## [VERSION] - 2026-01-02

### Added

- Much.

## [0.0.1] - 2026-01-01

## [0.0.0] - 2025-01-01

- First.

[VERSION]: https://example.com/
"""


@pytest.fixture
def version() -> str:
    """The package's."""
    said = run(
        ["sed", "-n", 's/^__version__ = "\\(.*\\)"$/\\1/p', "src/secret_refresher/__init__.py"]
    )
    return said.stdout.strip()


def test_release_notes_are_the_changelogs_section(tmp_path: str, version: str) -> None:
    """A release says what the changelog says of its version, no more and no less."""
    changelog = os.path.join(tmp_path, "CHANGELOG.md")
    with open(changelog, "w", encoding="utf-8") as file:
        file.write(CHANGELOG.replace("VERSION", version))
    said = run(["tools/release/notes", version, changelog])
    assert (said.returncode, said.stdout) == (0, "### Added\n\n- Much.\n"), said.stderr


@pytest.mark.parametrize(
    ("tag", "text", "complaint"),
    [
        ("9.9.9", CHANGELOG, "the package has version"),
        ("", "# Changelog\n\n## [Unreleased]\n\n- Not yet.\n", "says nothing of"),
        ("", "## [VERSION] - 2026-01-01\n\n## [0.0.0]\n\n- First.\n", "says nothing of"),
    ],
    ids=["other version", "no section", "empty section"],
)
def test_a_release_without_notes_is_refused(
    tag: str, text: str, complaint: str, tmp_path: str, version: str
) -> None:
    """A tag that package and changelog do not know stops before anything is built."""
    changelog = os.path.join(tmp_path, "CHANGELOG.md")
    with open(changelog, "w", encoding="utf-8") as file:
        file.write(text.replace("VERSION", version))
    said = run(["tools/release/notes", tag or version, changelog])
    assert said.returncode == 1
    assert complaint in said.stderr
    assert "remedy: " in said.stderr
