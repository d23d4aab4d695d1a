"""What stands on a Lease, whoever wrote it."""

import pytest
from hypothesis import given, strategies as st

from secret_refresher.election import asks
from secret_refresher.election.asks import Ask, Seated, Why
from secret_refresher.election.record import MEMBER, OWNER, SHARDS, Member, member, record
from secret_refresher.election.terms import Found, No
from support.election_world import LeaseServer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    metadata=JSON,
    spec=JSON,
    values=st.dictionaries(
        st.sampled_from(
            ["holderIdentity", "leaseTransitions", "renewTime", "leaseDurationSeconds"]
        ),
        JSON,
    ),
    annotations=st.dictionaries(
        st.sampled_from([OWNER, SHARDS, f"{MEMBER}0123456789", f"{MEMBER}x"]), JSON
    ),
)
def test_anything_can_be_read(
    metadata: object, spec: object, values: dict[str, object], annotations: dict[str, object]
) -> None:
    """Whatever stands there is read without an error, and never counts as more than it is."""
    for raw in (
        {"metadata": metadata, "spec": spec},
        {"metadata": {"annotations": annotations}, "spec": values},
        {},
    ):
        found = record(raw)
        assert found.transitions >= 0
        assert found.shards is None or found.shards > 0
        assert set(found.members) <= {"0123456789"}


@pytest.mark.parametrize(
    "word",
    ["", "3", "3 1 10", "0 1 10 pod", "3 -1 10 pod", "3 1 10 pod more", "3 1 10 p\u00f6d", "x"],
)
def test_a_word_of_nobody(word: str) -> None:
    """What no version of ours has written is no replica's word."""
    assert member(word) is None


def test_a_word_is_read_as_it_was_written() -> None:
    """A replica understands what another one says."""
    said = Member(3, 12, 10, "pod-7d9c8.x")
    assert member(said.word()) == said


@pytest.fixture
def server() -> LeaseServer:
    """One Lease of ours that nobody has had."""
    server = LeaseServer()
    server.ask(Ask(Why.CREATE, 0, owner="a/b"))
    return server


def taken(server: LeaseServer, holder: str = "me") -> Seated:
    """Takes it as it stands."""
    found = server.ask(Ask(Why.READ, 0))
    assert isinstance(found, Found)
    ask = asks.take(0, found.record, holder, patience=10, shards=1, stamp=f"t-{holder}")
    answer = server.ask(ask)
    assert isinstance(answer, Found)
    return Seated(holder, answer.record.transitions)


def test_of_two_that_take_one_has_it(server: LeaseServer) -> None:
    """A Lease is taken as it was found, or not at all: the second one changes nothing."""
    found = server.ask(Ask(Why.READ, 0))
    assert isinstance(found, Found)
    first, second = (
        asks.take(0, found.record, who, patience=10, shards=1, stamp="t") for who in ("a", "b")
    )
    assert isinstance(server.ask(first), Found)
    assert server.ask(second) is No.CHANGED


def test_a_word_disturbs_no_taking(server: LeaseServer) -> None:
    """Once a Lease was held, words that others leave on it keep nobody from taking it."""
    asks_of = taken(server)
    server.ask(asks.release(0, asks_of, "t2"))
    found = server.ask(Ask(Why.READ, 0))
    assert isinstance(found, Found)
    server.ask(asks.beat("a/b", "0123456789", Member(1, 1, 10, "pod"), None, "t3"))
    ask = asks.take(0, found.record, "b", patience=10, shards=1, stamp="t4")
    assert isinstance(server.ask(ask), Found)


def test_a_word_keeps_the_count(server: LeaseServer) -> None:
    """The count of shards is changed only where nobody has said a word since it was read."""
    server.ask(asks.release(0, taken(server), "t2"))
    found = server.ask(Ask(Why.READ, 0))
    assert isinstance(found, Found)
    server.ask(asks.beat("a/b", "0123456789", Member(1, 1, 10, "pod"), None, "t3"))
    ask = asks.take(0, found.record, "b", patience=10, shards=2, stamp="t4")
    assert server.ask(ask) is No.CHANGED


@pytest.mark.parametrize("late", ["renew", "release", "beat"])
def test_what_comes_late_changes_nothing(server: LeaseServer, late: str) -> None:
    """What a former holder has sent is refused once another one has the Lease."""
    old = taken(server)
    requests = {
        "renew": asks.renew(0, "a/b", old, "t9"),
        "release": asks.release(0, old, "t9"),
        "beat": asks.beat("a/b", "0123456789", Member(1, 1, 10, "pod"), old, "t9"),
    }
    taken(server, "other")
    before = str(server.leases)
    assert server.ask(requests[late]) is No.CHANGED
    assert str(server.leases) == before


def test_a_word_that_was_renewed_stays(server: LeaseServer) -> None:
    """Others remove the very word that they saw grow old, and no newer one."""
    for number in (1, 2):
        server.ask(asks.beat("a/b", "0123456789", Member(1, number, 10, "pod"), None, "t"))
    assert server.ask(asks.clean({"0123456789": "1 1 10 pod"})) is No.CHANGED
    assert isinstance(server.ask(asks.clean({"0123456789": "1 2 10 pod"})), Found)


def test_a_stranger_is_never_written_to() -> None:
    """Neither a word nor a renewal nor a taking touches a Lease of another owner."""
    server = LeaseServer()
    server.create(0, {OWNER: "other/one"})
    server.leases[0]["spec"] = {"holderIdentity": "x", "leaseTransitions": 1, "renewTime": "t"}
    found = server.ask(Ask(Why.READ, 0))
    assert isinstance(found, Found)
    before = str(server.leases)
    word = Member(1, 1, 10, "pod")
    for ask in (
        asks.beat("a/b", "0123456789", word, None, "t"),
        asks.renew(0, "a/b", Seated("x", 1), "t"),
        Ask(Why.CREATE, 0, owner="a/b"),
    ):
        assert server.ask(ask) is No.CHANGED
    assert str(server.leases) == before
