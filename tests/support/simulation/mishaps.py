"""What befalls machines, replicas that share tokens, and those who are told of new ones."""

from __future__ import annotations

import random
from functools import partial

from support.simulation.authority import Condition
from support.simulation.electorate import Electorate
from support.simulation.machine import Machine
from support.simulation.plan import Strike
from support.simulation.world import World


def suspend(world: World, machine: Machine, seconds: float, dice: random.Random) -> None:
    """Nothing on a machine runs for so long."""
    now = world.timeline.now
    until = now + seconds
    world.look_at_fences()
    machine.asleep = max(machine.asleep, until)
    for each in world.processes:
        if each.machine is machine:
            # The wait goes on where it was; the loop looks after 15 s at the latest.
            each.wake = until + dice.random() * min(15.0, max(0.0, each.wake - now))


def replicas(  # noqa: C901 - one case a kind
    world: World, what: Strike
) -> None:
    """Something happens to one replica of those that share the tokens, or to their Leases."""
    dice, electorate = what.dice, world.electorate
    assert electorate is not None
    terms, machine = electorate.election, dice.choice(world.machines)
    process = next((p for p in world.processes if p.machine is machine), None)
    world.look_at_fences()
    match what.kind:
        case "crash" if process is not None:
            world.kill(process, dice.choice([0.1, what.length]))
        case "leave" if process is not None:
            process.stop(what.length)
        case "freeze":  # for less than a Lease lasts, and for longer
            length = dice.choice([0.5, 0.9, 1.1, 2.0, 5.0]) * terms.lease_duration
            suspend(world, machine, length, dice)
        case "doze":  # a worker wakes up long after its right has ended
            length = dice.choice([1.5, 3.0]) * terms.lease_duration
            machine.doze = partial(suspend, world, machine, length, dice)
            machine.spared = dice.choice([0, 1, 1, 2])  # a fetch, or one of its publishes
            wait = world.settings.longest  # until there is something to do
            world.after(wait, partial(setattr, machine, "doze", None))
            world.late = max(world.late, world.timeline.now + wait + length)
        case "cut" | "late":
            _cut(world, machine, what, electorate)
        case "wall":
            step = dice.choice([-1, 1]) * dice.choice([0.5, 2.0, 20.0]) * terms.lease_duration
            set_clock(world, machine, step)
            world.after(what.length, partial(set_clock, world, machine, -step))
        case "shards" | "rollout":  # one replica after the other starts anew
            if what.kind == "shards":
                electorate.shards = dice.choice([1, 2, 3])
            for number, each in enumerate(world.machines):
                later = number * dice.uniform(0.5, 3.0) * terms.lease_duration
                world.after(later, partial(_restart, world, each))
        case "surge":  # one more for a while
            added = Machine(world.machines[-1].number + 1)
            world.machines.append(added)
            world.begin(added)
            world.after(what.length, partial(_dismiss, world, added))
        case "deleted":
            leases = world.leases.leases
            if leases:
                del leases[dice.choice(sorted(leases))]
            electorate.disturbed(terms.lease_duration)


def _cut(world: World, machine: Machine, what: Strike, electorate: Electorate) -> None:
    """The way of one machine to the API server is bad, and that of no other."""
    dice, now, lease = what.dice, world.timeline.now, electorate.election.lease_duration
    end, share = now + what.length, dice.choice([1, 1, 0.5])
    if what.kind == "late":  # requests arrive when nobody waits for them any more
        late = dice.uniform(0.1, 2.0) * lease
        machine.cut = Condition(now, end, "late", late, share)
        electorate.disturbed(what.length + late)
        world.late = max(world.late, end + late)
        return
    kind = dice.choice(["refused", "hole", "hang", "lost"])
    machine.cut = Condition(now, end, kind, 0.0, share)
    if share < 1:  # it may well go on
        electorate.disturbed(what.length)
    elif kind in {"hang", "lost"}:  # its word arrives, so its share is left to it, once
        electorate.disturbed(lease)


def _restart(world: World, machine: Machine) -> None:
    for process in world.processes:
        if process.machine is machine and not process.stopping:
            process.stop(0.5)


def _dismiss(world: World, machine: Machine) -> None:
    world.machines.remove(machine)
    _restart(world, machine)


def hearers(world: World, what: Strike) -> None:
    """An application does not hear."""
    places, now = world.hearers.places(), world.timeline.now
    later = what.dice.choice([0.0, 0.2 * what.length]) if what.kind == "503" else 0.0
    kind, length = what.kind, what.length
    if kind == "abandoned":  # and then those who would have told it are gone as well
        kind, length = "refused", 1.5 * min(world.settings.lifetimes.values())
        world.after(length, partial(_abandon, world))
        world.late = max(world.late, now + length)
    if places:
        world.hearers.strike(what.dice.choice(places), Condition(now, now + length, kind, later))


def _abandon(world: World) -> None:
    for process in list(world.processes):
        world.kill(process)


def set_clock(world: World, machine: Machine, step: float) -> None:
    """Its wall clock jumps; what it has written is wrong by so much, and may be put right."""
    machine.off += step
    world.laws.jumps += 1
