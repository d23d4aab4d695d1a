"""A clock that is five minutes off: what a real server refuses is told as what it is."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.authorization_rows import ROWS, Server, Settings
from support.client_wallet import Wallet
from support.daemon import Daemon, settings
from support.elsewhere import unavailable
from support.oidc_provider import OidcProvider

LIBRARIES = "/usr/lib/*/faketime/libfaketime.so.1"
# A server that has to start beside all the other tests may take its time.
pytestmark = pytest.mark.timeout(300)


def faked(shift: str) -> dict[str, str]:
    """The environment of a daemon whose wall clock is off by that."""
    found = glob.glob(LIBRARIES)
    if not found:
        unavailable("libfaketime is not installed (Debian: libfaketime)")
    fixed = ("NO_CACHE", "DONT_FAKE_MONOTONIC")
    return {
        "LD_PRELOAD": found[0],
        "FAKETIME": shift,
        "NO_FAKE_STAT": "1",
        **{f"FAKETIME_{name}": "1" for name in fixed},
    }


def asking(wallet: Wallet, server: Server, folder: Path) -> Settings:
    """A daemon's configuration: one token, by an assertion that it signs."""
    row = next(row for row in ROWS if row.slug == "es256")
    told = row.configuration(wallet, server)
    return settings({**told, "sinks": [{"file": {"path": str(folder / "token")}}]})


@pytest.fixture(scope="module")
def provider(wallet: Wallet) -> Iterator[OidcProvider]:
    """Without TLS: a certificate of today is not valid for a clock that is behind."""
    with OidcProvider(
        [row.metadata(wallet) for row in ROWS if row.slug == "es256"], algorithms=["ES256"]
    ) as running:
        yield running


def test_a_clock_that_is_behind_is_named(
    wallet: Wallet, provider: OidcProvider, tmp_path: Path
) -> None:
    """Assertions that are dated five minutes ago have expired: the fault says by how much."""
    told = asking(wallet, provider, tmp_path)
    with Daemon(tmp_path, told, environment=faked("-5m")) as daemon:
        failed = daemon.wait("fetch failed")
        assert failed["reason"] == "invalid_client"
        assert re.search(r"clock is (5 min|4 min 5\d s)[\w ]* behind the server's", failed["error"])
        assert "set this machine's clock" in failed["advice"]


def test_a_clock_that_is_ahead_does_no_harm(
    wallet: Wallet, provider: OidcProvider, tmp_path: Path
) -> None:
    """Assertions name no beginning, so that most servers take them from the future."""
    told = asking(wallet, provider, tmp_path)
    with Daemon(tmp_path, told, environment=faked("+5m")) as daemon:
        daemon.wait("token published")
        skew = daemon.metric("clock_skew_seconds", origin=provider.issuer)
        assert skew is not None
        assert abs(skew + 300) < 30


def test_a_server_that_tells_no_time(wallet: Wallet, keycloak: Server, tmp_path: Path) -> None:
    """Keycloak takes none from the future, and no Date says so: the remedy names the clock too."""
    told = asking(wallet, keycloak, tmp_path)
    with Daemon(tmp_path, told, environment=faked("+5m")) as daemon:
        failed = daemon.wait("fetch failed", patience=60)
        assert failed["reason"] == "invalid_client"
        assert "this machine's clock, since the answer has no Date" in failed["advice"]
