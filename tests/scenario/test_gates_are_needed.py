"""Every gate is needed: take one away, and a file that passed fails.

`SHOWN_BY` names for each gate a file with a step that is to be refused for a reason that this gate alone gives: by its number, or
a template's by folder and number.
"""

from pathlib import Path
from typing import Any, Final

import pytest

import holdgate.templates
from holdgate.law import command as c
from holdgate.law import decide as law
from holdgate.law.gates.table import GATES
from holdgate.scenario.run import run_file
from tests.places import SCENARIOS

TEMPLATES: Final = Path(next(iter(holdgate.templates.__path__)))
SHOWN_BY: Final = {
    "refusals.vault": "125",
    "refusals.authority": "125",
    "people.role": "125",
    "people.client": "130",
    "entries.claimed_time": "123",
    "retention.known": "211",
    "retention.subject": "211",
    "retention.officers": "211",
    "retention.held": "211",
    "retention.over": "211",
    "facts.calibrated": "113",
    "contracts.document": "125",
    "contracts.known": "130",
    "contracts.approval": "125",
    "contracts.complete": "125",
    "contracts.releasable": "120",
    "tuning.declared": "132",
    "tuning.in_range": "132",
    "tuning.waits": "132",
    "tuning.named": "132",
    "contracts.in_force": "125",
    "orders.terms": "client-order/40",
    "orders.agreed": "130",
    "orders.documents": "134",
    "windows.delivery": "138",
    "assignment.assignee": "hydrostatic/10",
    "assignment.again": "131",
    "seats.fits": "209",
    "seats.idle": "209",
    "roots.officers": "230",
    "roots.follow": "230",
    "roots.apart": "230",
    "sequence.arrived": "101",
    "location.node": "124",
    "contracts.startable": "120",
    "location.freshness": "121",
    "sequence.job_open": "124",
    "sequence.not_failed": "141",
    "sequence.pinned": "135",
    "assignment.assigned": "131",
    "tokens.credentials": "ultrasonic/40",
    "standards.in_force": "penetrant/50",
    "orders.subject": "furnace-calibration/40",
    "contracts.suspended": "126",
    "tokens.policies": "132",
    "location.zone": "124",
    "sequence.nonconformances": "127",
    "sequence.in_order": "133",
    "sequence.not_started": "115",
    "sequence.no_open_step": "131",
    "sequence.partition": "119",
    "windows.dwell": "permit-to-work/20",
    "points.held": "hydrostatic/20",
    "points.witnessed": "128",
    "points.releasable": "hydrostatic/20",
    "environment.fit_to_start": "134",
    "environment.good_to_sign": "134",
    "environment.good_to_report": "141",
    "environment.resumable": "141",
    "environment.logged": "134",
    "sequence.step_open": "131",
    "modules.named": "133",
    "modules.operator": "133",
    "modules.permitted": "133",
    "nonconformances.known": "authority-matrix/20",
    "nonconformances.authorised": "authority-matrix/20",
    "nonconformances.retest": "115",
    "equipment.declared": "permit-to-work/20",
    "materials.batches": "112",
    "readings.characteristic": "128",
    "entries.observed_time": "123",
    "entries.late": "123",
    "entries.reason": "123",
    "entries.evidence": "123",
    "deviations.waivable": "129",
    "deviations.client_agrees": "129",
    "readings.complete": "128",
    "readings.conforming": "penetrant-batch/30",
    "readings.not_hidden": "magnetic-particle/30",
    "readings.conceded": "116",
    "quality.whole": "115",
    "quality.reconciled": "authority-matrix/30",
    "reports.accepted": "101",
    "reports.content": "103",
    "reports.known": "138",
    "reports.amended": "127",
    "reports.verdict": "117",
    "reports.window_over": "client-order/20",
    "money.invoice": "103",
    "money.payout": "bonus-rules/10",
    "own_rules": "uv-meter/30",
    "signatures.performer": "128",
    "signatures.not_subject": "chemical-handling/30",
    "signatures.unlocked": "122",
    "signatures.meaning": "122",
    "reports.in_window": "118",
    "orders.stageable": "221",
    "orders.staged": "221",
    "sequence.new_job": "221",
    "people.step_role": "222",
    "tokens.demanded": "222",
    "signatures.independent": "222",
    "quality.job_known": "223",
    "quality.unsigned": "223",
    "assignment.open_job": "223",
    "nonconformances.new": "224",
    "nonconformances.here": "224",
    "nonconformances.parts_left": "224",
    "readings.recorded": "225",
    "equipment.instrument": "225",
    "readings.result": "225",
    "sequence.nothing_after": "226",
    "nonconformances.reprocess": "226",
    "deviations.usable": "227",
    "points.noticeable": "227",
    "modules.new_permit": "227",
    "environment.forward": "227",
    "people.identity": "201",
    "enrolment.key": "201",
    "enrolment.sponsors": "201",
    "enrolment.rekeyed": "210",
    "enrolment.disabled": "201",
    "tokens.known_person": "201",
    "facts.checked": "202",
    "facts.extended": "202",
    "facts.verified": "202",
    "standards.adoptable": "203",
    "people.second_officer": "203",
    "contracts.certificate": "204",
    "contracts.stop_work": "204",
    "tuning.released": "205",
    "tuning.known_contract": "205",
    "tuning.changes": "205",
    "tuning.each_once": "205",
    "tuning.revertible": "205",
    "tokens.policy": "206",
    "people.site_key": "207",
    "orders.forwarded": "207",
    "location.site": "208",
    "location.workstation": "208",
    "signatures.seen": "208",
    "orders.same_currency": "212",
    "money.party_complete": "212",
    "money.second_person": "212",
    "money.owner_signs": "212",
    "money.consent": "212",
    "money.charge_known": "212",
    "money.settleable": "212",
    "money.invoice_known": "212",
    "money.disputable": "212",
    "money.resolvable": "212",
    "money.receivable": "212",
    "money.payable": "212",
    "money.run_signed": "212",
    "money.results_fit": "212",
    "money.reversible": "212",
}


def path_of(scenarios: Path, name: str) -> Path:
    folder, _, number = name.rpartition("/")
    where = TEMPLATES / folder / "scenarios" if folder else scenarios
    return next(where.glob(f"{number}-*.yaml"))


def without(gate: str) -> dict[type[c.Command], Any]:
    return {act: tuple(g for g in gates if g.name != gate) for act, gates in law._GATES.items()}


@pytest.mark.parametrize("gate", SHOWN_BY)
def test_without_it_its_file_fails(gate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(law, "_GATES", without(gate))
    assert not run_file(path_of(SCENARIOS, SHOWN_BY[gate])).passed


def test_every_gate_has_its_file() -> None:
    assert sorted(SHOWN_BY) == sorted(gate.name for gate in GATES)
