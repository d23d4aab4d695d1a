"""The section `election`: what it takes, and what it refuses with which remedy."""

from collections.abc import Callable

import pytest

from secret_refresher.config.model import Config

TOKEN = """
tokens:
  - name: a
    tokenUrl: https://id.example.com/token
    sinks: [{secret: {name: a}}]
"""


def test_the_defaults_are_right_by_themselves(load: Callable[[str], Config]) -> None:
    """Enabling it is enough."""
    election = load(TOKEN + "election: {enabled: true}").election
    assert (election.enabled, election.shards, election.name) == (True, 1, "secret-refresher")
    assert election.namespace is None
    assert election.margin == 4.0


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("renewDeadline: 9s", "election.renewDeadline: must be at most 0.8 of leaseDuration, 8s"),
        ("leaseDuration: 7s", "election.renewDeadline: must be at most 0.8 of leaseDuration, 5600"),
        ("retryPeriod: 4s", "election.retryPeriod: must be at most half of renewDeadline, 3s"),
        ("shards: 0", "election.shards: must be a whole number from 1 to 64"),
        ("shards: 65", "election.shards: must be a whole number from 1 to 64"),
        ("shards: 1.5", "election.shards: must be a whole number from 1 to 64"),
        ("name: Me", "election.name: must be lower-case letters"),
        ("namespace: a.b", "election.namespace: must be"),
        ("leaseDuration: 15", "election.leaseDuration: must be a time as 90s, 5m or 1h30m"),
        ("leaseDuration: 1s", "election.leaseDuration: must be from 2s to 1h"),
        ("leases: 3", "election.leases: is not known"),
    ],
)
def test_what_cannot_work(refuse: Callable[[str], list[str]], section: str, problem: str) -> None:
    """Each has one problem, where it stands, and says what would be right."""
    [found] = refuse(TOKEN + f"election: {{enabled: true, {section}}}")
    assert found.startswith(problem)


def test_files_cannot_be_shared(refuse: Callable[[str], list[str]]) -> None:
    """A file belongs to one pod: with an election each file sink is refused, where it stands."""
    text = TOKEN.replace("[{secret: {name: a}}]", "[{secret: {name: a}}, {file: {}}]")
    [found] = refuse(text + "election: {enabled: true}")
    assert found.startswith("tokens[0].sinks[1].file: cannot be shared by replicas")
    assert "election.enabled: false" in found


def test_files_beside_a_section_that_is_off(load: Callable[[str], Config]) -> None:
    """An election that is not enabled forbids nothing."""
    text = TOKEN.replace("secret: {name: a}", "file: {}")
    assert not load(text + "election: {shards: 3}").election.enabled
