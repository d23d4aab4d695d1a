"""What the chart makes is what Kubernetes takes, from the oldest supported to the newest."""

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from support.chart import INJECTING, NEWEST, OLDEST, Object, ci_values, render

CUSTOM = {"monitoring.coreos.com/v1"}
"""Of other people's custom resources there are no schemas here."""
CASES = [
    (name, version)
    for name in ci_values()
    for version in (OLDEST, INJECTING, NEWEST)
    if name != "injection" or version != OLDEST
]


def invalid(found: Object, version: str) -> str | None:
    """What is wrong with an object; unknown fields are."""
    try:
        kubernetes_validate.validate(found, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{found['kind']} {found['metadata']['name']}: {error.message}"
    return None


@pytest.mark.parametrize(("name", "version"), CASES)
def test_manifests_are_valid(name: str, version: str) -> None:
    """Every object has only fields that Kubernetes knows, of the types that it wants."""
    objects = render(ci_values()[name], version=version)
    checked = [found for found in objects if found["apiVersion"] not in CUSTOM]
    assert [problem for found in checked if (problem := invalid(found, version))] == []
    assert checked or name == "sidecar"


def test_an_unknown_field_is_found() -> None:
    """The check itself sees a field that is not known."""
    objects = render(ci_values()["source"])
    [deployment] = [found for found in objects if found["kind"] == "Deployment"]
    deployment["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    problem = invalid(deployment, NEWEST)
    assert problem is not None
    assert "livenesProbe" in problem


@pytest.mark.parametrize("name", ci_values())
def test_names_are_unique(name: str) -> None:
    """No object stands in a release twice."""
    keys = [
        (found["kind"], found["metadata"].get("namespace"), found["metadata"]["name"])
        for found in render(ci_values()[name])
    ]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", ["a" * 53, "secret-refresher", "a.b"])
def test_long_and_odd_release_names(name: str) -> None:
    """Names and labels stay as short as Kubernetes wants, whatever the release is called."""
    values = {**ci_values()["injection"], "fullnameOverride": name}
    for found in render(values, namespace="n" * 63):
        assert len(found["metadata"]["name"]) <= 253
        assert invalid(found, INJECTING) is None
        for value in found["metadata"]["labels"].values():
            assert len(value) <= 63
