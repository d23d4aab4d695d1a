"""The sidecar by named templates, and the snippet in the docs."""

import os
import shutil
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.config.model import Config, FileSink
from support.chart import (
    CHART,
    EXAMPLES,
    NEWEST,
    OLDEST,
    ROOT,
    HelmError,
    Object,
    file_token,
    helm,
    one,
    render,
    secret_token,
    source_values,
)

NAME = "secret-refresher"
TEXT = "SECRET_REFRESHER_CONFIG_YAML"


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The example chart with its dependency built."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(CHART, folder / "charts" / NAME)
    path = folder / "examples" / "app-with-sidecar"
    # What somebody built in the checkout is none of it.
    leave = shutil.ignore_patterns("charts", "Chart.lock")
    shutil.copytree(os.path.join(EXAMPLES, "app-with-sidecar"), path, ignore=leave)
    helm("dependency", "update", str(path))
    return str(path)


def snippet() -> Object:
    """examples/sidecar-pod.yaml."""
    with open(os.path.join(EXAMPLES, "sidecar-pod.yaml"), encoding="utf-8") as file:
        found: Object = yaml.safe_load(file)
    return found


def configuration(sidecar: Object) -> Config:
    """What the daemon in a sidecar reads, Kubernetes' own expansion included."""
    [text] = [entry["value"] for entry in sidecar["env"] if entry["name"] == TEXT]
    return ConfigSource(MountReader(), path=None, text=text.replace("$$", "$")).load().config


def app(example: str, values: object = None) -> Object:
    """The example's pod."""
    objects = render(values or {}, chart=example)
    pod: Object = one(objects, "Deployment")["spec"]["template"]["spec"]
    return pod


def with_sidecar(**values: Any) -> Object:
    """Values of the example that replace what its sidecar does."""
    return {NAME: {"sidecar": values}}


def test_the_example_is_sound(example: str) -> None:
    """Lint finds nothing, and Kubernetes takes it, the oldest and the newest."""
    helm("lint", "--strict", example)
    for version in (OLDEST, NEWEST):
        objects = render({}, chart=example, version=version)
        assert [found["kind"] for found in objects] == ["Deployment"]
        kubernetes_validate.validate(objects[0], version, strict=True)


def test_the_sidecar_is_native_and_first(example: str) -> None:
    """It goes on beside the application, which waits for its first token."""
    pod = app(example)
    sidecar = pod["initContainers"][0]
    assert sidecar["name"] == NAME
    assert sidecar["restartPolicy"] == "Always"
    paths = {
        probe: sidecar[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {
        "startupProbe": "/startupz",
        "livenessProbe": "/livez",
        "readinessProbe": "/freshz",
    }


def test_the_application_only_reads(example: str) -> None:
    """Its mount of the small volume in memory is read-only, and it has none of credentials."""
    pod = app(example)
    [volume] = [one for one in pod["volumes"] if one["name"] == NAME]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Mi"}
    [application] = pod["containers"]
    assert application["volumeMounts"] == [
        {"name": NAME, "mountPath": "/var/run/secret-refresher", "readOnly": True}
    ]


def test_another_user_can_read(example: str) -> None:
    """A file has mode 0444 unless it says else, in tokens and in defaults."""
    values = with_sidecar(
        config={
            "defaults": {"tokenUrl": "https://id.example.com/t", "sinks": [{"file": None}]},
            "tokens": [
                {"name": "a"},
                {"name": "b", "sinks": [{"file": {"path": "/var/run/secret-refresher/x/b"}}]},
                {"name": "c", "sinks": [{"file": {"mode": "0440"}}]},
            ],
        },
        credentials={name: {"secretName": name} for name in "abc"},
    )
    config = configuration(app(example, values)["initContainers"][0])
    modes = {
        token.name: sink.mode
        for token in config.tokens
        for sink in token.sinks
        if isinstance(sink, FileSink)
    }
    assert modes == {"a": 0o444, "b": 0o444, "c": 0o440}


@pytest.mark.parametrize("text", ["$(HOME)", "$$(HOME)", "$", "a$b", "{{ accessToken }} '\"\\ \n"])
def test_kubernetes_expands_nothing(example: str, text: str) -> None:
    """A configuration's dollar signs reach the daemon, though Kubernetes expands $(NAME)."""
    values = with_sidecar(
        config={
            "tokens": [
                {
                    "name": "partner-api",
                    "tokenUrl": "https://id.example.com/t",
                    "sinks": [{"file": {"render": text}}],
                }
            ]
        }
    )
    [token] = configuration(app(example, values)["initContainers"][0]).tokens
    [sink] = token.sinks
    assert isinstance(sink, FileSink)
    assert sink.render.template == text


def test_bad_values_are_refused_there_too(example: str) -> None:
    """The application's chart is not installed with a sidecar that cannot work."""
    values = with_sidecar(config={"tokens": [secret_token("partner-api")]})
    with pytest.raises(
        HelmError, match=r"sidecar\.config\.tokens\[0\]\.sinks\[0\]\.secret: a side"
    ):
        app(example, values)
    with pytest.raises(HelmError, match="'sidcar' not allowed"):
        app(example, {NAME: {"sidcar": {}}})


def test_two_sidecars_by_alias(example: str, tmp_path: Any) -> None:
    """The scope decides: a dependency under an alias is taken by that alias."""
    copy = tmp_path / "app"
    shutil.copytree(example, copy)
    chart = yaml.safe_load((copy / "Chart.yaml").read_text())
    chart["dependencies"][0]["alias"] = "tokens"
    (copy / "Chart.yaml").write_text(yaml.safe_dump(chart))
    (copy / "Chart.lock").unlink()
    template = copy / "templates" / "deployment.yaml"
    template.write_text(template.read_text().replace('"secret-refresher" }}', '"tokens" }}'))
    values = yaml.safe_load((copy / "values.yaml").read_text())
    values["tokens"] = values.pop(NAME)
    (copy / "values.yaml").write_text(yaml.safe_dump(values))
    assert app(str(copy))["initContainers"] == app(example)["initContainers"]


def test_the_snippet_is_valid() -> None:
    """Kubernetes knows every field of it, the oldest and the newest."""
    for version in (OLDEST, NEWEST):
        kubernetes_validate.validate(snippet(), version, strict=True)


def test_the_snippet_is_what_the_templates_make(example: str) -> None:
    """The docs show the sidecar that the chart makes, container and volumes."""
    shown, made = snippet()["spec"], app(example)
    theirs, ours = shown["initContainers"][0], made["initContainers"][0]
    assert configuration(theirs) == configuration(ours)
    for sidecar in (theirs, ours):
        del sidecar["env"]
    assert theirs == ours
    assert shown["volumes"] == made["volumes"]
    assert shown["containers"][0]["volumeMounts"] == made["containers"][0]["volumeMounts"]


@pytest.mark.parametrize(
    "name", ["examples/sidecar-pod.yaml", "examples/app-with-sidecar/values.yaml"]
)
def test_the_docs_show_the_tested_files(name: str) -> None:
    """docs/sidecar.md has them word by word."""
    with open(os.path.join(ROOT, "docs", "sidecar.md"), encoding="utf-8") as file:
        docs = file.read()
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        assert f"```yaml\n{file.read()}```\n" in docs


def test_a_profile_makes_what_the_templates_make(example: str) -> None:
    """Injection and templates give the same sidecar."""
    sidecar = {
        "config": source_values(file_token())["config"],
        "credentials": {"a": {"secretName": "s"}},
    }
    values = with_sidecar(**sidecar, caBundles={})
    made = app(example, values)["initContainers"][0]
    policy = one(render({"injection": {"profiles": {"x": sidecar}}}), "MutatingAdmissionPolicy")
    expression = policy["spec"]["mutations"][0]["jsonPatch"]["expression"]
    [value] = [line for line in expression.splitlines() if "/spec/initContainers/0" in line]
    for text in (made["image"], "/startupz", "SECRET_REFRESHER_CONFIG_YAML"):
        assert f'"{text}"' in value
