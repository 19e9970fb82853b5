"""All planted defects, by area."""

from collections.abc import Mapping
from typing import Final

from tests.planted.areas import (
    crypto,
    engine,
    handoff,
    keeping,
    ledger,
    money,
    office,
    replication,
    signing,
    web,
    work,
)
from tests.planted.defect import Defect

AREAS: Final[Mapping[str, tuple[Defect, ...]]] = {
    "Engine": engine.DEFECTS,
    "Between sites, Vault, witnesses": replication.DEFECTS,
    "Ledger": ledger.DEFECTS,
    "Keys, envelopes, formats": crypto.DEFECTS,
    "Law: who signs": signing.DEFECTS,
    "Law: the work": work.DEFECTS,
    "Law: contracts, quality, reports, orders": office.DEFECTS,
    "Handoff": handoff.DEFECTS,
    "Money": money.DEFECTS,
    "Browser and API": web.DEFECTS,
    "Erasure, audit, machines": keeping.DEFECTS,
}
DEFECTS: Final = tuple(defect for defects in AREAS.values() for defect in defects)
