"""A node's own key is stolen: somebody else signs a history for its log. One of the two is caught as soon as both are shown."""

import asyncio
from typing import Final

from holdgate.crypto.hashes import leaf_hash
from holdgate.crypto.keys import SigningKey
from holdgate.engine.bus import Peer, Taken
from holdgate.law.segments import Segment
from holdgate.ledger.merkle import Tree, extend, root_from_frontier
from holdgate.ledger.note import Notary
from holdgate.terms.errors import Tampered, Unavailable
from tests.sim.machine import Machine
from tests.sim.world import World
from tests.unit.test_sites import VAULT

BACK: Final = 3
"""How many entries before its end a log is forked."""
SOON_S: Final = 30
"""A sync, in a shop without faults: the entry is offered, refused, and what the Vault cosigned is looked at."""


def forged(world: World, machine: Machine, start: int) -> Segment:
    """A history of another entry from `start` on, signed with the node's own key."""
    tree = Tree()
    for kept in machine.disk.base.rows[:start]:
        tree.append(kept.row.leaf)
    body = b"what never was"
    leaves = [leaf_hash(body)]
    seed = world.premises.keys(machine.id).signing
    root = root_from_frontier(extend(start, tree.frontier(), leaves), start + 1)
    note = Notary(machine.seat.origin, SigningKey.from_seed(seed)).checkpoint(start + 1, root)
    return Segment(
        origin=machine.seat.origin, start=start, size=start + 1, checkpoint=note, leaves=(*leaves,), entries={0: body}
    )


async def offered(world: World, machine: Machine, segment: Segment) -> bool:
    """Whether the Vault takes it from somebody who holds the node's credentials too."""

    async def offer(peer: Peer) -> Taken:
        return await peer.offer(segment, machine.id)

    while True:
        try:
            await world.network.call(machine.id, VAULT, offer)
        except Unavailable:
            await asyncio.sleep(1)
        except Tampered:
            return False
        else:
            return True


async def fork_with_a_stolen_key(world: World) -> list[str]:
    """Offer the Vault a fork from the log's middle, then one that goes on from its end; what was not noticed."""
    vault = world.machines[VAULT]
    machine = world.rng.choice([m for m in world.machines.values() if m.seat.kind == "node"])
    size = len(machine.disk.base.rows)
    found = []
    world.happened("forged stretch", machine.id)
    if await offered(world, machine, forged(world, machine, size - BACK)):
        found.append(f"the Vault took another history of {machine.id}")
    elif not any(origin == machine.seat.origin for origin, _ in vault.disk.base.evidence):
        found.append(f"the Vault keeps no evidence of another history of {machine.id}")
    else:
        world.happened("forged stretch, and caught", machine.id)
    world.inspector.forged.add(machine.id)
    if not await offered(world, machine, forged(world, machine, size)):
        return [*found, f"the Vault refuses a stretch that goes on where {machine.id} ends, under its own key"]
    world.happened("fork by a stolen key", machine.id)
    site = machine.site
    assert site is not None
    for _ in range(2):  # a refusal: an entry that the node makes now, beside the forged one
        await world.folk.ask(machine.id, world.folk.start("PO-NONE", "J-NONE", machine.id))
        await asyncio.sleep(SOON_S)
        if isinstance(site.spine.fault, Tampered) or machine.site is not site:
            world.happened("fork by a stolen key, and caught", machine.id)
            return found
    return [*found, f"{machine.id} goes on beside another history under its key"]
