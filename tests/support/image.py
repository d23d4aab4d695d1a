"""The image under test: built once a session with whatever tool is here and works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, final

import pytest

PROJECT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
TOOLS = os.path.join(PROJECT, "tools", "image")
NAME = "secret-refresher:test"
PARTS = "apt-get install podman buildah runc mmdebstrap, or start a Docker engine"
CANARY = "this-line-of-pip-settings-must-stay-out-of-the-image"
BUILD_SECONDS = 600.0


def lacking(what: str, remedy: str) -> NoReturn:
    """Skips the test with reason and remedy; with STRICT=1 in the environment, fails it."""
    text = f"{what}; {remedy}"
    if os.environ.get("STRICT") == "1":
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def run(
    command: Sequence[str], *, limit: float = 60.0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a program in the project's folder; its status is for the caller to judge."""
    return subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=limit,
    )


def program(name: str, remedy: str) -> str:
    """The path of a program on the PATH or beside this Python."""
    beside = os.path.join(os.path.dirname(sys.executable), name)
    found = beside if os.access(beside, os.X_OK) else shutil.which(name)
    if found is None:
        lacking(f"there is no {name}", remedy)
    return found


@final
@dataclass(frozen=True, slots=True)
class Image:
    """A built image and the tool (docker or podman) that has it."""

    tool: str
    name: str

    def config(self) -> Mapping[str, Any]:
        """Its configuration, as OCI names it."""
        told: list[dict[str, Any]] = json.loads(self._out("image", "inspect", self.name))
        config: dict[str, Any] = told[0]["Config"]
        return config

    def files(self) -> list[str]:
        """The path of everything in it."""
        python = "import os\nfor at, dirs, files in os.walk('/'):\n"
        python += (
            "    dirs[:] = [d for d in dirs if at != '/' or d not in ('proc', 'sys', 'dev')]\n"
        )
        python += "    print(*(os.path.join(at, f) for f in dirs + files), sep='\\n')\n"
        return self.python(python).splitlines()

    def python(self, program: str, *flags: str) -> str:
        """What a Python program prints in a container of it, as root, without a network."""
        entry = ("--entrypoint", "/opt/secret-refresher/bin/python")
        flags = ("--rm", "--network", "none", "--user", "0:0", *flags)
        return self._out("run", *flags, *entry, self.name, "-B", "-c", program)

    def _out(self, *arguments: str) -> str:
        done = run([self.tool, *arguments], CONTAINERS_CONF=containers_conf())
        assert done.returncode == 0, done.stderr
        return done.stdout


def containers_conf() -> str:
    """The settings that podman and buildah get, as the scripts give them."""
    return os.environ.get("CONTAINERS_CONF", os.path.join(TOOLS, "containers.conf"))


def build(folder: str) -> Image:
    """Builds it, on a stand-in for the base image where that cannot be pulled.

    Pip's settings, written into the empty `folder`, hold the text `CANARY`.
    """
    settings = os.path.join(folder, "pip.conf")
    if named := os.environ.get("PIP_CONFIG_FILE"):
        shutil.copy(named, settings)
    with open(settings, "a", encoding="ascii") as file:
        file.write(f"\n# {CANARY}\n")
    tool = _tool()
    if tool == "podman":
        based = run([os.path.join(TOOLS, "stand-in-base")], limit=BUILD_SECONDS)
        if based.returncode:
            lacking(f"there is no base image: {based.stderr.strip()}", PARTS)
    built = run(
        [os.path.join(TOOLS, "build"), NAME],
        limit=BUILD_SECONDS,
        IMAGE_TOOL=tool,
        PIP_CONFIG_FILE=settings,
    )
    assert built.returncode == 0, built.stderr[-4000:]
    return Image(tool, NAME)


def _tool() -> str:
    for candidate in ("docker", "podman"):
        if shutil.which(candidate) is None:
            continue
        if run([candidate, "info"], CONTAINERS_CONF=containers_conf()).returncode == 0:
            return candidate
    lacking("neither docker nor podman works here", PARTS)
