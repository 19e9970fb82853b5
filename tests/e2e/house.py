"""A shop to look at: `holdgate up DIR --demo` whose orders stand everywhere between proposal and invoice.

Started as a program (`python -m tests.e2e.house up DIR --demo --listen HOST:PORT`); nothing but the way in which the shop is laid
out differs from what `holdgate up --demo` does.
"""

import asyncio
import sys
from pathlib import Path

from holdgate.adapters.host import HostClock
from holdgate.cli import up
from holdgate.cli.app import main
from holdgate.cli.demo import certified, technique
from holdgate.demo.live import Kit, kit_of, shortened
from holdgate.demo.shop import Contract
from holdgate.sites.reception import Reception
from holdgate.terms.instant import SECOND_US
from tests.hub_shop import story

PROGRAM = ("-m", "tests.e2e.house")
NEXT_REVISION = "4"


def next_revision() -> Contract:
    """The technique with less pressure at the rinse, waiting for its approvals."""
    text = shortened(technique()).replace("version: '3'", f"version: '{NEXT_REVISION}'")
    return certified(text.replace("unit: psi, max: '40'", "unit: psi, max: '35'"))


def lay_out(directory: Path, _: Contract, reception: Reception) -> Kit:
    """The shop of the hub's tests, some seconds ago, with a revision on its way."""

    async def played() -> Kit:
        told = await story(directory, HostClock().now() - 5 * SECOND_US, "dent on the flange, seen at unpacking")
        try:
            await told.at.propose(next_revision())
            return kit_of(told.at, reception)
        finally:
            told.at.close()

    return asyncio.run(played())


if __name__ == "__main__":
    setattr(up, "lay_out", lay_out)  # noqa: B010  # the command's own way to lay a shop out, for this process
    sys.exit(main())
