"""Where the programs of a test cluster are, and what happens to a test where they are not."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NoReturn

import pytest

_HERE = os.path.dirname(os.path.abspath(__file__))
_BUILD = os.path.join(_HERE, "..", "..", "tools", "cluster", "build")
_REMEDY = "run `make cluster-assets`, or set KUBEBUILDER_ASSETS to a folder of setup-envtest"
SERVERS = ("kube-apiserver", "etcd")


def lacking(what: str, remedy: str = _REMEDY) -> NoReturn:
    """Skips the test with reason and remedy; with STRICT=1 in the environment, fails it."""
    text = f"{what}; {remedy}"
    if os.environ.get("STRICT") == "1":
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def assets() -> str:
    """The folder with kube-apiserver and etcd: KUBEBUILDER_ASSETS, else what the build made.

    A folder that is named but lacks a program is an error in any case: somebody meant it.
    """
    named = os.environ.get("KUBEBUILDER_ASSETS")
    if named:
        absent = [name for name in SERVERS if not _runs(os.path.join(named, name))]
        if absent:
            pytest.fail(
                f"KUBEBUILDER_ASSETS is {named}, which has no {' and no '.join(absent)}; {_REMEDY}",
                pytrace=False,
            )
        return os.path.abspath(named)
    built = subprocess.run(
        [_BUILD, "--where"], capture_output=True, text=True, check=False, timeout=30
    )
    if built.returncode != 0:
        lacking("cluster tests need a kube-apiserver and an etcd, and none are built")
    return built.stdout.strip()


def tool(folder: str, name: str) -> str:
    """The path of a command such as helm: beside the servers, else on the PATH."""
    beside = os.path.join(folder, name)
    found = beside if _runs(beside) else shutil.which(name)
    if found is None:
        lacking(f"there is no {name} in {folder} or on the PATH", "run `make cluster-assets`")
    return found


def _runs(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
