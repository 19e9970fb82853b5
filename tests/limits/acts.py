"""Signed acts, contracts, rules and decisions."""

import base64
from types import SimpleNamespace
from typing import Any, Final

from msgspec.structs import replace

from holdgate.crypto import passkeys
from holdgate.crypto.envelope import PAYLOAD_TYPE, open_envelope
from holdgate.law import case as law_case
from holdgate.law import command as c
from holdgate.law import completeness, families
from holdgate.law.contract import Billing, Characteristic, PayoutRule, Step, Surcharge, Trigger, read_document
from holdgate.law.gates import money
from holdgate.law.rules import normal
from holdgate.law.rules.explain import show
from holdgate.law.rules.nodes import Call, Const
from holdgate.terms import canon, ids, limits
from tests.limits.case import Case, Cut, b64, denied, first
from tests.unit.test_sites import TECHNIQUE, TEMPLATE

HEADER: Final[dict[str, Any]] = {"site": "HUB", "at": 1, "nonce": "n", "signers": (c.Signer(id="FIN", role="finance"),)}
STEP: Final = Step(id="S", name="S", role="technician")
RUN: Final = SimpleNamespace(ref=0, payouts=())
ADDRESS: Final[dict[str, Any]] = {"street": "S 1", "city": "C", "postal_code": "1", "country": "DE"}


def _template(**changes: Any) -> Any:
    return replace(TEMPLATE, **changes)


def _steps(count: int) -> Any:
    return replace(TECHNIQUE, steps=tuple(replace(TECHNIQUE.steps[0], id=f"S{n}") for n in range(count)))


def _billing(count: int) -> Any:
    return _template(billing=tuple(Billing(id=f"B{n}", when="arrival", amount_minor=1) for n in range(count)))


def _payouts(count: int) -> Any:
    rule = PayoutRule(id="P", depends_on="on_time", amount_minor=1, currency="USD", within_s=1)
    return _template(payouts=(rule,) * count)


def _surcharges(count: int) -> Any:
    return _template(surcharges=tuple(Surcharge(id=f"X{n}", when="agreed", amount_minor=1) for n in range(count)))


def _triggers(*effects: str) -> Any:
    return _template(triggers=tuple(Trigger(on="QaAccepted", effect=effect) for effect in effects))


def _envelope(signatures: list[str]) -> bytes:
    rows = [{"keyid": f"K-{n}", "sig": sig} for n, sig in enumerate(signatures)]
    return canon.encode({"payload": b64(8), "payloadType": PAYLOAD_TYPE, "signatures": rows})


def _passkeys(count: int) -> object:
    """An envelope with passkeys' signatures of so many bytes together."""
    sizes = [limits.SIGNATURE_BYTES_MAX] * (count // limits.SIGNATURE_BYTES_MAX)
    more = count % limits.SIGNATURE_BYTES_MAX
    if more:
        sizes = [*sizes[1:], limits.SIGNATURE_BYTES_MAX - 200, 200 + more]
    return open_envelope(_envelope([_signature(size) for size in sizes]))


def _signature(size: int) -> str:
    fields = {"authenticatorData": "", "clientDataJSON": "", "signature": ""}
    room = size - len(canon.encode(fields))
    return base64.b64encode(canon.encode(fields | {"signature": "A" * room})).decode()


def _rule(nodes: int) -> None:
    """A flat rule of so many nodes."""
    normal.check(Call(o="||", a=(Const(t="bool", v=True),) * (nodes - 1)))


def _run(count: int) -> c.RunPayments:
    payouts = tuple(f"P-{n}" for n in range(count))
    return c.RunPayments(**HEADER, run="R", payouts=payouts, currency="EUR", pay_on="2026-11-30")


def _results(count: int) -> c.RecordResults:
    results = tuple(c.PayoutResult(payout=f"P-{n}", status="paid") for n in range(count))
    return c.RecordResults(**HEADER, run="R", file="f", results=results)


def _payments(count: int) -> c.RecordPayments:
    rows = (
        c.PaymentIn(bank_ref=f"B-{n}", invoice="I", amount_minor=1, currency="EUR", booked_on="d") for n in range(count)
    )
    return c.RecordPayments(**HEADER, statement="s", payments=tuple(rows))


def party(days: int) -> c.RegisterParty:
    """An act."""
    return c.RegisterParty(**HEADER, org="O", name="O", **ADDRESS, payment_days=days)


def _act(size: int) -> object:
    """An act of so many bytes."""
    filled = ADDRESS | {"name": "", "tax_reason": "a"}
    room = size - len(canon.encode(c.RegisterParty(**HEADER, org="O", **(filled | {"street": "", "city": ""}))))
    longest = "a" * limits.TEXT_CHARS_MAX
    filled |= {"street": longest, "city": longest, "name": longest, "tax_reason": "a" * (room - 3 * len(longest) + 1)}
    return c.parse_command(canon.encode(c.RegisterParty(**HEADER, org="O", **filled)))


def _slip(more: int) -> object:
    """A slip's act, so much longer than any other may be."""
    size = limits.PAYLOAD_BYTES_MAX + more

    def made(evidence: tuple[str, ...]) -> bytes:
        slip = c.Slip(
            order="O", node="N", part_no="P", rev="-", serials=(), policy="p", evidence=evidence, buffer_max_us=0, body="b",
            staged_at=0,
        )  # fmt: skip
        return canon.encode(c.StageSlip(**HEADER, slip=slip))

    room = size - len(made(("", "", "", "")))
    return c.parse_command(made(("a" * 4_000, "a" * 4_000, "a" * 4_000, "a" * (room - 12_000))))


def _kept(years: int) -> None:
    template = _template(retention_years=years)
    bundle: Any = SimpleNamespace(
        template=template, technique=TECHNIQUE, quality=None, pay=None, documents=(template,), terms=template
    )
    first(families.bundle_faults(bundle))


CASES: Final = (
    Case("ID_CHARS_MAX", lambda n: ids.check_id("A" * n), "id"),
    Case("TEXT_CHARS_MAX", lambda n: canon.check_text("a" * n, "note"), "characters"),
    Case("LIST_ITEMS_MAX", lambda n: canon.check_text([1] * n, "list"), "items"),
    Case("INTEGER_ABS_MAX", lambda n: canon.check_text(n, "number"), "integer|number|2\\^53|2\\*\\*53"),
    Case("INTEGER_ABS_MAX", lambda n: canon.check_text(-n, "number"), "integer|number|2\\^53|2\\*\\*53"),
    Case("ENVELOPE_BYTES_MAX", lambda n: open_envelope(b"{" + b" " * (n - 1)), "at most 49152 are accepted"),
    Case("SIGNATURES_MAX", lambda n: open_envelope(_envelope([b64(64)] * n)), "1 to 16 are accepted"),
    Case("SIGNATURE_BYTES_MAX", lambda n: open_envelope(_envelope([_signature(n)])), "a JSON object of at most 2048"),
    Case("CONTRACT_BYTES_MAX", lambda n: read_document(b" " * n), "1048576|1,048,576"),
    Case("PASSKEY_BYTES_MAX", lambda n: passkeys.check_enrollable(b"{" * n), "at most 1024 are accepted"),
    Case("PASSKEY_SIGNATURES_BYTES_MAX", _passkeys, "let fewer people sign"),
    Case("STEPS_MAX", lambda n: first(completeness._technique(_steps(n))), "more than 100 steps"),
    Case("MILESTONES_MAX", lambda n: first(completeness._money(_billing(n))), "more than 3 milestones"),
    Case("PAYOUTS_MAX", lambda n: first(completeness._money(_payouts(n))), "more than 2 payout rules"),
    Case("SURCHARGES_MAX", lambda n: first(completeness._price_list(_surcharges(n))), "more than 10"),
    Case("TRIGGERS_MAX", lambda n: first(completeness._triggers(_triggers(*["e"] * n))), "more than 20 triggers"),
    Case(
        "TRIGGER_EFFECT_CHARS_MAX",
        lambda n: first(completeness._triggers(_triggers("a" * n))),
        "more than 200 signs",
    ),
    Case(
        "DECIMALS_MAX",
        lambda n: first(completeness._characteristic(STEP, Characteristic(id="R", unit="mm", resolution=n))),
        "0 to 12 can be asked for",
    ),
    Case("RULE_NODES_MAX", _rule, "more than 400 nodes; split it"),
    Case(
        "RUN_PAYOUTS_MAX",
        lambda n: denied(money.payable, _run(n), money=SimpleNamespace(runs={}, payables={})),
        "1 to 200 payouts",
    ),
    Case(
        "RESULTS_MAX",
        lambda n: denied(money.results_fit, _results(n), money=SimpleNamespace(runs={"R": RUN}, payables={})),
        "1 to 100 results",
    ),
    Case(
        "PAYMENTS_MAX",
        lambda n: denied(money.receivable, _payments(n), money=SimpleNamespace(bills={})),
        "1 to 50 payments at once",
    ),
    Case("PAYMENT_TERM_DAYS_MAX", lambda n: first(money._party_faults(party(n))), "pays within 0 to 365 days"),
    Case("RETENTION_YEARS_MAX", _kept, "1 to 100 can be asked for"),
    Case("SLIP_MORE_BYTES_MAX", _slip, "is the most"),
    Case("PAYLOAD_BYTES_MAX", _act, "12288 is the most"),
)
CUTS: Final = (
    Cut("DENIAL_VALUE_CHARS_MAX", lambda n: len(str(law_case.short("a" * n)).rstrip("…"))),
    Cut("DENIAL_VALUE_CHARS_MAX", lambda n: sum(map(len, law_case.short(("a",) * n))) - (n > 400)),  # type: ignore[arg-type]
    Cut("RULE_SHOWN_CHARS_MAX", lambda n: len(show("a" * n).rstrip("…"))),
)
