"""A doctor that looks at a cluster."""

import json
import subprocess
import sys
from typing import Any

from support.cluster_daemon import employ, found, to_secrets
from support.daemon import Daemon, settings
from tools.show.stage import Stage

Checks = list[dict[str, Any]]


def examine(daemon: Daemon, *, status: int) -> Checks:
    """What a doctor says with the configuration and the account of a daemon."""
    command = [sys.executable, "-m", "secret_refresher", "doctor", "--output", "json"]
    kubeconfig = str(daemon.folder / "kubeconfig")
    ran = subprocess.run(
        [*command, "--config", str(daemon.config_file)],
        capture_output=True,
        text=True,
        env={"KUBECONFIG": kubeconfig, "PATH": ""},
        check=False,
        timeout=100,
    )
    assert ran.returncode == status, ran.stdout + ran.stderr
    checks: Checks = json.loads(ran.stdout)["checks"]
    return checks


def told(checks: Checks, verdict: str) -> list[str]:
    """What was tried and came to that, with its result."""
    return [f"{c['tried']}: {c['result']}" for c in checks if c["verdict"] == verdict]


def test_a_set_up_that_works(stand: Stage) -> None:
    """Every right is asked for and granted, and the Secret is not there yet, nor afterwards."""
    home = stand.account.namespace
    token = to_secrets(stand.server.token_url, stand.folder, {"name": "t", "namespace": home})
    daemon = employ(stand.cluster, stand.account, stand.folder, settings(token))
    checks = examine(daemon, status=0)
    assert told(checks, "failed") == told(checks, "warning") == []
    fine = told(checks, "ok")
    assert any(line.startswith("reach the API server: it is a v1.") for line in fine)
    assert f"create, get, list, patch, watch secrets t in namespace {home}: granted" in fine
    assert f"look at secret {home}/t: there is nothing yet, and it may be written" in fine
    assert found(stand.cluster, home, "t") is None


def test_missing_rights_are_named(stand: Stage) -> None:
    """Verb and name, and what grants them; events alone are no failure."""
    home = stand.account.namespace
    token = to_secrets(stand.server.token_url, stand.folder, {"name": "t", "namespace": home})
    daemon = employ(stand.cluster, stand.account, stand.folder, settings(token))
    other = to_secrets(stand.server.token_url, stand.folder, {"name": "u", "namespace": home})
    away = {"name": "t", "namespace": stand.cluster.namespace()}
    elsewhere = to_secrets(stand.server.token_url, stand.folder, away)
    daemon.configure(settings({**other, "name": "u"}, {**elsewhere, "name": "away"}))
    checks = examine(daemon, status=1)
    failed = told(checks, "failed")
    assert any("not granted: create u, get u" in line for line in failed)
    remedies = {c["remedy"] for c in checks if c["verdict"] == "failed"}
    assert any("secret-refresher rbac" in remedy for remedy in remedies)
    assert any("create events" in line for line in told(checks, "warning"))


def test_somebody_elses_secret(stand: Stage) -> None:
    """A conflict is told before a daemon meets it, and the Secret is left alone."""
    home = stand.account.namespace
    theirs = stand.cluster.admin.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "t", "namespace": home},
            "data": {"token": "bWluZQ=="},
        }
    )
    token = to_secrets(stand.server.token_url, stand.folder, {"name": "t", "namespace": home})
    daemon = employ(stand.cluster, stand.account, stand.folder, settings(token))
    [failed] = told(examine(daemon, status=1), "failed")
    assert "has a value under key token" in failed
    after = found(stand.cluster, home, "t")
    assert after is not None
    assert after["metadata"]["resourceVersion"] == theirs["metadata"]["resourceVersion"]


def test_selected_namespaces(stand: Stage) -> None:
    """They are found, and the Secret of each is looked at."""
    labels = {"team": stand.account.namespace}
    places = {stand.cluster.namespace(labels) for _ in range(2)}
    sink = {"name": "t", "namespaceSelector": {"matchLabels": labels}}
    token = to_secrets(stand.server.token_url, stand.folder, sink)
    daemon = employ(stand.cluster, stand.account, stand.folder, settings(token))
    looked = [line for line in told(examine(daemon, status=0), "ok") if "look at secret" in line]
    assert {line.split()[3].partition("/")[0] for line in looked} == places


def test_an_api_server_that_is_away(stand: Stage) -> None:
    """It is one failure, and the Secret another; everything else is looked at."""
    home = stand.account.namespace
    token = to_secrets(stand.server.token_url, stand.folder, {"name": "t", "namespace": home})
    daemon = employ(stand.cluster, stand.account, stand.folder, settings(token))
    file = daemon.folder / "kubeconfig"
    file.write_text(file.read_text().replace(stand.cluster.url, "https://127.0.0.1:1"))
    checks = examine(daemon, status=1)
    assert any("reach the API server" in line for line in told(checks, "failed"))
    assert any("read the credentials" in line for line in told(checks, "ok"))
