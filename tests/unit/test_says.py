"""What another site may claim an act to have said."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.outcomes import OUTCOMES
from holdgate.law.says import SAME, SAYS, can_say
from tests.gate_cases import every_row

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
        replace(SAID, result="fail"),
        ev.DeviationAuthorised(
            order="PO-1", job="J-1", step="S10", deviation="D", waive=("WINDOW_EXCEEDED",), by="TECH"
        ),
        ev.QaAccepted(order="PO-1", job="J-1", by="TECH", accepted=1, rejected=0, scrapped=0),
    ],
    ids=[
        "another order",
        "another job",
        "another step",
        "another person",
        "another result",
        "a deviation",
        "QA's word",
    ],
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


def repeated() -> Iterator[tuple[c.AnyCommand, ev.AnyEvent, str]]:
    """What the acts of all gate cases make true, with each field that has to repeat the act."""
    seen: dict[tuple[type[ev.Event], str], None] = {}
    for row in every_row():
        for asked in row.pair():
            for event in asked.decide().events:
                for field in SAME.get(type(event), ()):
                    if getattr(asked.command, field, None) is not None and (type(event), field) not in seen:
                        seen[type(event), field] = None
                        yield asked.command, event, field


TOLD = list(repeated())


@pytest.mark.parametrize(("command", "event", "field"), TOLD, ids=[f"{type(e).__name__}.{f}" for _, e, f in TOLD])
def test_a_site_cannot_put_other_words_beside_a_signed_act(
    command: c.AnyCommand, event: ev.AnyEvent, field: str
) -> None:
    """A fail that was signed is no pass at the hub, a reading is the one that was read, a disposition the one decided."""
    assert can_say(command, event)
    told = getattr(event, field)
    other: object = (*told, "Z") if isinstance(told, tuple) else f"{told}9"
    fields: dict[str, object] = {field: other}
    assert not can_say(command, replace(event, **fields))


def test_every_word_that_has_to_be_repeated_is_asked_for() -> None:
    wanted = {(kind, field) for kind, fields in SAME.items() for field in fields}
    assert not wanted - {(type(event), field) for _, event, field in TOLD}


@pytest.mark.parametrize("field", ["zone", "node", "sealing_key"])
def test_what_an_enrolment_leaves_open_nobody_fills_in(field: str) -> None:
    """A hub that made a workstation stand in another zone, or gave a site another key to seal orders to, would say more."""
    (asked, said), *_ = ((command, event) for command, event, _ in TOLD if isinstance(event, ev.IdentityEnrolled))
    assert can_say(asked, said)
    fields: dict[str, object] = {field: b"other" if field == "sealing_key" else "OTHER"}
    assert not can_say(asked, replace(said, **fields))


def test_a_correction_says_the_value_that_was_signed() -> None:
    signer = (c.Signer(id="TECH", role="technician"),)
    named: dict[str, Any] = {"order": "PO-1", "job": "J-1", "step": "S10", "characteristic": "temp"}
    command = c.CorrectEntry(site="N-1", at=1, nonce="1", signers=signer, new_value="7", reason="misread", **named)
    event = ev.ReadingCorrected(**named, old_value="8", value="7", conforms=True, by="TECH")
    assert can_say(command, event)
    assert not can_say(command, replace(event, value="9"))


def test_a_value_is_said_by_the_sensor_that_signed() -> None:
    command = c.LogEnvironment(
        site="N-1", at=1, nonce="1", signers=(c.Signer(id="PROBE", role="sensor"),), series="t", value="7", unit="degC"
    )
    event = ev.EnvironmentLogged(series="t", sensor="PROBE", value="7", unit="degC", observed_at=1)
    assert can_say(command, event)
    assert not can_say(command, replace(event, sensor="PROBE2"))
