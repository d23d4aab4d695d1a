"""Short versions of what tools/show demonstrates."""

import pytest
import yaml

from support.cluster_daemon import employ, held, to_secrets
from support.daemon import settings, until
from tools.show.outage import outage
from tools.show.ownership import ownership
from tools.show.stage import Stage
from tools.show.steady import steady
from tools.show.two import two


@pytest.mark.parametrize("pause", [False, True], ids=["killed", "paused"])
def test_outage(stand: Stage, *, pause: bool) -> None:
    """While the API server dies or hangs, and comes back, no reader sees a bad token."""
    stand.server.lifetime = 20
    found = outage(stand, 20, pause=pause)
    assert found["outages"] != 0
    assert found["bad reads"] == {}
    assert found["exit status"] == 0


def test_steady(stand: Stage) -> None:
    """A refresh is one request to the API server, and between two there is none."""
    found = steady(stand, 3, 5)
    during, refreshes = found["requests during them"], found["refreshes"]
    assert isinstance(during, dict)
    assert isinstance(refreshes, int)
    assert list(during) == ["patch secrets"]
    # One may be in the log of one and not yet in that of the other.
    assert abs(during["patch secrets"] - refreshes) <= 1
    assert found["requests while idle"] == {}
    assert found["token requests while idle"] == 0


def test_two(stand: Stage) -> None:
    """Two daemons settle: each writes what it fetched at most once, and no token goes back."""
    stand.server.lifetime = life = 6
    seconds = 18
    found = two(stand, seconds)
    assert found["bad reads"] == {}
    assert found["an older one after a newer"] == 0
    for peer in (stand.account.name, f"{stand.account.name}-2"):
        requests, writes = found[f"{peer}: token requests"], found[f"{peer}: writes"]
        assert isinstance(requests, int)
        assert isinstance(writes, int)
        # No token is replaced before two fifths of its life.
        assert requests <= seconds / (0.4 * life) + 2
        assert writes <= requests
        assert found[f"{peer}: drift put right"] == 0


def test_cold(stand: Stage) -> None:
    """From cold each of a hundred Secrets gets its own token, by as many token requests."""
    namespaces = [stand.cluster.namespace() for _ in range(20)]
    places = [(namespaces[number % 20], f"t-{number:05d}") for number in range(100)]
    tokens = [
        to_secrets(
            stand.server.token_url, stand.folder, {"name": name, "namespace": namespace}, name=name
        )
        for namespace, name in places
    ]
    folder = stand.folder / "cold"
    with employ(stand.cluster, stand.account, folder, settings(*tokens)) as daemon:
        until(lambda: len(daemon.logs("token published")) == 100, "all of them", patience=90)
    found = [held(stand.cluster, *place) for place in places]
    assert sorted(filter(None, found)) == sorted(stand.server.tokens)
    assert len(stand.server.requests) == 100


def test_ownership(stand: Stage) -> None:
    """After a person edited another key, each manages what is his."""
    shown = yaml.safe_load(ownership(stand))
    owned = {
        entry["manager"]: (set(entry["fieldsV1"]["f:data"]), entry["operation"])
        for entry in shown["metadata"]["managedFields"]
    }
    assert owned == {
        "secret-refresher": ({"f:token"}, "Apply"),
        "kubectl-edit": ({"f:colour"}, "Update"),
    }
    assert set(shown["data"]) == {"colour", "token"}
