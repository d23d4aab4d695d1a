"""Machines on which the programs of a test cluster are not there yet."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

import pytest

_HERE = os.path.dirname(os.path.abspath(__file__))
_BUILD = os.path.join(_HERE, "..", "..", "tools", "cluster", "build")


def run(command: list[str], **changed: str) -> subprocess.CompletedProcess[str]:
    """Runs with a changed environment; an empty value removes a variable."""
    environment: Mapping[str, str] = {
        name: value for name, value in {**os.environ, **changed}.items() if value
    }
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env=environment
    )


def one_cluster_test(**changed: str) -> subprocess.CompletedProcess[str]:
    """Runs one cluster test in a session of its own."""
    test = os.path.join(_HERE, "test_harness.py::test_version")
    pytest_command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", test]
    return run(pytest_command, **changed)


@pytest.mark.parametrize(("strict", "verdict"), [("", "1 skipped"), ("1", "1 error")])
def test_no_assets(tmp_path: str, strict: str, verdict: str) -> None:
    """Without programs a cluster test is skipped with reason and remedy; strictly, it fails."""
    done = one_cluster_test(KUBEBUILDER_ASSETS="", XDG_CACHE_HOME=str(tmp_path), STRICT=strict)
    assert verdict in done.stdout
    assert "make cluster-assets" in done.stdout
    assert (done.returncode != 0) is bool(strict)


def test_wrong_folder(tmp_path: str) -> None:
    """A KUBEBUILDER_ASSETS that lacks the programs is an error, never a skip."""
    done = one_cluster_test(KUBEBUILDER_ASSETS=str(tmp_path), STRICT="")
    assert done.returncode != 0
    assert f"KUBEBUILDER_ASSETS is {tmp_path}, which has no kube-apiserver" in done.stdout


def test_where_builds_nothing(tmp_path: str) -> None:
    """`build --where` names a folder of the cache, and says by its status that it is not there."""
    done = run([_BUILD, "--where"], XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 1
    assert done.stdout.startswith(f"{tmp_path}/secret-refresher/cluster/")
    assert os.listdir(tmp_path) == []


def test_build_without_go(tmp_path: str) -> None:
    """A machine without Go is told what to install, or to do without."""
    commands = os.path.join(tmp_path, "bin")
    os.mkdir(commands)
    for name in "bash cat cut dirname flock mkdir sed sha256sum uname".split():
        found = shutil.which(name)
        assert found is not None
        os.symlink(found, os.path.join(commands, name))
    done = run([_BUILD], PATH=commands, XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 1
    assert "there is no 'go' on the PATH" in done.stderr
    assert "remedy: install Go 1." in done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go")
def test_build_without_modules(tmp_path: str) -> None:
    """A module proxy that cannot be reached is named as the cause, and nothing half-built stays."""
    done = run(
        [_BUILD],
        XDG_CACHE_HOME=str(tmp_path),
        GOMODCACHE=os.path.join(tmp_path, "modules"),
        GOCACHE=os.path.join(tmp_path, "objects"),
        GOPROXY="http://127.0.0.1:9",
    )
    assert done.returncode == 1
    assert "the Go modules could not be had" in done.stderr
    assert "remedy: " in done.stderr
    assert done.stdout == ""
    assert os.listdir(os.path.join(tmp_path, "secret-refresher", "cluster")) == [".lock"]


def test_build_with_a_wrong_argument() -> None:
    """A misspelt option builds nothing."""
    done = run([_BUILD, "--were"])
    assert done.returncode == 1
    assert "unknown argument '--were'" in done.stderr
