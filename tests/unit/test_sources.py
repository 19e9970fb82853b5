"""Where the numbers of a contract come from: every number is found, and covered by the nearest source."""

from typing import Any

from msgspec.structs import replace

from holdgate.certifier.facts import rule_parser
from holdgate.law.contract import SmartPay, SmartQA, Source, document_digest, encode_document
from holdgate.law.notation import read_bundle
from holdgate.law.sources import numbers, source_faults

TEXT = """
notation: holdgate-contract/1
family: SmartClientPO
id: X-1
version: '1'
title: Everything that is a number
author: L3
process:
  steps:
    - id: S10
      name: first
      role: technician
      zones: [LAB]
    - id: S20
      name: second
      role: technician
      zones: [LAB]
      window: {from: S10, min_s: 60, max_s: 120}
      duration_s: 30
      signatures: 2
      witness: {party: client, notice_s: 600}
      characteristics:
        - {id: t, unit: degC, min: '1', max: '2', U: '0.1', rule: guard_band, resolution: 1, basis: a book, verified: true}
        - {id: n, unit: count, equals: '0'}
      rules:
        - {id: r1, when: sign, cel: size(readings) >= 2, say: Two.}
        - {id: r2, when: sign, cel: "result == 'pass'", say: No number.}
  retest: {max: 1, allowed_causes: [a]}
  adaptable:
    - {id: a1, kind: window_min_s, step: S20, value: '60', min: '50', max: '70', tighter: higher, approve: [qa]}
  environment:
    - {series: temp, sensor: SNS, unit: degC, min: '10', max_gap_s: 9, steps: [S20]}
  modules:
    - {module: M, act: heat, step: S20, permit_s: 5}
  yields:
    - {fact: batch, valid_s: 7}
price_minor: 10
currency: USD
billing:
  - {id: final, when: client_accepted, amount_minor: 10}
client_window_s: 3
on_silence: escalate
buffer_max_s: 2
payouts:
  - {id: b, depends_on: on_time, payee: each_signer, amount_minor: 1, currency: USD, within_s: 8}
"""
BUNDLE = read_bundle(TEXT, rule_parser())
ORDER, TECHNIQUE = BUNDLE.template, BUNDLE.technique


def places(document: Any) -> list[str]:
    return [number.place for number in numbers(document)]


def test_every_number_of_a_technique_is_found() -> None:
    assert places(TECHNIQUE) == [
        "steps[S20].window.min_s",
        "steps[S20].window.max_s",
        "steps[S20].duration_s",
        "steps[S20].witness.notice_s",
        "steps[S20].t.min",
        "steps[S20].t.max",
        "steps[S20].t.U",
        "steps[S20].n.equals",
        "steps[S20].rules[r1]",
        "offline_max_s",
        "retest.max",
        "adaptable[a1].value",
        "adaptable[a1].min",
        "adaptable[a1].max",
        "environment[temp].min",
        "environment[temp].max_gap_s",
        "modules[S20 heat].permit_s",
        "yields[batch].valid_s",
    ]


def test_every_number_of_an_order_is_found() -> None:
    assert places(ORDER) == [
        "price_minor",
        "billing[final].amount_minor",
        "payouts[b].amount_minor",
        "payouts[b].within_s",
        "client_window_s",
        "buffer_max_s",
    ]
    assert not places(SmartQA(id="Q", version="1", title="t", author="a", dispositions=()))


def test_a_characteristic_carries_its_own_source() -> None:
    sources = (Source(what="steps[S20]", basis="the sheet"),)
    found = {number.place: number for number in numbers(replace(TECHNIQUE, sources=sources))}
    assert (found["steps[S20].t.min"].basis, found["steps[S20].t.min"].verified) == ("a book", True)
    assert (found["steps[S20].n.equals"].basis, found["steps[S20].n.equals"].verified) == ("the sheet", False)
    assert found["offline_max_s"].basis == ""


def test_the_nearest_source_counts() -> None:
    wide, near = (
        Source(what="steps[S20].window", basis="wide"),
        Source(what="steps[S20].window.max_s", basis="near", verified=True),
    )
    for sources in ((wide, near), (near, wide)):
        found = {number.place: number for number in numbers(replace(TECHNIQUE, sources=sources))}
        assert found["steps[S20].window.min_s"].basis == "wide"
        assert (found["steps[S20].window.max_s"].basis, found["steps[S20].window.max_s"].verified) == ("near", True)


def test_a_name_that_begins_alike_is_another_place() -> None:
    sources = (Source(what="steps[S2]", basis="x"), Source(what="retest.ma", basis="x"))
    assert [*source_faults(replace(TECHNIQUE, sources=sources))] == [
        "a source is about steps[S2], where no number stands",
        "a source is about retest.ma, where no number stands",
    ]


def test_sources_stand_in_the_signed_document_and_change_no_other() -> None:
    plain, told = TECHNIQUE, replace(TECHNIQUE, sources=(Source(what="retest", basis="x"),))
    assert b"sources" not in encode_document(plain)
    assert document_digest(plain) != document_digest(told)


def test_every_number_of_a_pay_document_is_found() -> None:
    pay = SmartPay(
        id="P",
        version="1",
        title="t",
        author="a",
        currency="USD",
        payouts=ORDER.payouts,
        cap_minor=9,
        one_signer_minor=4,
    )
    assert places(pay) == ["payouts[b].amount_minor", "payouts[b].within_s", "cap_minor", "one_signer_minor"]


def test_a_rule_with_a_number_is_told_whole_and_without_a_unit() -> None:
    (found,) = (number for number in numbers(TECHNIQUE) if number.place == "steps[S20].rules[r1]")
    assert (found.value, found.unit) == ("size(readings) >= 2", "")
