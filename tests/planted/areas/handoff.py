"""Planted defects: scans, counters, staging, release."""

from typing import Final

from tests.planted.defect import Defect, Worlds, scenario

DEFECTS: Final = (
    Defect(
        name="a counter stands still",
        module="holdgate.handoff.arrival",
        old="    if seq <= last:",
        new="    if seq < last:",
        check=("tests/unit/test_handoff.py::test_a_repeated_or_regressing_counter_is_a_replay_and_moves_nothing[3]"),
    ),
    Defect(
        name="a part id alone releases an order",
        module="holdgate.handoff.staging",
        old="matches = (early.order, early.part_no, early.rev) == (slip.order, slip.part_no, slip.rev)",
        new="matches = (early.part_no, early.rev) == (slip.part_no, slip.rev)",
        check="tests/unit/test_handoff.py::test_an_early_scan_that_must_not_count[other order]",
    ),
    Defect(
        name="an old arrival releases a new order",
        module="holdgate.handoff.staging",
        old=" and inquiry.now - early.captured_at <= fresh_us:",
        new=":",
        check="tests/unit/test_handoff.py::test_an_early_scan_that_must_not_count[too old]",
    ),
    Defect(
        name="a buffered scan counts for an order staged after it",
        module="holdgate.handoff.parts",
        old="        and not (arrival.buffered and slip.staged_at > arrival.made_at)\n",
        new="",
        check=scenario("137"),
        soak=True,
    ),
    Defect(
        name="an arrival is consumed twice",
        module="holdgate.handoff.parts",
        old="    if again:\n",
        new="    if False:\n",
        check="tests/unit/test_handoff.py::test_parts_arrive_once",
    ),
    Defect(
        name="a part of no order counts",
        module="holdgate.handoff.parts",
        old="    if unknown:\n",
        new="    if False:\n",
        check=Worlds(),
    ),
    Defect(
        name="another revision of the part counts",
        module="holdgate.handoff.parts",
        old="    if claim.rev != slip.rev:",
        new="    if False:",
        check=scenario("111"),
    ),
    Defect(
        name="the first part lets the whole lot go",
        module="holdgate.handoff.staging",
        old="    complete = here.issuperset(slip.serials)\n",
        new="    complete = bool(here)\n",
        check=scenario("119"),
    ),
    Defect(
        name="what was released is released again",
        module="holdgate.handoff.staging",
        old="if serial in here and serial not in left)",
        new="if serial in here)",
        check="tests/unit/test_handoff.py::test_under_partial_policy_each_lot_goes",
    ),
    Defect(
        name="an amended order keeps other parts' arrivals",
        module="holdgate.handoff.staging",
        old="here, facts = (before.arrived if same else ()), ()",
        new="here, facts = before.arrived, ()",
        check="tests/unit/test_handoff.py::test_an_amendment_of_other_parts_starts_empty[changes1]",
        soak=True,
    ),
    Defect(
        name="one person attests an arrival",
        module="holdgate.handoff.attest",
        old="    if len({signer.role for signer in signers}) < 2:",
        new="    if False:",
        check=scenario("136"),
        soak=True,
    ),
    Defect(
        name="a scan from anywhere counts",
        module="holdgate.handoff.parts",
        old="    if zone not in zones:",
        new="    if False:",
        check=scenario("124"),
    ),
    Defect(
        name="a scan of tomorrow counts",
        module="holdgate.handoff.arrival",
        old="    if made_at - now > limit_us:",
        new="    if False:",
        check="tests/unit/test_handoff.py::test_a_scan_of_another_time_is_refused[changes1-FUTURE_DATED]",
    ),
    Defect(
        name="a released part is taken back",
        module="holdgate.handoff.void",
        old="    if any(serial in gone for serial in command.serials):",
        new="    if False:",
        check="tests/unit/test_handoff.py::test_what_went_to_its_node_is_not_taken_back",
        soak=True,
    ),
    Defect(
        name="anybody with the hub's role stages",
        module="holdgate.handoff.staging",
        old=("if actor.role != role or identity is None or not holds_seat(self.state.charter, identity, role):"),
        new="if actor.role != role or identity is None:",
        check=(
            "tests/unit/test_handoff.py::test_only_the_business_hub_stages[SID-HUB-business_hub-ROLE_NOT_AUTHORISED]"
        ),
    ),
    Defect(
        name="a node takes what was not forwarded to it",
        module="holdgate.handoff.match",
        old="    elif not gone.issuperset(command.serials):",
        new="    elif False:",
        check="tests/unit/test_handoff.py::test_a_false_receipt_is_refused[command3-BODY_MISMATCH]",
    ),
)
