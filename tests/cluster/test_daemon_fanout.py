"""One token for many namespaces, with the whole daemon."""

import base64

from support.cluster import Object
from support.cluster_daemon import employ, found, held, permit, to_secrets
from support.daemon import Daemon, Settings, settings, until
from tools.show.stage import Stage


def selecting(stand: Stage, **keys: object) -> tuple[Daemon, dict[str, str]]:
    """A daemon whose token goes to every namespace with these labels."""
    labels = {"team": stand.account.namespace}
    sink = {"name": "t", "namespaceSelector": {"matchLabels": labels}}
    token = to_secrets(stand.server.token_url, stand.folder, sink, **keys)
    return employ(stand.cluster, stand.account, stand.folder, settings(token)), labels


def label(stand: Stage, namespace: str, labels: dict[str, str | None]) -> None:
    """Gives a namespace labels; None takes one away."""
    stand.cluster.admin.patch("namespaces", namespace, {"metadata": {"labels": labels}})


def opaque(namespace: str, **data: str) -> Object:
    """Somebody's Secret under the name that the sink has."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "t", "namespace": namespace},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def test_selector(stand: Stage) -> None:
    """Namespaces that come to match are filled, those that stop are cleaned; one fetch for all."""
    daemon, labels = selecting(stand)
    first = stand.cluster.namespace(labels)
    other = stand.cluster.namespace()
    with daemon:
        until(lambda: held(stand.cluster, first, "t"), "the first")
        token = held(stand.cluster, first, "t")
        created = stand.cluster.namespace(labels)
        until(lambda: held(stand.cluster, created, "t") == token, "one that was created")
        label(stand, other, dict(labels))
        until(lambda: held(stand.cluster, other, "t") == token, "one that was labelled")
        label(stand, other, {"team": None})
        until(lambda: found(stand.cluster, other, "t") is None, "one that lost its label")
        label(stand, other, dict(labels))
        until(lambda: held(stand.cluster, other, "t") == token, "one that has it again")
        assert held(stand.cluster, first, "t") == held(stand.cluster, created, "t") == token
        assert daemon.metric("sinks", kind="secret", state="current") == 3
        assert daemon.stop() == 0
    assert stand.server.tokens == [token]


def test_only_ours_is_cleaned(stand: Stage) -> None:
    """Where others have keys in our Secret, or it was never ours, theirs stays."""
    daemon, labels = selecting(stand)
    shared, foreign = stand.cluster.namespace(labels), stand.cluster.namespace(labels)
    stand.cluster.admin.create(opaque(foreign, token="theirs"))
    with daemon:
        until(lambda: held(stand.cluster, shared, "t"), "the shared one")
        patch = {"data": opaque(shared, extra="theirs too")["data"]}
        stand.cluster.admin.patch("secrets", "t", patch, shared)
        daemon.wait("sink inspect failed", target=f"{foreign}/t")
        before = found(stand.cluster, foreign, "t")
        for namespace in (shared, foreign):
            label(stand, namespace, {"team": None})
        until(lambda: held(stand.cluster, shared, "t") is None, "taking our key out")
        daemon.wait("sink cleared", target=f"{foreign}/t")
    left = found(stand.cluster, shared, "t")
    assert left is not None
    assert list(left["data"]) == ["extra"]
    assert not left["metadata"].get("annotations")
    assert "secret-refresher.io/managed" not in left["metadata"].get("labels", {})
    assert found(stand.cluster, foreign, "t") == before


def test_label_lost_while_away(stand: Stage) -> None:
    """A namespace whose label was lost while no daemon ran is cleaned at the next start."""
    daemon, labels = selecting(stand)
    kept, lost = stand.cluster.namespace(labels), stand.cluster.namespace(labels)
    foreign = stand.cluster.namespace()
    stand.cluster.admin.create(opaque(foreign, token="theirs"))
    with daemon:
        daemon.wait("token published", 2)
        assert daemon.stop() == 0
        label(stand, lost, {"team": None})
        daemon.start()
        until(lambda: found(stand.cluster, lost, "t") is None, "the one that was left behind")
        assert daemon.metric("sinks", kind="secret", state="current") == 1
    assert held(stand.cluster, kept, "t") == stand.server.tokens[0]
    assert held(stand.cluster, foreign, "t") == "theirs"
    assert len(stand.server.requests) == 1


def test_namespace_that_goes(stand: Stage) -> None:
    """A namespace that is being deleted is left alone, and the others go on."""
    daemon, labels = selecting(stand)
    stays, goes = stand.cluster.namespace(labels), stand.cluster.namespace(labels)
    with daemon:
        daemon.wait("token published", 2)
        stand.cluster.admin.delete("namespaces", goes)
        until(lambda: daemon.metric("sinks", kind="secret", state="current") == 1, "one sink")
        stand.cluster.admin.delete("secrets", "t", stays)
        daemon.wait("sink put right", target=f"{stays}/t")
        assert daemon.metric("token_healthy", token="partner-api") == 1
    assert len(stand.server.requests) == 1


def test_forbidden_target(stand: Stage) -> None:
    """A target without rights retries alone, and is filled once it has them; one fetch for all."""
    good, bad = stand.cluster.namespace(), stand.cluster.namespace()

    def configured(*namespaces: str) -> Settings:
        sink = {"name": "t", "namespaces": list(namespaces)}
        return settings(to_secrets(stand.server.token_url, stand.folder, sink))

    daemon = employ(stand.cluster, stand.account, stand.folder, configured(good))
    daemon.configure(configured(good, bad))
    with daemon:
        daemon.wait("token published", target=f"{good}/t")
        daemon.wait("sink inspect failed", 3, target=f"{bad}/t", reason="permission")
        assert daemon.metric("sinks", kind="secret", state="current") == 1
        assert daemon.metric("sinks", kind="secret", state="blocked") == 1
        assert daemon.metric("token_healthy", token="partner-api") == 0
        assert daemon.get("/freshz")[0] == 503
        assert len(daemon.logs("token published")) == 1
        permit(stand.cluster, stand.account, daemon)
        until(lambda: held(stand.cluster, bad, "t"), "the other one", patience=60)
        until(lambda: daemon.metric("token_healthy", token="partner-api") == 1, "health")
        assert daemon.get("/freshz")[0] == 200
    assert held(stand.cluster, good, "t") == held(stand.cluster, bad, "t")
    assert len(stand.server.requests) == 1


def test_reload(stand: Stage) -> None:
    """A reload that adds a Secret fills it from memory; one that drops it leaves it as it is."""
    one, two = stand.cluster.namespace(), stand.cluster.namespace()

    def configured(*namespaces: str, **keys: object) -> Settings:
        sinks = [{"name": "t", "namespace": namespace} for namespace in namespaces]
        kubernetes = {"owner": f"{stand.account.namespace}/{stand.account.name}"}
        token = to_secrets(stand.server.token_url, stand.folder, *sinks, **keys)
        return settings(token, kubernetes=kubernetes)

    daemon = employ(stand.cluster, stand.account, stand.folder, configured(one))
    with daemon:
        daemon.wait("token published")
        before = found(stand.cluster, one, "t")
        daemon.configure(configured(one, two))
        permit(stand.cluster, stand.account, daemon)
        until(lambda: held(stand.cluster, two, "t"), "the new sink")
        assert held(stand.cluster, two, "t") == held(stand.cluster, one, "t")
        daemon.configure(configured(two))
        daemon.wait("configuration taken", 3)
        until(lambda: daemon.metric("sinks", kind="secret", state="current") == 1, "one sink")
        assert found(stand.cluster, one, "t") == before
        daemon.configure(configured(two, state="absent"))
        permit(stand.cluster, stand.account, daemon)
        until(lambda: found(stand.cluster, two, "t") is None, "removal", patience=60)
        assert daemon.logs("configuration taken", restart_needed_for=["kubernetes"]) == []
    assert len(stand.server.requests) == 1


def test_files_go_on(stand: Stage) -> None:
    """Files of the same token are kept fresh where Secrets have no rights, and health says so."""
    stand.server.lifetime = 4
    token = to_secrets(stand.server.token_url, stand.folder, {"name": "t"})
    file = {"file": {"path": str(stand.folder / "token")}}
    daemon = employ(
        stand.cluster, stand.account, stand.folder, settings({**token, "sinks": [file]})
    )
    daemon.configure(settings({**token, "sinks": [file, *token["sinks"]]}))
    with daemon:
        daemon.wait("token published", 3, sink="file")
        assert daemon.logs("sink inspect failed", reason="permission")
        assert daemon.metric("sinks", kind="file", state="current") == 1
        assert daemon.metric("sinks", kind="secret", state="blocked") == 1
        assert daemon.get("/freshz")[0] == 503
    assert (stand.folder / "token").read_text() in stand.server.tokens
