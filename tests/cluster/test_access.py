"""How the API server is found, and credentials that change or are wrong."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
import yaml

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.kubernetes import Cluster as Adapter
from secret_refresher.adapters.kubernetes.secret_sink import SecretSink
from secret_refresher.config.model import Kubernetes
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.ports import Finding, Held, Wrote
from secret_refresher.rights import manifests
from support.cluster import Cluster, ServiceAccount
from support.cluster_faults import FaultyWay
from support.replica import SOURCE, Replica, config, refusal, spec_of

ONE = "tokens: [{name: partner-api, sinks: [{secret: {name: wanted}}]}]"


def sink_by(environ: dict[str, str], mount: str = "/nowhere") -> SecretSink:
    """The sink of a process with this environment."""
    adapter = Adapter(Kubernetes(), SystemClock(), environ, mount)
    [sink] = adapter.sinks("partner-api", spec_of(ONE))
    return sink


def unreachable(environ: dict[str, str], mount: str = "/nowhere") -> Fault:
    """Why that process cannot reach an API server; it asks nobody."""
    fault = refusal(lambda: sink_by(environ, mount).inspect(SOURCE))
    assert (fault.reason, fault.lane) == (Reason.KUBERNETES, Lane.PERMANENT)
    return fault


@pytest.fixture
def mount(cluster: Cluster, account: ServiceAccount, tmp_path: Path) -> Path:
    """A pod's mount of its ServiceAccount, which has the rights for one Secret."""
    cluster.grant(manifests(config(ONE), account.name, account.namespace))
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    account.mount(str(folder))
    return folder


def test_pod(cluster: Cluster, namespace: str, mount: Path) -> None:
    """In a pod its ServiceAccount is used, and its own namespace where none is named."""
    sink = sink_by(cluster.environment(), str(mount))
    assert sink.inspect(SOURCE) == Finding(Held.NOTHING)
    assert sink.target == f"{namespace}/wanted"


def test_rotation_in_a_pod(
    cluster: Cluster, account: ServiceAccount, mount: Path, tmp_path: Path
) -> None:
    """A token that the API server refuses is read again at once: nothing fails."""
    account.mount(str(mount), token="stale")
    sink = sink_by(cluster.environment(), str(mount))
    fault = refusal(lambda: sink.inspect(SOURCE))
    assert (fault.reason, fault.status) == (Reason.UNAUTHORIZED, 401)
    assert "ServiceAccount" in fault.advice
    account.mount(str(mount))
    assert sink.inspect(SOURCE) == Finding(Held.NOTHING)
    replica = Replica(cluster, account, tmp_path, ONE)
    assert sink.publish(replica.token()) is Wrote.WRITTEN


def test_refused_token_costs_one_more_request(
    cluster: Cluster, account: ServiceAccount, mount: Path
) -> None:
    """Refused credentials are read again and tried once; whether they changed or not."""
    account.mount(str(mount), token="stale")
    with FaultyWay(cluster) as way:
        sink = sink_by(cluster.environment(way.url), str(mount))
        refusal(lambda: sink.inspect(SOURCE))
        assert len(way.passed) == 2


def test_rotation_of_a_kubeconfigs_token_file(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path
) -> None:
    """Likewise a token file that a kubeconfig names, with or without a line's end."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    assert sink.inspect(SOURCE) == Finding(Held.NOTHING)
    account.rotate(replica.token_file, "bad")
    adapter = Adapter(Kubernetes(), SystemClock(), {"KUBECONFIG": replica.kubeconfig})
    [fresh] = adapter.sinks("partner-api", spec_of(ONE))
    assert refusal(lambda: fresh.inspect(SOURCE)).reason is Reason.UNAUTHORIZED
    account.rotate(replica.token_file, account.token() + "\n")
    assert fresh.inspect(SOURCE) == Finding(Held.NOTHING)
    assert sink.inspect(SOURCE) == Finding(Held.NOTHING)


@pytest.mark.parametrize("text", ["two\nlines", "n\u00f6n-ascii \u4e2d"])
def test_a_token_that_is_none(
    cluster: Cluster, account: ServiceAccount, mount: Path, text: str
) -> None:
    """A token file with anything but a token is named as the trouble, without its content."""
    account.mount(str(mount), token=text)
    fault = refusal(lambda: sink_by(cluster.environment(), str(mount)).inspect(SOURCE))
    assert fault.reason in {Reason.KUBERNETES, Reason.UNAUTHORIZED}
    assert "ServiceAccount" in fault.advice
    assert text not in str(fault)


def test_account_deleted(
    cluster: Cluster, account: ServiceAccount, namespace: str, tmp_path: Path
) -> None:
    """A ServiceAccount that is gone is said to be, and one made anew is taken."""
    replica = Replica(cluster, account, tmp_path, ONE)
    sink = replica.sink()
    sink.inspect(SOURCE)
    cluster.admin.delete("serviceaccounts", account.name, namespace)
    fault = _until_refused(lambda: sink.inspect(SOURCE))
    assert fault.reason is Reason.UNAUTHORIZED
    again = cluster.service_account(namespace)
    again.rotate(replica.token_file)
    assert sink.inspect(SOURCE) == Finding(Held.NOTHING)


def _until_refused(act: Callable[[], object]) -> Fault:
    """The API server may trust a token for some seconds more."""
    for _ in range(200):
        try:
            return refusal(act)
        except AssertionError:
            Event().wait(0.1)
    raise AssertionError("never refused")


def test_no_cluster(tmp_path: Path) -> None:
    """Neither pod nor kubeconfig: it says both, and what to do."""
    fault = unreachable({"KUBECONFIG": str(tmp_path / "nothing")})
    assert "there is no cluster" in fault.summary
    assert "nothing" in fault.summary
    assert "KUBECONFIG" in fault.advice


def test_pod_without_a_mounted_token(cluster: Cluster, tmp_path: Path) -> None:
    """A pod with automountServiceAccountToken: false is told so."""
    fault = unreachable(cluster.environment(), str(tmp_path))
    assert str(tmp_path) in fault.summary
    assert "automountServiceAccountToken" in fault.advice


@pytest.mark.parametrize("spoilt", ["token", "ca.crt"])
def test_pod_with_an_empty_file(cluster: Cluster, mount: Path, spoilt: str) -> None:
    """An empty token or CA is no token and no CA."""
    (mount / spoilt).unlink()
    (mount / spoilt).write_text("")
    assert str(mount) in unreachable(cluster.environment(), str(mount)).summary


def test_pod_with_a_foreign_ca(cluster: Cluster, mount: Path) -> None:
    """An API server whose certificate the CA did not sign is not trusted."""
    (mount / "ca.crt").unlink()
    (mount / "ca.crt").write_text("no certificate")
    fault = refusal(lambda: sink_by(cluster.environment(), str(mount)).inspect(SOURCE))
    assert fault.reason is Reason.TLS
    assert "ca.crt" in fault.advice


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{not: [yaml", "cannot be read as a kubeconfig"),
        ("", "is no complete kubeconfig"),
        ("just words", "cannot be read as a kubeconfig"),
        ("[1, 2]", "cannot be read as a kubeconfig"),
        ("\x00\x01", "cannot be read as a kubeconfig"),
        ("apiVersion: v1\nkind: Config\n", "context"),
        ("{apiVersion: v1, kind: Config, current-context: gone, contexts: []}", "context"),
        (
            "{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context:"
            " {cluster: gone, user: gone}}], clusters: [], users: []}",
            "kubeconfig",
        ),
    ],
)
def test_spoilt_kubeconfig(tmp_path: Path, text: str, what: str) -> None:
    """Each is refused by its path, with what is wrong and how to look at it."""
    path = tmp_path / "config"
    path.write_text(text)
    fault = unreachable({"KUBECONFIG": str(path)})
    assert str(path) in fault.summary
    assert what in fault.summary
    assert "kubectl config" in fault.advice


def test_kubeconfig_names_a_file_that_is_missing(account: ServiceAccount, tmp_path: Path) -> None:
    """Its CA, say."""
    path = tmp_path / "config"
    account.kubeconfig(str(path))
    document = yaml.safe_load(path.read_text())
    document["clusters"][0]["cluster"]["certificate-authority"] = str(tmp_path / "gone.crt")
    path.write_text(yaml.safe_dump(document))
    assert str(path) in unreachable({"KUBECONFIG": str(path)}).summary


def test_unreadable_kubeconfig_heals(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path
) -> None:
    """Once the file is right the same sink works."""
    cluster.grant(manifests(config(ONE), account.name, account.namespace))
    path = tmp_path / "config"
    path.write_text("{not: [yaml")
    sink = sink_by({"KUBECONFIG": str(path)})
    refusal(lambda: sink.inspect(SOURCE))
    account.kubeconfig(str(path))
    assert sink.inspect(SOURCE) == Finding(Held.NOTHING)


def test_a_name_that_does_not_resolve(account: ServiceAccount, tmp_path: Path) -> None:
    """The DNS is named."""
    path = str(tmp_path / "config")
    account.kubeconfig(path, server="https://api.invalid:6443")
    assert refusal(lambda: sink_by({"KUBECONFIG": path}).inspect(SOURCE)).reason is Reason.DNS


def test_the_library_is_imported_only_when_used(account: ServiceAccount, tmp_path: Path) -> None:
    """Until a sink asks the API server, nothing of `kubernetes` is in memory; then no models."""
    path = str(tmp_path / "config")
    account.kubeconfig(path)
    program = """
import sys
from secret_refresher.cli import run
from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.kubernetes import Cluster
from secret_refresher.config.model import Kubernetes, SecretSink
from secret_refresher.errors import Trouble
[sink] = Cluster(Kubernetes(), SystemClock(), sys.argv[1:] and {"KUBECONFIG": sys.argv[1]}).sinks(
    "a", SecretSink(name="b"))
assert not [name for name in sys.modules if name.split(".")[0] == "kubernetes"]
try:
    sink.inspect("source")
except Trouble as refused:
    assert refused.fault.status == 403
assert "kubernetes.client" in sys.modules
many = [name for name in sys.modules if name.startswith("kubernetes.client.models")]
apis = [name for name in sys.modules if name.startswith("kubernetes.client.api.")]
print(len(many), len(apis))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stderr
    models, apis = map(int, done.stdout.split())
    # The package of all models is there, but of some 700 not one.
    assert models <= 1
    assert apis == 0
