"""`secret-refresher check`, as somebody who writes a configuration meets it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from support.daemon import entry, settings

Ran = subprocess.CompletedProcess[str]
Command = Callable[..., Ran]
URL = "https://id.example.com/token"


def test_a_right_configuration(command: Command, tmp_path: Path) -> None:
    """One line says what there is."""
    tokens = [entry(f"{URL}/{name}", tmp_path, name) for name in ("a", "b")]
    (tmp_path / "c.yaml").write_text(str(settings(*tokens)))
    ran = command("check", "--config", "c.yaml")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "ok: 2 tokens, 2 sinks\n", "")


def test_all_problems_at_once(command: Command, tmp_path: Path) -> None:
    """Each with file, path and remedy, in every file of a folder; their number at the end."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "1.yaml").write_text(
        "tokens:\n- name: A\n  tokenUrl: http://id.example.com\n  sinks: [{file: {path: x}}]\n"
        "  colour: blue\n"
    )
    (folder / "2.yaml").write_text("tokens:\n- name: b\n  tokenUrl: https://x\n")
    (folder / "3.yaml").write_text("log: {level: loud}")
    ran = command("check", "--config", str(folder))
    assert (ran.returncode, ran.stderr) == (2, "")
    lines = ran.stdout.splitlines()
    for part in (
        "1.yaml: tokens[0].name: ",
        "1.yaml: tokens[0].tokenUrl: must be https://",
        "1.yaml: tokens[0].sinks[0].file.path: must be absolute; write ",
        "1.yaml: tokens[0].colour: ",
        "2.yaml: tokens[0].sinks: is missing; name a file",
        "3.yaml: log.level: must be debug, ",
    ):
        assert any(part in line for line in lines), part
    assert lines[-1] == f"refused: {len(lines) - 1} problems"


def test_one_problem(command: Command, tmp_path: Path) -> None:
    """One is one."""
    (tmp_path / "c.yaml").write_text("{tokens: [], colour: blue}")
    ran = command("check", "--config", "c.yaml")
    assert ran.returncode == 2
    assert ran.stdout.splitlines()[-1] == "refused: 1 problem"


def test_warnings_do_not_refuse(command: Command, tmp_path: Path) -> None:
    """What is allowed but hardly meant is told, with status 0."""
    tokens = [entry(URL, tmp_path, name) for name in ("a", "b")]
    (tmp_path / "c.yaml").write_text(str(settings(*tokens)))
    ran = command("check", "--config", "c.yaml")
    assert ran.returncode == 0
    assert ran.stdout == (
        "warning: token b would fetch the same as a; give one token the sinks of both\n"
        "ok: 2 tokens, 2 sinks\n"
    )


def test_a_missing_file(command: Command) -> None:
    """It is named, with the remedy."""
    ran = command("check", "--config", "missing.yaml")
    assert ran.returncode == 2
    assert ran.stdout == (
        "missing.yaml: does not exist; mount the ConfigMap there, or correct the path\n"
        "refused: 1 problem\n"
    )


def test_no_problem_quotes_a_value(command: Command, tmp_path: Path) -> None:
    """A secret that was written in the wrong place is not repeated."""
    (tmp_path / "c.yaml").write_text(
        "tokens:\n- name: a\n  tokenUrl: hunter2\n  auth: {clientSecretFile: hunter2,"
        " clientSecret: hunter2}\n  refresh: {at: hunter2, minLead: hunter2}\n"
        "  sinks: [{file: {path: /x, mode: hunter2}}]\n"
    )
    ran = command("check", "--config", "c.yaml")
    assert ran.returncode == 2
    assert len(ran.stdout.splitlines()) >= 7
    assert "hunter2" not in ran.stdout + ran.stderr


def test_nothing_is_touched(command: Command, tmp_path: Path) -> None:
    """It is offline: no file, no folder, no request."""
    token = entry(URL, tmp_path)
    (tmp_path / "c.yaml").write_text(str(settings(token)))
    before = sorted(path.name for path in tmp_path.iterdir())
    assert command("check", "--config", "c.yaml").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == before
