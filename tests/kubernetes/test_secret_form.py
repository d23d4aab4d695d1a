"""A Secret of ours, as it is written and as it is found."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, strategies as st

from secret_refresher.adapters.kubernetes.secret_form import (
    Installation,
    content_of,
    document,
    removal,
    rendering_of,
    standing,
)
from secret_refresher.config.model import SecretSink
from secret_refresher.tokens.record import Record
from secret_refresher.tokens.rendering import Render
from secret_refresher.tokens.token import Life

US = Installation("secret-refresher", "default/secret-refresher")
SINK = SecretSink(name="wanted", labels={"team": "blue"}, annotations={"about": "x"})
CONTENT = {"token": b"very-secret"}
RECORD = Record(rendering_of(CONTENT), 1000.001, 1700.0, 2000.0, "source+token:raw")


def written(sink: SecretSink = SINK, record: Record = RECORD, **more: Any) -> dict[str, Any]:
    """What the API server has after our apply."""
    made = document(
        sink,
        US,
        namespace="here",
        token_name="a",
        content=dict.fromkeys(sink.data, b"very-secret"),
        record=record,
        before=None,
    )
    made["metadata"] |= {"uid": "u-1", "resourceVersion": "7", "managedFields": [managed()]}
    made["metadata"] |= more
    return made


def managed(manager: str = "secret-refresher", *keys: str) -> dict[str, Any]:
    """An entry of managedFields."""
    fields: dict[str, Any] = {f"f:{key}": {} for key in keys or ("token",)}
    return {"manager": manager, "operation": "Apply", "fieldsV1": {"f:data": {".": {}, **fields}}}


def test_what_is_written_is_found() -> None:
    """All of it: whose it is, the record to the millisecond, and that it is dressed."""
    found = standing(written(), SINK, US, "a")
    assert (found.uid, found.version, found.type) == ("u-1", "7", "Opaque")
    assert (found.owner, found.token_name) == ("default/secret-refresher", "a")
    assert found.record == RECORD
    assert found.rendering == RECORD.rendering
    assert found.ours == {"token"}
    assert found.created
    assert found.alone
    assert found.dressed
    assert not found.controlled
    assert not found.immutable
    assert not found.leaving
    assert "very-secret" not in repr(found)


@given(st.floats(1e9, 2e9), st.floats(1, 1e7), st.floats(0, 1), st.floats(-1e6, 1e6))
def test_records_come_back_equal(issued: float, length: float, share: float, skew: float) -> None:
    """Whatever the instants: otherwise an unchanged Secret would be written again and again."""
    life = Life(5.0, 5.0 + length * share, 5.0 + length, issued + skew)
    record = Record.of_rendering(RECORD.rendering, life, "source")
    found = standing(written(record=record), SINK, US, "a")
    assert found.record == record


def test_the_object_that_is_meant() -> None:
    """Uid and version are named, the first time too; managed-by only if it was ours."""
    before = standing(written(), SINK, US, "a")
    parts: Mapping[str, Any] = {
        "namespace": "here",
        "token_name": "a",
        "content": CONTENT,
        "record": RECORD,
    }
    again = document(SINK, US, before=before, **parts)
    assert again["metadata"]["uid"] == "u-1"
    assert again["metadata"]["resourceVersion"] == "7"
    assert "app.kubernetes.io/managed-by" in again["metadata"]["labels"]
    theirs = standing({"metadata": {"uid": "u-2", "resourceVersion": "8"}}, SINK, US, "a")
    taken = document(SINK, US, before=theirs, **parts)
    assert "app.kubernetes.io/managed-by" not in taken["metadata"]["labels"]
    assert "stringData" not in taken
    first = document(SINK, US, before=None, **parts)
    assert "uid" not in first["metadata"]
    # One that no object has: whatever was created meanwhile is not overwritten unseen.
    assert first["metadata"]["resourceVersion"] == "1"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"labels": {}}, "dressed"),
        ({"annotations": {}}, "dressed"),
        ({"labels": {"more": "x"}}, "alone"),
        ({"annotations": {"more": "x"}}, "alone"),
        ({"finalizers": ["x/y"]}, "alone"),
        ({"ownerReferences": [{"kind": "X", "controller": False}]}, "alone"),
    ],
)
def test_what_others_did(change: dict[str, Any], what: str) -> None:
    """A thing that is missing undresses it, a thing that was added makes it shared."""
    raw = written()
    for key, value in change.items():
        before = raw["metadata"].get(key)
        raw["metadata"][key] = {**before, **value} if value and before else value
    assert not getattr(standing(raw, SINK, US, "a"), what)


def test_who_manages_what() -> None:
    """A key is ours only if nobody else has a share in it; one without a value is nobody's."""
    sink = SecretSink(name="wanted", data={key: Render() for key in "abcd"})
    raw = written(sink)
    raw["data"]["d"] = ""
    raw["data"]["old"] = "eA=="
    raw["metadata"]["managedFields"] = [
        managed("secret-refresher", "a", "b", "old"),
        managed("helm", "b", "c", "d"),
        {"manager": "secret-refresher", "subresource": "x", "fieldsV1": {}},
    ]
    found = standing(raw, sink, US, "a")
    assert found.managers == {
        "a": ("secret-refresher",),
        "b": ("secret-refresher", "helm"),
        "c": ("helm",),
    }
    assert found.ours == {"a", "old"}


def test_cleared_managed_fields() -> None:
    """Then the content proves whose it is, as long as it is whole."""
    raw = written(managedFields=[])
    assert standing(raw, SINK, US, "a").ours == {"token"}
    raw["data"]["token"] = base64.b64encode(b"edited").decode()
    assert standing(raw, SINK, US, "a").ours == frozenset()


@pytest.mark.parametrize(
    "annotations",
    [
        {"secret-refresher.io/issued-at": "yesterday"},
        {"secret-refresher.io/issued-at": "1970-01-01T00:16:40Z\n"},
        {"secret-refresher.io/expires-at": "2099-01-01T00:00:00.000Z"},
        {"secret-refresher.io/expires-at": "1970-01-01T00:00:00.000Z"},
        {"secret-refresher.io/refresh-at": "2098-01-01T00:00:00.000Z"},
        {"secret-refresher.io/refresh-at": None},
        {"secret-refresher.io/rendering": 7},
        {"secret-refresher.io/fingerprint": None},
    ],
)
def test_spoilt_records(annotations: dict[str, Any]) -> None:
    """A record that cannot be, or that nobody would be granted, is none."""
    raw = written()
    raw["metadata"]["annotations"] |= annotations
    assert standing(raw, SINK, US, "a").record is None


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"metadata": None, "data": None},
        {"metadata": [], "data": []},
        {"metadata": {"annotations": [], "labels": "x", "managedFields": {}}, "data": {"token": 1}},
        {"metadata": {"managedFields": [None, {"fieldsV1": None}, {"fieldsV1": {"f:data": 1}}]}},
        {"metadata": {"ownerReferences": "x"}, "data": {"token": "not base64!"}},
        {"metadata": {"ownerReferences": [1, {}]}},
    ],
)
def test_odd_objects(raw: dict[str, Any]) -> None:
    """Whatever comes, it is somebody else's and holds nothing of ours."""
    found = standing(raw, SINK, US, "a")
    assert found.owner is None
    assert found.record is None
    assert found.rendering is None
    assert not found.ours
    assert not found.alone
    assert content_of(raw, SINK) == {}


def test_removal() -> None:
    """Takes out what is ours, of the object that was seen, and nothing else."""
    raw = written()
    raw["data"]["other"] = "eA=="
    patch = removal(SINK, standing(raw, SINK, US, "a"), for_good=True)
    assert patch["data"] == {"token": None}
    metadata = patch["metadata"]
    assert (metadata["uid"], metadata["resourceVersion"]) == ("u-1", "7")
    assert set(metadata["annotations"]) == {
        "about",
        *(key for key in raw["metadata"]["annotations"] if key.startswith("secret-refresher.io/")),
    }
    assert set(metadata["labels"]) == set(raw["metadata"]["labels"])
    assert set(metadata["annotations"].values()) | set(metadata["labels"].values()) == {None}
    for_now = removal(SINK, standing(raw, SINK, US, "a"), for_good=False)
    named = {"uid": "u-1", "resourceVersion": "7"}
    assert for_now == {"metadata": named, "data": {"token": None}}


@given(st.dictionaries(st.text("ab", min_size=1), st.binary(max_size=4), max_size=4))
def test_hash_over_keys(content: dict[str, bytes]) -> None:
    """The same whatever the order; another where a byte moves from one key to the next."""
    mixed = dict(reversed(content.items()))
    assert rendering_of(mixed) == rendering_of(content)
    for key, value in content.items():
        assert rendering_of({**content, key: value + b"x"}) != rendering_of(content)
    assert rendering_of({"a": b"xy", "b": b""}) != rendering_of({"a": b"x", "b": b"y"})
