"""A daemon with Secrets through what befalls it over weeks."""

import json
import time

import pytest

from support.authorization_answers import refusal
from support.cluster import Object
from support.cluster_daemon import employ, found, held, to_secrets
from support.cluster_faults import FaultyWay, Silence
from support.daemon import Daemon, Settings, settings, until
from support.leaks import Hunt, random_part, random_secret
from tools.show.stage import Stage


def to_one(
    stand: Stage, *, server: str | None = None, sink: Settings | None = None, **keys: object
) -> Daemon:
    """A daemon for one Secret, `t`, in the account's namespace."""
    given = {"name": "t", "namespace": stand.account.namespace, **(sink or {})}
    configured = settings(to_secrets(stand.server.token_url, stand.folder, given, **keys))
    return employ(stand.cluster, stand.account, stand.folder, configured, server=server)


def secret(stand: Stage) -> Object | None:
    """Its Secret."""
    return found(stand.cluster, stand.account.namespace, "t")


def events(stand: Stage) -> list[Object]:
    """The Kubernetes Events in its namespace."""
    return list(stand.cluster.admin.list("events", stand.account.namespace))


# --- the ServiceAccount's token ----------------------------------------------------------------


def renew(stand: Stage) -> None:
    """Makes the account anew: tokens of the one before are refused once a cache forgets them."""
    manifest = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": stand.account.name, "namespace": stand.account.namespace},
    }
    stand.cluster.admin.remove(manifest)
    stand.cluster.admin.create(manifest)


def refused(stand: Stage, mark: int) -> list[str]:
    """Paths of requests for its Secret whose credentials the API server did not accept.

    Its audit log has them without a user, and without a status.
    """
    path = f"/api/v1/namespaces/{stand.account.namespace}/secrets/t"
    return [one.target for one in stand.cluster.asked(mark, user="") if one.target.startswith(path)]


def test_token_refused(stand: Stage) -> None:
    """Refused credentials are told of, and taken up again once the file has better ones."""
    stand.server.lifetime = 4
    daemon = to_one(stand)
    with daemon:
        daemon.wait("token published")
        renew(stand)
        daemon.wait("sink publish failed", reason="unauthorized", patience=60)
        stand.account.rotate(str(stand.folder / "kubeconfig.token"))
        published = len(daemon.logs("token published"))
        daemon.wait("token published", published + 2, patience=60)
        assert daemon.metric("token_healthy", token="partner-api") == 1


def test_token_rotated(stand: Stage) -> None:
    """A token that was replaced in time is taken within the request that meets the first 401."""
    stand.server.lifetime = 4
    daemon = to_one(stand)
    with daemon:
        daemon.wait("token published")
        mark = stand.cluster.mark()
        renew(stand)
        stand.account.rotate(str(stand.folder / "kubeconfig.token"))
        until(lambda: refused(stand, mark), "a refusal", patience=60)
        published = len(daemon.logs("token published"))
        daemon.wait("token published", published + 2)
        assert daemon.logs("sink publish failed") == []


# --- the end of a token ------------------------------------------------------------------------


def test_expired_kept(stand: Stage) -> None:
    """Without onExpired a dead token stays, and state, metrics and an Event say that it is dead."""
    stand.server.lifetime = 3
    daemon = to_one(stand)
    with daemon:
        daemon.wait("token published")
        stand.server.go_away()
        daemon.wait("token expired in sink")
        assert daemon.metric("sinks", kind="secret", state="expired") == 1
        assert daemon.metric("token_healthy", token="partner-api") == 0
        assert held(stand.cluster, stand.account.namespace, "t") in stand.server.tokens
        until(
            lambda: {"FetchFailed", "Expired"} <= {one["reason"] for one in events(stand)}, "Events"
        )
        stand.server.lifetime = 3600
        stand.server.come_back()
        daemon.wait("token published", 2, patience=60)
        until(lambda: "Recovered" in {one["reason"] for one in events(stand)}, "the last Event")
        assert daemon.metric("token_healthy", token="partner-api") == 1


def test_expired_deleted(stand: Stage) -> None:
    """With onExpired: delete a dead token goes, with the Secret that held nothing else."""
    stand.server.lifetime = 3
    daemon = to_one(stand, refresh={"onExpired": "delete"})
    with daemon:
        daemon.wait("token published")
        stand.server.go_away()
        until(lambda: secret(stand) is None, "the end of the Secret")
        stand.server.lifetime = 3600
        stand.server.come_back()
        until(lambda: secret(stand), "the new Secret", patience=60)
    assert held(stand.cluster, stand.account.namespace, "t") == stand.server.tokens[-1]


def test_expired_deleted_while_away(stand: Stage) -> None:
    """A dead token of ours goes too where the daemon finds it at its start."""
    stand.server.lifetime = 2
    daemon = to_one(stand, refresh={"onExpired": "delete"})
    with daemon:
        daemon.wait("token published")
        daemon.kill()
        stand.server.go_away()
        time.sleep(2)
        daemon.start()
        until(lambda: secret(stand) is None, "the end of the Secret")


def test_absent(stand: Stage) -> None:
    """state: absent takes out our key, annotations and labels, and leaves what is others'."""
    daemon = to_one(stand, sink={"labels": {"app": "x"}, "annotations": {"note": "y"}})
    with daemon:
        daemon.wait("token published")
        extra = {"data": {"theirs": "MQ=="}, "metadata": {"labels": {"their": "label"}}}
        stand.cluster.admin.patch("secrets", "t", extra, stand.account.namespace)
        assert daemon.stop() == 0
    absent = to_one(
        stand, state="absent", sink={"labels": {"app": "x"}, "annotations": {"note": "y"}}
    )
    with absent:
        absent.wait("sink cleared")
        assert absent.stop() == 0
    left = secret(stand)
    assert left is not None
    assert left["data"] == {"theirs": "MQ=="}
    assert left["metadata"]["labels"] == {"their": "label"}
    assert not left["metadata"].get("annotations")
    assert len(stand.server.requests) == 1


# --- what can be seen --------------------------------------------------------------------------


def test_ready_once_reached(stand: Stage) -> None:
    """/readyz is 503 until the API server was reached once; /livez is not touched by that."""
    with FaultyWay(stand.cluster) as way:
        way.put(Silence())
        daemon = to_one(stand, server=way.url)
        with daemon:
            daemon.wait("listening")
            until(lambda: way.passed, "the first request")
            assert daemon.get("/readyz")[0] == 503
            assert daemon.get("/livez")[0] == 200
            assert daemon.get("/startupz")[0] == 503
            way.clear()
            daemon.wait("token published", patience=60)
            assert daemon.get("/readyz")[0] == 200
            assert daemon.get("/startupz")[0] == 200
            assert daemon.get("/freshz")[0] == 200
            way.put(Silence())
            # Reached once is enough: an outage must not take a daemon out of service.
            assert daemon.get("/readyz")[0] == 200


def test_nothing_secret_is_seen(stand: Stage) -> None:
    """No secret, no token and no ServiceAccount token in logs, Events, metrics, annotations."""
    stand.server.client_secret = secret_text = random_secret()
    stand.server.queue(refusal("server_error", 503))
    daemon = to_one(stand)
    (stand.folder / "client_secret").write_text(secret_text)
    namespace = stand.account.namespace
    with daemon:
        daemon.wait("token published")
        # A conflict, a repair, an outage: the API server's texts quote what was sent.
        stand.cluster.admin.patch("secrets", "t", {"data": {"token": "Zm9yZWlnbg=="}}, namespace)
        daemon.wait("sink put right")
        stand.cluster.admin.patch("secrets", "t", {"immutable": True}, namespace)
        stand.cluster.admin.delete("secrets", "t", namespace)
        daemon.wait("sink put right", 2)
        until(lambda: len(events(stand)) >= 2, "Events of failure and recovery")
        metrics, probes = daemon.get("/metrics")[1], daemon.get("/freshz")[1]
        assert daemon.stop() == 0
    written = secret(stand)
    assert written is not None
    seen = {
        "log": daemon.text(),
        "Events": json.dumps(events(stand)),
        "metrics": metrics,
        "probes": probes,
        "metadata": json.dumps(written["metadata"]),
    }
    account = (stand.folder / "kubeconfig.token").read_text()
    hunt = Hunt(secret_text, account.rpartition(".")[2], *map(random_part, stand.server.tokens))
    assert hunt.found(**seen) == []
    assert {one["reason"] for one in events(stand)} == {"FetchFailed", "Recovered"}
    for one in events(stand):
        assert one["involvedObject"]["name"] == "t"
        assert one["involvedObject"]["kind"] == "Secret"


def test_annotations_of_a_parameter(stand: Stage) -> None:
    """What stands beside a token names parameters and headers, and tells none of their values."""
    hidden = "the-value-of-a-parameter"
    request = {"format": "json", "parameters": {"tenant": hidden}, "headers": {"X-Key": hidden}}
    daemon = to_one(stand, request=request)
    with daemon:
        daemon.wait("token published")
    assert hidden not in json.dumps(secret(stand))
    assert hidden not in daemon.text()


def test_pod_of_its_own_namespace(stand: Stage) -> None:
    """A sink without a namespace goes to the daemon's own; logs and Events name it in full."""
    stand.server.queue(refusal("server_error", 503))
    token = to_secrets(stand.server.token_url, stand.folder, {"name": "t"})
    daemon = employ(stand.cluster, stand.account, stand.folder, settings(token))
    with daemon:
        daemon.wait("token published", target=f"{stand.account.namespace}/t")
        until(lambda: len(events(stand)) == 2, "Events of failure and recovery")
    assert secret(stand) is not None


@pytest.mark.parametrize("drift", ["auto", "namespace"])
def test_ways_to_look(stand: Stage, drift: str) -> None:
    """By name or by namespace, a change by others is seen and put right, with just these rights."""
    owner = f"{stand.account.namespace}/{stand.account.name}"
    token = to_secrets(stand.server.token_url, stand.folder, {"name": "t"})
    configured = settings(token, kubernetes={"owner": owner, "drift": drift})
    daemon = employ(stand.cluster, stand.account, stand.folder, configured)
    with daemon:
        daemon.wait("token published")
        stand.cluster.admin.patch(
            "secrets", "t", {"data": {"token": "Zm9yZWlnbg=="}}, stand.account.namespace
        )
        daemon.wait("sink put right")
        assert daemon.logs("watch failed") == []
    assert held(stand.cluster, stand.account.namespace, "t") == stand.server.tokens[0]
