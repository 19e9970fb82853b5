"""restores: what a scenario does to the disks of a shop's nodes, with the product's own backups.

A node whose store is put back starts as any node does: it asks whoever is in reach what they hold of its log. A store that is
older than what it had told is refused then, or when the node's links are mended and it hears of it; the node is down from then
on until a sound store is put in its place.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from holdgate.backup import back_up, rebuild_from_vault
from holdgate.bootstrap import Shop
from holdgate.law.decision import allow, deny
from holdgate.scenario.files import ScenarioStep
from holdgate.scenario.links import Done, Links, Operation
from holdgate.terms.errors import Malformed, Tampered

BACKUPS: Final = "backups"
"""Where the copies lie, beside the shop's directory, by their number."""


async def copied(links: Links, step: ScenarioStep) -> Done:
    """A backup of the whole shop, taken while it works."""
    shop = links.shop
    kept = shop.directory.parent / BACKUPS
    back_up(shop.directory, kept / str(len([*kept.glob("*")]) + 1), shop.clock.now())
    return Done(decision=allow(), effects=("backed_up",))


async def restored(links: Links, step: ScenarioStep) -> Done:
    """A node's disk is lost, the newest backup's store, or one from the Vault's copy, put in its place; the node starts."""
    shop, node = links.shop, str(step.inputs["node"])
    kept = None if step.inputs["source"] == "vault" else _newest(shop, step)
    _stopped(shop, node)
    for path in (shop.directory / node).glob("ledger.*"):
        path.unlink()
    if kept is None:
        rebuild_from_vault(shop.directory, node, shop.directory / next(iter(shop.vaults)) / "mirror.db")
    else:
        shutil.copyfile(kept / node / "ledger.db", shop.directory / node / "ledger.db")
    try:
        await shop.join(node)
    except Tampered as error:
        _stopped(shop, node)
        return Done(decision=deny("CHAIN_BROKEN", "start", origin=node, why=str(error)))
    return Done(decision=allow(), effects=("restored",))


def _newest(shop: Shop, step: ScenarioStep) -> Path:
    kept = sorted((shop.directory.parent / BACKUPS).glob("*"), key=lambda path: int(path.name))
    if not kept:
        raise Malformed(f"step {step.n}: there is no backup to put back; take one in a step before this one")
    return kept[-1]


def _stopped(shop: Shop, node: str) -> None:
    """The node's process ends, where there is one."""
    shop.bus.detach(node)
    if node in shop.sites:
        shop.sites.pop(node).stop()


RESTORES: Final[Mapping[str, Operation]] = {"shop.backup": copied, "node.restore": restored}
"""Actions of a file that are done to copies and disks, and signed by nobody."""
