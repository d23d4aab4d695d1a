"""What others do to the places of our tokens: by hand, by mistake, on purpose."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

from secret_refresher.adapters.kubernetes.secret_form import (
    ANNOTATIONS,
    rendering_of,
)
from secret_refresher.tokens.moments import rfc3339
from secret_refresher.tokens.record import Record, dump, load, rendering_hash
from support.simulation.places import Place, remove
from support.simulation.plan import Strike

if TYPE_CHECKING:
    from support.simulation.world import World

EDITOR = "kubectl-edit"


def touch(world: World, place: Place, what: Strike) -> None:
    """Somebody does something to one place."""
    if world.token(place.token) is None or place.texts(world.store) is None:
        return
    place.intact = False
    place.disturbed += 1
    (_touch_file if place.is_file else _touch_secret)(world, place, what)
    world.readers.look(place, ours=False)
    place.intact = False
    for process in world.processes:
        process.watch(120)


def took(world: World, place: Place) -> bool:
    """Whether somebody else manages a key of a Secret of ours."""
    held = None if place.is_file else world.store.objects.get(place.where)
    owned = held.owners.items() if held is not None else ()
    return any(who == EDITOR and path[0] == "data" for (who, _), ps in owned for path in ps)


def _planted(world: World, place: Place, what: Strike) -> str:
    text = f"planted-{what.number}"
    world.readers.planted[text] = place.key
    return text


def _forged_life(world: World, place: Place, what: Strike) -> tuple[float, float, float]:
    """Issued, refresh, expiry by the wall clock: as long as it lives, it is believed."""
    wall = world.date()
    life = what.length
    if what.kind == "forged-forever":
        return wall, wall + 1e9, wall + 2e9
    place.forged_until = world.timeline.now + life
    world.laws.forged[place.token] = max(world.laws.forged[place.token], place.forged_until)
    return wall - 1.0, wall + life / 2, wall + life


# --- files -----------------------------------------------------------------------------------


def _overwrite(path: str, content: bytes) -> None:
    if os.path.isfile(path):
        os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(content)


def _read(path: str) -> bytes:
    if not os.path.exists(path):
        return b""
    with open(path, "rb") as file:
        return file.read()


def _touch_file(world: World, place: Place, what: Strike) -> None:
    path = place.path
    kept = world.readers.copies.get(place.key)
    if what.dice.random() < 0.5:
        world.readers.copies[place.key] = (_read(path), _read(place.meta))
    mode = os.stat(path).st_mode & 0o777
    match what.kind:
        case "delete":
            remove(path)
            if what.dice.random() < 0.3:
                remove(place.meta)
        case "older" if kept is not None:
            _overwrite(path, kept[0])
            os.chmod(path, mode)
            if what.dice.random() < 0.5:
                _overwrite(place.meta, kept[1])
        case "forged" | "forged-forever":
            text = _planted(world, place, what)
            issued, refresh, expires = _forged_life(world, place, what)
            known = load(_read(place.meta))
            fingerprint = known[0].fingerprint if known else ""
            forged = Record(rendering_hash(text.encode()), issued, refresh, expires, fingerprint)
            _overwrite(place.meta, dump((forged,)))
            _overwrite(path, text.encode())
            os.chmod(path, mode)
        case "spoiled":
            if os.path.exists(place.meta):
                _overwrite(place.meta, what.dice.choice([b"", b"{", b'{"version": 99}']))
        case "undressed":
            os.chmod(path, 0o644)
        case _:
            _overwrite(path, _planted(world, place, what).encode())


# --- Secrets ---------------------------------------------------------------------------------


def _touch_secret(world: World, place: Place, what: Strike) -> None:
    store, where = world.store, place.where
    held = store.objects[where]
    keys = [path[1] for path in held.leaves if path[0] == "data"]
    notes = {path[1]: value for path, value in held.leaves.items() if path[0] == "annotations"}
    data = {path[1]: value for path, value in held.leaves.items() if path[0] == "data"}
    kept = world.readers.copies.get(place.key)
    if what.dice.random() < 0.5:
        world.readers.copies[place.key] = (data, notes)
    match what.kind:
        case "delete" if what.dice.random() < 0.5:
            store.delete(where, None, EDITOR)
        case "delete":
            store.merge(where, {"data": {what.dice.choice(keys): None}}, EDITOR)
        case "older" if kept is not None:
            old_data, old_notes = kept
            body: dict[str, Any] = {"data": old_data}
            if what.dice.random() < 0.7:
                body["metadata"] = {"annotations": old_notes}
            store.merge(where, body, EDITOR)
        case "forged" | "forged-forever":
            text = _planted(world, place, what)
            issued, refresh, expires = _forged_life(world, place, what)
            forged = dict.fromkeys(keys, text.encode())
            written = {
                f"secret-refresher.io/{name}": value
                for name, value in (
                    ("issued-at", rfc3339(issued)),
                    ("refresh-at", rfc3339(refresh)),
                    ("expires-at", rfc3339(expires)),
                    ("rendering", rendering_of(forged)),
                )
            }
            encoded = {key: base64.b64encode(value).decode() for key, value in forged.items()}
            store.merge(where, {"data": encoded, "metadata": {"annotations": written}}, EDITOR)
        case "undressed":
            records = ANNOTATIONS[2:]  # without the owner a restart could not tell whose it is
            gone = what.dice.sample(records, what.dice.randint(1, len(records)))
            store.merge(where, {"metadata": {"annotations": dict.fromkeys(gone)}}, EDITOR)
        case "spoiled":
            name = what.dice.choice(ANNOTATIONS[2:])
            store.merge(where, {"metadata": {"annotations": {name: "nonsense"}}}, EDITOR)
        case _:
            text = base64.b64encode(_planted(world, place, what).encode()).decode()
            store.merge(where, {"data": {what.dice.choice(keys): text}}, EDITOR)
