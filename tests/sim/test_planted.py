"""Defects that are planted in the product, each found by the simulator within a few worlds: its checks can fail."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any, Final
from unittest import mock

import pytest

from holdgate.engine.append import Appender
from holdgate.engine.replicate import Link
from holdgate.law import event as ev
from holdgate.pay import fire
from holdgate.sites.reconcile import Reconciler
from holdgate.terms.errors import Unavailable
from tests.sim.story import lived
from tests.sim.world import base

WORLDS: Final = 6
"""How many worlds a defect has at most before it is found."""


def a_failed_flush_is_acknowledged() -> AbstractContextManager[object]:
    def commit(self: Appender, drafts: Any, head: Any, root: bytes) -> bytes:
        with suppress(Unavailable):
            self._store.commit(drafts, head)
        return self._notary.checkpoint(head.size, root)

    return mock.patch.object(Appender, "_commit", commit)


def signatures_are_not_checked() -> AbstractContextManager[object]:
    return mock.patch("holdgate.engine.verify.verify_all", return_value=None)


def a_milestone_is_invoiced_at_every_fact() -> AbstractContextManager[object]:
    def invoices(state: Any, library: Any, order: Any) -> Iterator[ev.InvoiceIssued]:
        template = fire._template(library, order)
        for item in template.billing:
            if order.serials and fire._MILESTONES[item.when](state, order):
                yield fire._invoice(order, item.id, item.amount_minor, template.currency)

    return mock.patch.object(fire, "_invoices", invoices)


def a_store_that_was_set_back_is_believed() -> AbstractContextManager[object]:
    return mock.patch.object(Reconciler, "_compare", return_value=None)


def a_link_never_tries_again() -> AbstractContextManager[object]:
    return mock.patch.object(Link, "_try_later", return_value=None)


PLANTED: Final = {
    "a failed flush is acknowledged": (a_failed_flush_is_acknowledged, {"disk", "crash"}),
    "signatures are not checked": (signatures_are_not_checked, set[str]()),
    "a milestone is invoiced at every fact": (a_milestone_is_invoiced_at_every_fact, set[str]()),
    "a store that was set back is believed": (a_store_that_was_set_back_is_believed, {"set back"}),
    "a link never tries again": (a_link_never_tries_again, {"loss", "disk"}),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", list(PLANTED))
def test_a_planted_defect_is_found(name: str) -> None:
    plant, swarm = PLANTED[name]
    base()  # the shop itself is made without the defect
    for seed in range(1, WORLDS + 1):
        try:
            with plant():
                found = lived(seed, 2, frozenset(swarm)).findings
        except Exception as error:  # noqa: BLE001  # however it shows
            found = [repr(error)]
        if found:
            print(f"{name}: found at seed {seed}: {found[0][:300]}")
            return
    pytest.fail(f"{name}: not found in {WORLDS} worlds")
