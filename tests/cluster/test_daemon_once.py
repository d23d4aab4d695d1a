"""`run --once`, as an init container has it: status 0 only when every sink holds a live token."""

import time
from pathlib import Path

from support.authorization_answers import expiry_of
from support.cluster_daemon import employ, found, held, to_secrets
from support.daemon import Daemon, Settings, settings
from tools.show.stage import Stage

ONCE = ("--once",)
PATIENCE = 60.0
"""Seconds within which it must end, whatever is wrong: an init container holds up a pod."""


def once(stand: Stage, *tokens: Settings, server: str | None = None) -> Daemon:
    """Started as an init container; it may have ended already."""
    configured = settings(*tokens)
    daemon = employ(
        stand.cluster, stand.account, stand.folder, configured, arguments=ONCE, server=server
    )
    return daemon.start()


def to_all(stand: Stage, *sinks: Settings, **keys: object) -> Settings:
    """A token that goes to a file and to these Secrets."""
    token = to_secrets(stand.server.token_url, stand.folder, *sinks, **keys)
    return {**token, "sinks": [{"file": {"path": str(stand.folder / "token")}}, *token["sinks"]]}


def live(token: str | None) -> bool:
    """Whether it is one of the tests' server, and lives."""
    return token is not None and expiry_of(token) > time.time()


def labelled(stand: Stage) -> tuple[dict[str, str], list[str]]:
    """Labels that two fresh namespaces have."""
    labels = {"team": stand.account.namespace}
    return labels, [stand.cluster.namespace(labels) for _ in range(2)]


def test_everything(stand: Stage) -> None:
    """With a file, a Secret of its own and two selected namespaces: 0, and all hold one token."""
    labels, selected = labelled(stand)
    home = stand.account.namespace
    sinks = {"name": "own"}, {"name": "t", "namespaceSelector": {"matchLabels": labels}}
    daemon = once(stand, to_all(stand, *sinks))
    assert daemon.ended(PATIENCE) == 0, daemon.text()
    token = (stand.folder / "token").read_text()
    assert live(token)
    assert [token] == stand.server.tokens
    assert held(stand.cluster, home, "own") == token
    assert [held(stand.cluster, namespace, "t") for namespace in selected] == [token, token]


def test_again(stand: Stage) -> None:
    """A second init container finds live tokens: 0, no token request, no write."""
    token = to_all(stand, {"name": "own"})
    daemon = once(stand, token)
    assert daemon.ended(PATIENCE) == 0, daemon.text()
    before = found(stand.cluster, stand.account.namespace, "own")
    daemon = once(stand, token)
    assert daemon.ended(PATIENCE) == 0, daemon.text()
    assert found(stand.cluster, stand.account.namespace, "own") == before
    assert len(stand.server.requests) == 1


def test_forbidden(stand: Stage) -> None:
    """One namespace that the rights do not cover: 1 with a remedy; all others are filled."""
    allowed, forbidden = stand.cluster.namespace(), stand.cluster.namespace()
    token = to_all(stand, {"name": "t", "namespaces": [allowed]})
    # The rights of a configuration that did not have the other one yet.
    daemon = employ(stand.cluster, stand.account, stand.folder, settings(token), arguments=ONCE)
    daemon.configure(settings(to_all(stand, {"name": "t", "namespaces": [allowed, forbidden]})))
    assert daemon.start().ended(PATIENCE) == 1
    failed = daemon.logs("sink inspect failed")[0]
    assert failed["target"] == f"{forbidden}/t"
    assert failed["reason"] == "permission"
    assert "secret-refresher rbac" in failed["advice"]
    assert live(held(stand.cluster, allowed, "t"))
    assert held(stand.cluster, forbidden, "t") is None
    assert live((stand.folder / "token").read_text())
    assert len(stand.server.requests) == 1


def test_missing_namespace(stand: Stage) -> None:
    """A namespace that does not exist: 1, and it is named; the file is there."""
    # Only rights that hold everywhere let anybody see that a namespace is not there.
    everywhere = {"name": "t", "namespaceSelector": {"matchLabels": {"team": "nobody"}}}
    configured = settings(to_all(stand, everywhere))
    daemon = employ(stand.cluster, stand.account, stand.folder, configured, arguments=ONCE)
    daemon.configure(settings(to_all(stand, {"name": "t", "namespace": "nowhere"})))
    assert daemon.start().ended(PATIENCE) == 1
    failed = daemon.logs("sink publish failed")[0]
    assert failed["target"] == "nowhere/t"
    assert "the namespace does not exist" in failed["error"]
    assert live((stand.folder / "token").read_text())


def test_api_server_away(stand: Stage) -> None:
    """An API server that refuses connections: 1, with the reason; the file is there."""
    token = to_all(stand, {"name": "own"})
    daemon = employ(stand.cluster, stand.account, stand.folder, settings(token), arguments=ONCE)
    with stand.cluster.away():
        assert daemon.start().ended(PATIENCE) == 1
    failed = daemon.logs("sink inspect failed")[0]
    assert failed["error"] == "the API server cannot be reached"
    assert live((stand.folder / "token").read_text())


def test_api_server_silent(stand: Stage) -> None:
    """An API server that hangs: 1, within a bound; the file is there."""
    token = to_all(stand, {"name": "own"})
    daemon = employ(stand.cluster, stand.account, stand.folder, settings(token), arguments=ONCE)
    with stand.cluster.paused():
        assert daemon.start().ended(PATIENCE) == 1
    assert daemon.logs("sink inspect failed")[0]["reason"] == "timeout"
    assert live((stand.folder / "token").read_text())


def test_namespaces_unknown(stand: Stage) -> None:
    """Where namespaces cannot be listed: 1 and a remedy; file and fixed Secret are filled."""
    fixed = {"name": "own"}
    selected = {"name": "t", "namespaceSelector": {"matchLabels": {"team": "blue"}}}
    daemon = employ(
        stand.cluster, stand.account, stand.folder, settings(to_all(stand, fixed)), arguments=ONCE
    )
    daemon.configure(settings(to_all(stand, fixed, selected)))
    assert daemon.start().ended(PATIENCE) == 1
    assert "cannot list namespaces" in daemon.text()
    assert "secret-refresher rbac" in daemon.text()
    assert live((stand.folder / "token").read_text())
    assert live(held(stand.cluster, stand.account.namespace, "own"))


def test_refused_by_the_token_endpoint(stand: Stage) -> None:
    """Credentials that the server refuses: 1, and no Secret appears."""
    stand.server.client_secret = "another"
    daemon = once(stand, to_all(stand, {"name": "own"}))
    assert daemon.ended(PATIENCE) == 1
    assert daemon.logs("fetch failed")[0]["reason"] == "invalid_client"
    assert found(stand.cluster, stand.account.namespace, "own") is None


def test_dead_token_left(stand: Stage) -> None:
    """A Secret with a dead token of ours is no live one: 1 while the server is away."""
    stand.server.lifetime = 2
    token = to_all(stand, {"name": "own"})
    daemon = once(stand, token)
    assert daemon.ended(PATIENCE) == 0, daemon.text()
    stand.server.go_away()
    while live(held(stand.cluster, stand.account.namespace, "own")):
        time.sleep(0.1)
    assert once(stand, token).ended(PATIENCE) == 1


def test_no_cluster(stand: Stage, tmp_path: Path) -> None:
    """Without any cluster: 1 and what to do; the file is there."""
    configured = settings(to_all(stand, {"name": "own"}))
    nowhere = {"KUBECONFIG": str(tmp_path / "none"), "KUBERNETES_SERVICE_HOST": ""}
    daemon = Daemon(stand.folder, configured, arguments=ONCE, environment=nowhere).start()
    assert daemon.ended(PATIENCE) == 1
    failed = daemon.logs("sink inspect failed")[0]
    assert "there is no cluster to write to" in failed["error"]
    assert "KUBECONFIG" in failed["advice"]
    assert live((stand.folder / "token").read_text())
