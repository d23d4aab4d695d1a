"""Which shard a token belongs to, and how many shards a replica holds."""

from collections import Counter

from hypothesis import given, strategies as st

from secret_refresher.election.balance import share
from secret_refresher.election.shards import lease_name, shard_of

NAMES = [f"token-{number}" for number in range(5000)]


def test_the_same_in_every_process_and_version() -> None:
    """Where names belong is fixed for ever: replicas of two versions must be of one mind."""
    names = ["partner-api", "token-0", "token-1", "token-2", "a"]
    assert [shard_of(name, 1) for name in names] == [0, 0, 0, 0, 0]
    assert [shard_of(name, 3) for name in names] == [1, 2, 2, 1, 2]
    assert [shard_of(name, 64) for name in names] == [27, 12, 2, 40, 2]


def test_spread_evenly() -> None:
    """Each shard gets its part of the names, within a tenth or so."""
    counts = Counter(shard_of(name, 7) for name in NAMES)
    assert sorted(counts) == list(range(7))
    assert max(counts.values()) - min(counts.values()) < 0.25 * len(NAMES) / 7


def test_one_shard_more_moves_its_share_only() -> None:
    """With one shard more, names move to it, and none between the others."""
    before = [shard_of(name, 6) for name in NAMES]
    after = [shard_of(name, 7) for name in NAMES]
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {6}
    assert len(moved) < 1.2 * len(NAMES) / 7


def test_the_first_lease_has_the_plain_name() -> None:
    """Whatever the count of shards, the first one is found under the configured name."""
    assert [lease_name("x", shard) for shard in range(3)] == ["x", "x-1", "x-2"]


@given(
    shards=st.integers(1, 64),
    held=st.lists(st.integers(0, 20), min_size=1, max_size=12),
)
def test_shares_settle(shards: int, held: list[int]) -> None:
    """From any holding, giving up and taking as told ends in balance, and then nothing moves."""
    holding = {f"{number:02}": count for number, count in enumerate(held)}
    holding["00"] += max(0, shards - sum(held))
    for who in list(holding):  # never more than there are
        holding[who] -= min(holding[who], max(0, sum(holding.values()) - shards))
    moves = -1
    for _ in range(5 * len(holding) + 5):
        moves = sum(step(who, holding, shards) for who in list(holding))
        if not moves:
            break
    assert moves == 0
    assert sum(holding.values()) == shards
    assert max(holding.values()) - min(holding.values()) <= 1


def step(who: str, holding: dict[str, int], shards: int) -> bool:
    """Does what a replica is told; whether that was anything."""
    told = share(who, holding, shards)
    room = min(told.room, shards - sum(holding.values()))
    if told.others_first:
        room = min(room, max(0, told.floor - holding[who]))
    holding[who] += room - told.surplus
    return bool(room or told.surplus)
