"""What each thing that goes wrong does to the world; see `plan.KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from secret_refresher.config.model import State, TokenConfig
from secret_refresher.config.origin import origin_of
from secret_refresher.errors import Fault, Lane, Reason
from support.simulation import people
from support.simulation.answers import RETRY_ROWS, ROWS
from support.simulation.authority import Condition
from support.simulation.mishaps import hearers, replicas, set_clock, suspend
from support.simulation.plan import Strike
from support.simulation.settings import enough, sinks
from support.simulation.world import World

AFTERWARDS = 60.0
"""Seconds for which an old secret stays valid once the file has the new one."""
FRESH = 3.0
"""Seconds until the patrol has noticed what has changed."""


def strike(world: World, what: Strike) -> float:
    """Has it happen; the instant at which it is over."""
    world.say(f"--- {what}")
    world.counts[f"{what.family}: {what.kind}"] += 1
    _FAMILIES[what.family](world, what)
    return world.timeline.now + what.length


def _token(world: World, what: Strike) -> TokenConfig:
    return what.dice.choice(world.config.tokens)


def _network(world: World, what: Strike) -> None:
    """Something is wrong on the way to one authorization server."""
    token, dice, now = _token(world, what), what.dice, world.timeline.now
    kind, share, seconds = what.kind, 1.0, 0.0
    hang = token.request.timeout if kind in {"hole", "hang", "slow"} else world.settings.latency
    if kind == "slow":
        seconds = dice.uniform(0.1, 2.0) * token.request.timeout
    if kind == "flaky":
        kind, share = dice.choice(["refused", "reset", "status-503", "lost"]), 0.5
    end = now + what.length
    world.authority(origin_of(token.token_url)).conditions.append(
        Condition(now, end, kind, seconds, share)
    )
    if kind == "moved":  # followed, and as good as any
        return
    queue = len(world.config.tokens)  # who asks one at a time, waits for the others
    _obstruct_origin(world, token, end + queue * hang + 5 * world.settings.latency)


def _obstruct_origin(world: World, token: TokenConfig, end: float, permanent: bool = False) -> None:  # noqa: FBT001, FBT002
    world.obstruct(f"origin {token.token_url}", end, permanent=permanent)


def _row(world: World, what: Strike) -> None:
    """A server answers by one row of the response table."""
    token, dice, now = _token(world, what), what.dice, world.timeline.now
    later = 0.0
    if what.kind in RETRY_ROWS and dice.random() < 0.7:
        later = float(int(dice.choice([0.2, 1.0, 3.0]) * what.length) + 1)
    end = now + what.length
    world.authority(origin_of(token.token_url)).conditions.append(
        Condition(now, end, what.kind, later, 1.0, as_date=dice.random() < 0.5)
    )
    permanent = ROWS[what.kind].permanent
    _obstruct_origin(world, token, end + 5 * world.settings.latency, permanent)


def _api(world: World, what: Strike) -> None:
    """Something is wrong with the API server."""
    dice, now = what.dice, world.timeline.now
    seconds = 0.0
    if what.kind == "slow":
        seconds = dice.uniform(0.1, 1.0) * min(2.0, world.settings.longest / 100)
    if what.kind in {"429", "503"} and dice.random() < 0.5:
        seconds = dice.uniform(0, what.length)
    end = now + what.length
    world.api.append(Condition(now, end, what.kind, seconds, dice.choice([1.0, 1.0, 0.5])))
    hang = {"hole": 5.0, "hang": 10.0}.get(what.kind, 0.0) * (
        8 if world.settings.tenders < 8 else 2
    )
    world.obstruct("api", end + hang + 8 * seconds + 20 * world.settings.latency)


def _people(world: World, what: Strike) -> None:
    """Somebody touches what is ours."""
    places = list(world.laws.places.values())
    if places:
        people.touch(world, what.dice.choice(places), what)


def _disk(world: World, what: Strike) -> None:
    """The disk below one file fails."""
    files = [place for place in world.laws.places.values() if place.is_file]
    if not files:
        return
    place = what.dice.choice(files)
    disk = world.readers.disk(place.path)
    disk.kind, disk.call = what.kind, what.dice.randint(1, 30)
    world.obstruct(f"place {place.key}", world.timeline.now + what.length)
    world.after(what.length, partial(_well, world, place.path, what.kind))


def _well(world: World, path: str, kind: str) -> None:
    if world.readers.disk(path).kind == kind:
        world.readers.disk(path).kind = ""


def _credentials(  # noqa: C901 - one case a kind
    world: World, what: Strike
) -> None:
    """The credentials of one client change, in two steps, or cannot be read for a while."""
    token, now = _token(world, what), world.timeline.now
    files, path = world.mounts.files, token.auth.client_secret_file
    client = world.authority(origin_of(token.token_url)).clients[f"client-{token.name}"]
    fresh = f"credential-{token.name}-{what.number}"
    world.secrets.add(fresh)
    old = files[path]
    if world.rotating.get(token.name, 0.0) > now or isinstance(old, Fault):  # one after the other
        return
    world.rotating[token.name] = now + what.length + AFTERWARDS

    def swap() -> None:
        if token.auth.previous_client_secret_file is not None:
            files[token.auth.previous_client_secret_file] = old
        files[path] = f"{fresh}\n".encode()
        world.duties.changed(token)
        for process in world.processes:
            process.watch(30)

    def back() -> None:
        files[path] = old
        world.duties.changed(token)
        for process in world.processes:
            process.watch(30)

    match what.kind:
        case "rotated":  # both are valid for a while: nothing may fail
            client.secrets.add(fresh)
            world.after(what.length, swap)
            world.after(
                what.length + AFTERWARDS, partial(client.secrets.discard, old.strip().decode())
            )
        case "early":  # the file is first; the old one still works
            swap()
            world.after(what.length, partial(client.secrets.add, fresh))
            if token.auth.previous_client_secret_file is None:
                world.obstruct(f"token {token.name}", now + what.length, permanent=True)
        case "revoked":  # the file comes late
            client.secrets.clear()
            client.secrets.add(fresh)
            world.after(what.length, swap)
            end = now + what.length + FRESH
            world.obstruct(f"token {token.name}", end)
        case "unreadable":
            files[path] = Fault(
                Reason.CREDENTIALS, "cannot read it", "mount it", Lane.PERMANENT, code="EACCES"
            )
            world.after(what.length, back)
            world.obstruct(f"token {token.name}", now + what.length + FRESH)
        case _:
            files[path] = b""
            world.after(what.length, back)
            world.obstruct(f"token {token.name}", now + what.length + FRESH)
    for process in world.processes:
        process.watch(30)


def _machine(  # noqa: C901 - likewise
    world: World, what: Strike
) -> None:
    """A machine, its clock, or the process on it."""
    dice, now = what.dice, world.timeline.now
    machine = dice.choice(world.machines)
    process = next((p for p in world.processes if p.machine is machine), None)
    match what.kind:
        case "kill" if process is not None:
            world.kill(process, dice.choice([0.1, 1.0, what.length]))
        case "kill-at-call":
            files = [place for place in world.laws.places.values() if place.is_file]
            if files:
                world.readers.disk(dice.choice(files).path).doom = dice.randint(1, 40)
        case "stop" if process is not None:
            process.stop(dice.choice([0.1, what.length]))
        case "suspend":
            suspend(world, machine, what.length, dice)
            world.obstruct("all", now + what.length + 15.0)
        case "wall":
            step = dice.choice([-1, 1]) * dice.choice([1.5, 60.0, 3600.0])
            set_clock(world, machine, step)
            if dice.random() < 0.5:
                world.after(what.length, partial(set_clock, world, machine, -step))
        case "deaf":
            machine.deaf = max(machine.deaf, now + what.length)
            world.after(what.length, partial(world.relist, machine))
            for place in world.laws.places.values():
                if not place.is_file:
                    world.obstruct(f"place {place.key}", now + what.length)


def _skew(world: World, what: Strike) -> None:
    """An authorization server's clock is wrong."""
    token = _token(world, what)
    authority = world.authority(origin_of(token.token_url))
    authority.skew = what.dice.choice([-3600.0, -2.0, 2.0, 3600.0])


def _lifetime(world: World, token: TokenConfig) -> float:
    """Seconds."""
    return world.settings.lifetimes[token.name]


def _rescope(world: World, name: str, scope: str) -> None:
    token = world.token(name)
    if token is not None:
        world.change(token, replace(token, request=replace(token.request, scope=(scope,))))


def _reload(world: World, what: Strike) -> None:
    """The configuration changes while everything runs."""
    token, dice = _token(world, what), what.dice
    match what.kind:
        case "scope":
            scope = (f"s{what.number}",)
            changed = replace(token, request=replace(token.request, scope=scope))
            world.change(token, changed)
        case "hasty":  # and again when the token of the first change has just come
            for number in range(3):
                later = number * dice.uniform(0.05, 1.0) * min(10.0, _lifetime(world, token) / 4)
                world.after(later, partial(_rescope, world, token.name, f"s{what.number}-{number}"))
        case "sinks":
            lifetime = world.settings.lifetimes[token.name]
            name = f"{token.name}-{what.number}" if dice.random() < 0.5 else token.name
            made = sinks(dice, name, world.settings.folder, lifetime)
            world.change(token, replace(token, sinks=made))
        case "refresh":
            at = dice.choice([0.5, 0.6, 0.75, 0.9])
            world.change(token, replace(token, refresh=replace(token.refresh, at=at)))
        case "budget":
            lifetime = world.settings.lifetimes[token.name]
            hourly = dice.choice([None, 3 * enough(token, lifetime), 10_000])
            refresh = replace(token.refresh, max_requests_per_hour=hourly)
            world.change(token, replace(token, refresh=refresh))
        case "gone" if len(world.config.tokens) > 1:
            world.change(token, None)
            world.after(what.length, partial(world.come_back, token))
        case "absent":
            if any(people.took(world, p) for p in world.laws.places.values()):
                return  # what others have taken is theirs once we give the Secret up
            world.change(token, replace(token, state=State.ABSENT))
            world.after(what.length, partial(world.change, token, token))


_FAMILIES: dict[str, Callable[[World, Strike], None]] = {
    "network": _network,
    "row": _row,
    "api": _api,
    "people": _people,
    "disk": _disk,
    "credentials": _credentials,
    "machine": _machine,
    "reload": _reload,
    "skew": _skew,
    "replicas": replicas,
    "hearers": hearers,
}
