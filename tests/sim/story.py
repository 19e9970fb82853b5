"""What every world lives through: a few orders while things go wrong, then everything is healed and comes to rest."""

import asyncio
from typing import Final, NamedTuple

from tests.sim.checks import findings
from tests.sim.people import GivenUp
from tests.sim.trouble import drawn_swarm
from tests.sim.world import Ran, Violation, World, base

ORDERS: Final = 3
"""Orders of a world; each is some forty acts, imports and notes."""


class Lived(NamedTuple):
    """A world that is over, and what does not hold of it."""

    ran: Ran
    world: World
    findings: list[str]


def lived(seed: int, orders: int = ORDERS, swarm: frozenset[str] | None = None) -> Lived:
    """Run one world and look at what it left.

    Raises:
        Violation: something went wrong on the way: a defect, no rest, an act that could never be done.
    """
    shop = base()
    world = World(seed, shop.premises, shop.images, drawn_swarm(seed) if swarm is None else swarm)

    async def story(world: World) -> None:
        await asyncio.sleep(20)
        world.trouble.begin()
        nemesis = world.loop.create_task(world.trouble.nemesis())
        work = [world.loop.create_task(_order(world, number)) for number in range(orders)]
        await asyncio.sleep(world.rng.choice((600, 1800, 3600)))
        world.trouble.heal()
        nemesis.cancel()
        await asyncio.gather(*work)
        await world.settle()

    ran = world.run(story)
    found = findings(world, shop.trust)
    if len(world.folk.truth.finished) != orders and not world.void:
        found.append(f"only {world.folk.truth.finished} were finished")
    return Lived(ran, world, found)


async def _order(world: World, number: int) -> None:
    try:
        await world.folk.order(number)
    except GivenUp as error:
        if not world.void:  # an act that a set-back site acknowledged may be gone, and nobody does it again here
            raise Violation(str(error)) from error
        world.hits["given up after a set back"] += 1
