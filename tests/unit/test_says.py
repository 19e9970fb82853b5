"""What another site may claim an act to have said."""

import pytest
from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.outcomes import OUTCOMES
from holdgate.law.says import SAYS, can_say

TECH = c.Signer(id="TECH", role="technician")
SIGN = c.SignStep(
    site="N-1", at=1, nonce="1", signers=(TECH,), order="PO-1", job="J-1", step="S10", contract="c", result="pass"
)
SAID = ev.StepSigned(order="PO-1", job="J-1", step="S10", by="TECH", result="pass", complete=True)


def test_a_signature_says_that_its_step_is_signed() -> None:
    assert can_say(SIGN, SAID)


@pytest.mark.parametrize(
    "claimed",
    [
        replace(SAID, order="PO-2"),
        replace(SAID, job="J-2"),
        replace(SAID, step="S20"),
        replace(SAID, by="SOMEBODY-ELSE"),
        ev.DeviationAuthorised(
            order="PO-1", job="J-1", step="S10", deviation="D", waive=("WINDOW_EXCEEDED",), by="TECH"
        ),
        ev.QaAccepted(order="PO-1", job="J-1", by="TECH", accepted=1, rejected=0, scrapped=0),
    ],
    ids=["another order", "another job", "another step", "another person", "a deviation", "QA's word"],
)
def test_a_node_cannot_make_a_signature_say_more(claimed: ev.AnyEvent) -> None:
    assert not can_say(SIGN, claimed)


def test_a_check_speaks_of_its_own_instrument_only() -> None:
    check = c.CheckEquipment(site="N-1", at=1, nonce="1", signers=(TECH,), id="OVEN", result="fail")
    assert can_say(check, ev.EquipmentChecked(equipment="OVEN", result="fail", by="TECH"))
    assert not can_say(check, ev.EquipmentChecked(equipment="KILN", result="fail", by="TECH"))
    recall = ev.NonconformanceOpened(order="PO-1", job="J-1", ncr="recall-KILN-J-1", step="", equipment="KILN")
    assert not can_say(check, recall)


def test_a_receipt_says_nothing_but_that_the_order_is_there() -> None:
    node = c.Signer(id="N-1", role="node")
    receipt = c.AcknowledgeForward(
        site="FLOOR", at=1, nonce="1", signers=(node,), order="PO-1", body="b", serials=("S1",)
    )
    assert can_say(receipt, ev.ForwardAcknowledged(order="PO-1", node="N-1", serials=("S1",)))
    assert not can_say(receipt, ev.OrderReleased(order="PO-1", node="N-1", serials=("S1",), complete=True))


def test_a_slip_speaks_of_its_own_order_only() -> None:
    slip = c.Slip(
        order="PO-1",
        node="N-1",
        part_no="P",
        rev="A",
        serials=("S1",),
        policy="full",
        evidence=(),
        buffer_max_us=0,
        body="b",
        staged_at=1,
    )
    hub = c.Signer(id="HUB", role="business_hub")
    staged = c.StageSlip(site="FLOOR", at=1, nonce="1", signers=(hub,), slip=slip)
    released = ev.OrderReleased(order="PO-1", node="N-1", serials=("S1",), complete=True)
    assert can_say(staged, released)
    assert not can_say(staged, replace(released, order="PO-2"))


def test_every_act_that_can_take_effect_says_something_and_the_wishes_nothing() -> None:
    wishes = {c.RepinJob, c.WriteVault, c.ApplyChange, c.IssueInvoice, c.ReleasePayout}
    assert {act for act in OUTCOMES if act not in SAYS} == wishes
    assert c.ReleaseOrder not in SAYS
