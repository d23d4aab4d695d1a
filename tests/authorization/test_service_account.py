"""No secret at all: a projected ServiceAccount token of a real API server, taken by Keycloak."""

from __future__ import annotations

from pathlib import Path

import pytest

from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.errors import Fault, Lane
from support.authorization_rows import Settings
from support.authorization_table import configured
from support.client_keys import claims
from support.client_wallet import Wallet
from support.cluster import Cluster, ServiceAccount
from support.daemon import Daemon, settings, until
from support.keycloak import Keycloak

CLIENT = "partner"
# Two servers may have to start beside all the other tests.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="session")
def account(running_cluster: Cluster, keycloak: Keycloak) -> ServiceAccount:
    """A ServiceAccount that Keycloak takes for a client of another name.

    The API server shows the keys to its tokens to everybody, as a managed cluster does.
    """
    running_cluster.admin.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "keys-for-everybody"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "system:service-account-issuer-discovery",
            },
            "subjects": [
                {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "Group",
                    "name": "system:unauthenticated",
                }
            ],
        },
        manager="tests",
        force=True,
    )
    account = running_cluster.service_account(running_cluster.namespace())
    keycloak.trust_cluster("kubernetes", running_cluster.url)
    keycloak.add_client(
        {"client_id": CLIENT, "token_endpoint_auth_method": "client_assertion"},
        **{"jwt.credential.issuer": "kubernetes", "jwt.credential.sub": account.username},
    )
    return account


def token(keycloak: Keycloak, wallet: Wallet, mount: Path) -> Settings:
    """A token whose client is a projected volume, and nothing else."""
    return {
        "name": "partner-api",
        "issuer": keycloak.issuer,
        "auth": {"method": "client_assertion", "assertionFile": str(mount / "token")},
        "tls": {"caFile": wallet.authority.file},
        "sinks": [{"file": {"path": str(mount.parent / "partner-api")}}],
    }


def test_a_projected_token_is_all_it_takes(
    keycloak: Keycloak, account: ServiceAccount, wallet: Wallet, tmp_path: Path
) -> None:
    """A daemon whose client is a ServiceAccount token publishes, also by the kubelet's next one."""
    mount = tmp_path / "mount"
    mount.mkdir()
    account.mount(str(mount), token=account.token(audiences=[keycloak.issuer]))
    assert claims((mount / "token").read_text())["aud"] == [keycloak.issuer]
    told = token(keycloak, wallet, mount)
    file = tmp_path / "partner-api"
    with Daemon(tmp_path, settings(told)) as daemon:
        daemon.wait("token published", patience=60)
        said = claims(file.read_text())
        assert (said["azp"], said["iss"]) == (CLIENT, keycloak.issuer)
        account.mount(str(mount), token=account.token(audiences=[keycloak.issuer]))
        file.unlink()
        daemon.configure(settings({**told, "request": {"scope": ["read"]}}))
        until(lambda: file.exists() and "read" in claims(file.read_text())["scope"], "another")
        assert not daemon.logs(level="error")


def test_a_token_for_somebody_else(
    endpoint: TokenEndpoint,
    keycloak: Keycloak,
    account: ServiceAccount,
    wallet: Wallet,
    tmp_path: Path,
) -> None:
    """A ServiceAccount token for the API server is refused, and the file is named."""
    mount = tmp_path / "mount"
    mount.mkdir()
    account.mount(str(mount))
    fault = endpoint.fetch(configured(token(keycloak, wallet, mount)), 30).result
    assert isinstance(fault, Fault)
    assert fault.lane is Lane.PERMANENT
    assert str(mount / "token") in fault.advice
    assert "audience" in fault.advice
