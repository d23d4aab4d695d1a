"""What is made from values.yaml, and the chart's files as such."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from secret_refresher import __version__
from support.chart import CHART, ROOT, HelmError, ci_values, helm, render

GENERATE = os.path.join(ROOT, "tools", "chart", "generate.py")
FREE = {
    "free",
    "objects",
}
"""Definitions that leave the shape to Kubernetes."""


def schema() -> dict[str, Any]:
    """values.schema.json."""
    with open(os.path.join(CHART, "values.schema.json"), encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


def chart() -> dict[str, Any]:
    """Chart.yaml."""
    with open(os.path.join(CHART, "Chart.yaml"), encoding="utf-8") as file:
        found: dict[str, Any] = yaml.safe_load(file)
    return found


def test_made_files_are_up_to_date() -> None:
    """values.schema.json and the README's table are what values.yaml makes them."""
    done = subprocess.run(
        [sys.executable, GENERATE, "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_outdated_file_is_told(tmp_path: Any) -> None:
    """`--check` fails where a value or a sentence was added, and without it the file is mended."""
    for name in ("values.yaml", "README.md", "values.schema.json"):
        with open(os.path.join(CHART, name), encoding="utf-8") as file:
            (tmp_path / name).write_text(file.read())
    values = tmp_path / "values.yaml"
    values.write_text(values.read_text() + "\n# A new one.\nanother: true\n")
    command = [sys.executable, GENERATE, "--chart", str(tmp_path)]
    outdated = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert outdated.returncode == 1
    assert outdated.stderr.count("is not up to date; run .venv/bin/python tools/") == 2
    subprocess.run(command, capture_output=True, check=True)
    subprocess.run([*command, "--check"], check=True)
    assert "| `another` | `true` | A new one. |" in (tmp_path / "README.md").read_text()


def test_the_schema_is_one() -> None:
    """values.schema.json is a valid schema of draft 7, which every Helm validates."""
    jsonschema.Draft7Validator.check_schema(schema())


def objects(part: Any, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of an object, with its place."""
    if isinstance(part, list):
        for index, item in enumerate(part):
            yield from objects(item, f"{at}/{index}")
    if isinstance(part, dict):
        if "object" in str(part.get("type")) or "properties" in part:
            yield at, part
        for key, value in part.items():
            yield from objects(value, f"{at}/{key}")


def test_the_schema_is_closed() -> None:
    """No mapping takes unknown keys, but for maps of the user's own and what Kubernetes checks."""
    whole = schema()
    whole["definitions"] = {
        name: one for name, one in whole["definitions"].items() if name not in FREE
    }
    opened = {at for at, one in objects(whole, "") if "additionalProperties" not in one}
    # What is below `not` and `oneOf` adds conditions to an object that is closed.
    assert {at for at in opened if not re.search("/(not|oneOf)(/|$)", at)} == {
        "/properties/global",
        "/properties/extraObjects/items",
        "/definitions/peers/items/properties/ipBlock",
        "/definitions/peers/items/properties/namespaceSelector",
        "/definitions/peers/items/properties/podSelector",
        "/definitions/env/items/properties/valueFrom",
    }


@pytest.mark.parametrize(
    "place",
    [
        "nobody",
        "image.nobody",
        "config.nobody",
        "config.kubernetes.nobody",
        "networkPolicy.dns.nobody",
        "serviceMonitor.nobody",
        "sidecar.startupProbe.nobody",
        "sidecar.config.nobody",
        "injection.profiles.x.nobody",
        "credentials.x.nobody",
    ],
)
def test_unknown_keys_are_refused(place: str) -> None:
    """A key that is not known is refused, with its name and where it is."""
    *above, _ = place.split(".")
    with pytest.raises(HelmError) as refused:
        render({}, "--set", f"{place}=1")
    where = "/".join(["", *above])
    assert f"at '{where}'" in str(refused.value)
    assert "'nobody' not allowed" in str(refused.value)


def paths(part: Any, above: str = "") -> Iterator[str]:
    """Every value and section of the schema, as `--set` names it."""
    for key, value in part.get("properties", {}).items():
        yield f"{above}{key}"
        yield from paths(value, f"{above}{key}.")


@pytest.mark.parametrize("path", list(paths(schema())))
def test_null_is_understood(path: str) -> None:
    """Null removes a default: that is taken, or refused by name, and no template falls over it."""
    values = ci_values()
    everything = {**values["everything"], "injection": values["injection"]["injection"]}
    try:
        render(everything, "--set", f"{path}=null")
    except HelmError as refused:
        text = str(refused)
        assert "missing property" in text or "these values cannot work" in text, text


def test_versions_agree() -> None:
    """The chart installs the version that it comes with."""
    assert chart()["appVersion"] == __version__
    assert chart()["version"] == __version__


@pytest.mark.parametrize("name", [None, *ci_values()])
def test_lint(name: str | None) -> None:
    """`helm lint --strict` finds nothing, with any of the values in `ci`."""
    values = [] if name is None else ["--values", os.path.join(CHART, "ci", f"{name}-values.yaml")]
    helm("lint", "--strict", CHART, "--kube-version", "1.36", *values)


def test_nothing_by_default() -> None:
    """Without tokens and profiles nothing is made: as a dependency the chart only has templates."""
    assert render({}) == []
    assert render(ci_values()["sidecar"]) == []


@pytest.mark.parametrize(("version", "fits"), [("1.28", False), ("1.29", True), ("1.37", True)])
def test_kube_version(version: str, fits: bool) -> None:  # noqa: FBT001
    """Kubernetes without native sidecars is refused."""
    if fits:
        render({}, version=version)
        return
    with pytest.raises(HelmError, match=r"requires kubeVersion: >=1\.29\.0-0"):
        render({}, version=version)
