"""What every world lives through: a few orders while things go wrong, then everything is healed and comes to rest."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, NamedTuple

from tests.sim.checks import findings
from tests.sim.office import Cashier, Thief, race
from tests.sim.people import GivenUp
from tests.sim.stolen_site import fork_with_a_stolen_key
from tests.sim.trouble import drawn_swarm
from tests.sim.world import Ran, Violation, World, base
from tests.unit.test_sites import NODE, OTHER

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
        crew = world.folk
        thief = Thief(crew) if "theft" in world.swarm else None
        beside = [race(crew)] if "races" in world.swarm else []
        beside += [thief.work()] if thief is not None else []
        finance = world.loop.create_task(_unless_void(world, Cashier(crew).work()))
        work = [crew.order(number) for number in range(orders)]
        tasks = [world.loop.create_task(_unless_void(world, one)) for one in (*work, *beside)]
        await asyncio.sleep(world.rng.choice((600, 1800, 3600)))
        world.trouble.heal()
        nemesis.cancel()
        await asyncio.gather(*tasks)
        await asyncio.sleep(600)
        finance.cancel()
        await world.settle()
        if thief is not None and thief.revoked:
            await _steal_in_vain(world, thief)
        found.extend(findings(world, shop.trust))
        if "site key" in world.swarm:
            found.extend(await fork_with_a_stolen_key(world))

    found: list[str] = []
    ran = world.run(story)
    if len(world.folk.truth.finished) != orders and not world.void:
        found.append(f"only {world.folk.truth.finished} were finished")
    return Lived(ran, world, found)


async def _steal_in_vain(world: World, thief: Thief) -> None:
    """By now every site has heard that the key was replaced, or its owner disabled.

    Raises:
        Violation: the thief can act all the same.
    """
    for site in (NODE, OTHER):
        answer = await thief.steal(site)
        if answer is not None and answer.decision.allowed:
            raise Violation(f"{site} lets the stolen key of {thief.victim} act after everybody heard of it")
    await world.settle()


async def _unless_void(world: World, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except GivenUp as error:
        if not world.void:  # an act that a set-back site acknowledged may be gone, and nobody does it again here
            raise Violation(str(error)) from error
        world.hits["given up after a set back"] += 1
