"""Arguments, exit statuses, and what is printed where."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import secret_refresher

Ran = subprocess.CompletedProcess[str]
Command = Callable[..., Ran]
COMMANDS = ["run", "check", "rbac", "schema", "status", "demo"]


def test_help_names_every_command(command: Command) -> None:
    """With the exit statuses, on standard output."""
    ran = command("--help")
    assert ran.returncode == 0
    assert ran.stderr == ""
    assert all(f"    {name} " in ran.stdout for name in COMMANDS)
    assert "Exit status: 0" in ran.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(command: Command, name: str) -> None:
    """So has each of them."""
    ran = command(name, "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"usage: secret-refresher {name} ")


def test_version(command: Command) -> None:
    """The package's own."""
    ran = command("--version")
    assert (ran.returncode, ran.stdout) == (0, f"secret-refresher {secret_refresher.__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("hunter2",),
        ("run", "hunter2"),
        ("run", "--client-secret", "hunter2"),
        ("run", "--client-secret=hunter2"),
        ("run", "--once=hunter2"),
        ("run", "-xhunter2"),
        ("check", "--token=hunter2", "--config", "x"),
        ("demo", "--seconds", "hunter2"),
        ("run", "--config"),
        ("run", "--on"),
        ("rbac",),
    ],
    ids=" ".join,
)
def test_wrong_arguments(command: Command, arguments: tuple[str, ...]) -> None:
    """Status 2, usage on standard error; a value, perhaps a secret, is not repeated."""
    ran = command(*arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("usage: secret-refresher ")
    assert "hunter2" not in ran.stderr
    assert "unter2" not in ran.stderr


def test_unknown_options_are_named(command: Command) -> None:
    """The name of an option may be told, and helps."""
    ran = command("run", "--client-secret=hunter2", "--conf", "x")
    assert "arguments that do not exist: --client-secret --conf\n" in ran.stderr


def test_the_installed_command_is_the_module(command: Command) -> None:
    """`secret-refresher` and `python -m secret_refresher` are one."""
    script = os.path.join(os.path.dirname(sys.executable), "secret-refresher")
    shown = subprocess.run([script, "schema"], capture_output=True, text=True, check=True)
    assert shown.stdout == command("schema").stdout


# --- where the configuration is ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["run", "check"])
def test_no_configuration(command: Command, name: str) -> None:
    """All three ways are named."""
    ran = command(name)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        "secret-refresher: configuration: there is none; use --config PATH,"
        " SECRET_REFRESHER_CONFIG (a path) or SECRET_REFRESHER_CONFIG_YAML (the text itself)\n"
    )


def test_each_way(command: Command, good: str, tmp_path: Path) -> None:
    """A file, a folder, a variable with a path, a variable with the text."""
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "config.yaml"
    file.write_text(good)
    variable = "SECRET_REFRESHER_CONFIG"
    for arguments, environment in (
        (("--config", str(file)), {}),
        (("--config", str(folder)), {}),
        (("--config", "folder/config.yaml"), {variable: ""}),
        ((), {variable: str(file)}),
        ((), {variable: str(folder)}),
        ((), {f"{variable}_YAML": good}),
    ):
        ran = command("check", *arguments, environment=environment)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "ok: 1 token, 1 sink\n", "")


@pytest.mark.parametrize("name", ["run", "check"])
def test_several_ways_at_once(command: Command, good: str, tmp_path: Path, name: str) -> None:
    """Nobody has to guess which one wins."""
    (tmp_path / "config.yaml").write_text(good)
    path, text = "SECRET_REFRESHER_CONFIG", "SECRET_REFRESHER_CONFIG_YAML"
    for arguments, environment, told in (
        (("--config", "config.yaml"), {path: "config.yaml"}, f"--config and {path}"),
        (("--config", "config.yaml"), {text: good}, f"--config and {text}"),
        ((), {path: "config.yaml", text: good}, f"{path} and {text}"),
    ):
        ran = command(name, *arguments, environment=environment)
        assert ran.returncode == 2
        assert ran.stderr == (
            f"secret-refresher: configuration: {told} are set; keep one of them\n"
        )


# --- what is printed ---------------------------------------------------------------------------


def test_schema_is_a_schema(command: Command) -> None:
    """JSON on standard output, and nothing else."""
    ran = command("schema")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("arguments", [("schema",), ("check", "--config", "config.yaml")])
def test_a_reader_that_stops_reading(
    command: Command, good: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """`| head -1` is no failure, and nobody complains."""
    (tmp_path / "config.yaml").write_text(good)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        ran = command(*arguments, capture_output=False, stdout=closed, stderr=subprocess.PIPE)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_an_output_that_is_full(command: Command) -> None:
    """What could not be printed is a failure, in one line."""
    with open("/dev/full", "w") as full:
        ran = command("schema", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    told = "secret-refresher: cannot print: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (1, told)
