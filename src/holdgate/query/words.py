"""Events as sentences: what became true, in the words of the shop. Words only; nothing is decided or derived here.

One row an event: a template whose braces are fields of the event, or a function where one sentence does not fit all.
Instants and durations are shown as such, lists with commas, money with its currency; what is empty is a dash.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from holdgate.law import event as ev
from holdgate.terms import instant, money
from holdgate.terms.instant import SECOND_US

NAMED: Final = 8
"""Items of a list that a sentence names; the rest is counted."""
_INSTANTS: Final = frozenset({"until", "at", "since", "cal_from", "cal_until", "captured_at", "observed_at"})


def in_words(event: ev.AnyEvent) -> str:
    """What an event says, as one sentence."""
    row = _ROWS[type(event)]
    text = row if isinstance(row, str) else row(event)
    return " ".join(text.format_map(_Values(event)).split())


def moment(value: int) -> str:
    """An instant for a person, to the second; one beyond the calendar as it came."""
    try:
        return instant.show(value - value % SECOND_US)
    except OverflowError:
        return f"{value} µs"


def listed(items: tuple[str, ...]) -> str:
    """The first items by name, the rest by number; a dash for none."""
    more = len(items) - NAMED
    return ", ".join(items[:NAMED]) + (f" and {more} more" if more > 0 else "") if items else "-"


def is_instant(name: str) -> bool:
    """Whether an integer field of this name is an instant (UTC µs)."""
    return name in _INSTANTS or name.endswith(("_at", "_due"))


class _Values(dict[str, str]):
    """The fields of an event, shown; `amount` is its money."""

    def __init__(self, event: ev.AnyEvent) -> None:
        super().__init__({name: shown(name, getattr(event, name)) for name in event.__struct_fields__})
        if isinstance(event, (ev.InvoiceIssued, ev.PayoutReleased, ev.PaymentReceived)):
            self["amount"] = money.show(event.amount_minor, event.currency)
        if isinstance(event, ev.PartyRegistered):
            self["party"] = f"{event.party.org} as {event.party.name}, {event.party.city}, {event.party.country}"

    def __missing__(self, key: str) -> str:
        return "-"


def shown(name: str, value: object) -> str:
    """One field for a person: instants, durations, lists, keys by their first digits, what has parts with a word for each."""
    if value in (None, "", ()):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        if name.endswith("_us"):
            return instant.show_duration(value)
        return moment(value) if is_instant(name) else str(value)
    if isinstance(value, bytes):
        return f"{value.hex()[:16]}…"
    if isinstance(value, Struct):
        return "; ".join(f"{word} {said}" for word, said in _parts(value, ""))
    if isinstance(value, tuple):
        return listed(tuple(_item(item) for item in value))
    if isinstance(value, dict):
        return listed(tuple(f"{key} {shown('until', item)}" for key, item in value.items()))
    text = str(value)
    return f"{text[:16]}…" if len(text) == 64 and name in _DIGESTS else text


_DIGESTS: Final = frozenset({"sha256", "certificate", "digest", "slip", "body", "contract", "document_digest", "seen"})


def _parts(value: Struct, currency: str) -> list[tuple[str, str]]:
    """What stands in each part that is not empty, with the part's word; amounts in this currency, or in that of the parts."""
    currency = getattr(value, "currency", currency)
    parts = ((name, getattr(value, name)) for name in value.__struct_fields__ if name != "currency" or not currency)
    return [(_word(name), _part(name, one, currency)) for name, one in parts if one not in (None, "", ())]


def _word(name: str) -> str:
    return name.removesuffix("_minor").removesuffix("_s").replace("_", " ")


def _part(name: str, value: object, currency: str) -> str:
    if isinstance(value, int) and name.endswith("_minor") and currency:
        return money.show(value, currency)
    if isinstance(value, int) and name.endswith("_s"):
        return instant.show_duration(value * SECOND_US)
    if isinstance(value, tuple) and value and isinstance(value[0], Struct):
        return listed(tuple(" ".join(said for _, said in _parts(one, currency)) for one in value))
    return shown(name, value)


def _item(item: object) -> str:
    if isinstance(item, Struct):
        return " ".join(said for _, said in _parts(item, ""))
    return " ".join(_item(part) for part in item) if isinstance(item, tuple) else str(item)


def _enrolled(e: ev.IdentityEnrolled) -> str:
    stands = ", standing in {zone}" if e.zone else ""
    return f"{{id}} ({{name}}, {{org}}) was enrolled as {{roles}}{stands}" + (" at {node}." if e.node else ".")


def _reading(e: ev.ReadingRecorded) -> str:
    part = " for part {serial}" if e.serial else ""
    verdict = "which conforms" if e.conforms else "which does NOT conform"
    late = "; it was entered afterwards" if e.late else ""
    return f"{{characteristic}} of {{step}} ({{order}}/{{job}}) read {{value}} {{unit}}{part}, {verdict}{late}."


def _started(e: ev.StepStarted) -> str:
    used = [*(["equipment {equipment}"] if e.equipment else ()), *(["batches {materials}"] if e.materials else ())]
    return "{by} started {step} of {order}/{job}" + (f" with {' and '.join(used)}." if used else ".")


def _signed(e: ev.StepSigned) -> str:
    whole = "the step is complete" if e.complete else "it waits for another signature"
    return f"{{by}} signed {{step}} of {{order}}/{{job}}: {{result}}; {whole}."


def _released(e: ev.OrderReleased) -> str:
    whole = "the whole order" if e.complete else "a lot of the order"
    return f"{{order}} was released to {{node}} ({whole}): {{serials}}."


def _quarantined(e: ev.ArrivalQuarantined) -> str:
    return "Parts {serials} were set aside" + (": they do not match {order}." if e.order else ": they match no order.")


def _lapsed(e: ev.ReviewWindowLapsed) -> str:
    late = " (later than it was due)" if e.late else ""
    return f"The review window of {{report}} closed without an answer{late}; under the signed terms: {{outcome}}."


def _issued(e: ev.ReportIssued) -> str:
    more = " It replaces {replaces}." if e.replaces else ""
    told = " It names deviations: {deviations}." if e.deviations else ""
    arrival = " It says that the arrival was attested by people." if e.attested_arrival else ""
    result = " It reports a nonconforming result." if e.nonconforming else ""
    return f"Report {{report}} of {{order}}/{{job}} was issued.{more}{told}{arrival}{result}"


def _flagged(e: ev.JobFlagged) -> str:
    return "The hub opened nonconformance {ncr} on {order}/{job}" + (" at {step}" if e.step else "") + ": {why}."


def _opened(e: ev.NonconformanceOpened) -> str:
    about = " at {step}" if e.step else ""
    parts = " on parts {serials}" if e.serials else ""
    recall = " (recall of {equipment})" if e.equipment else ""
    return f"Nonconformance {{ncr}} is open on {{order}}/{{job}}{about}{parts}{recall}."


def _checked(e: ev.EquipmentChecked) -> str:
    return "{by} checked {equipment}: {result}" + (", so it is withdrawn." if e.result == "fail" else ".")


def _booted(e: ev.Booted) -> str:
    how = "with the word of a witness that nothing was set back" if e.reconciled else "alone, not reconciled yet"
    return f"The site started {how}." if not e.again else "A witness confirmed that nothing was set back."


def _contact(e: ev.ContactChanged) -> str:
    return "{site} is in reach." if e.up else "{site} is out of reach."


Row = str | Callable[[Any], str]


def _settled(e: ev.OrderSettled) -> str:
    if not e.amount_minor:
        return "Milestone {milestone} of {order} is void: the client and the shop agreed."
    return "Milestone {milestone} of {order} is settled for {amount_minor} (minor units)."


_ROWS: Final[dict[type[ev.Event], Row]] = {
    # identities and facts
    ev.IdentityEnrolled: _enrolled,
    ev.IdentityDisabled: "{id} was de-authorised.",
    ev.PayloadKept: "{by} put a payload on the record ({kind}).",
    ev.PayloadErased: "{by} and {approved_by} had a payload erased: {reason}.",
    ev.HoldPlaced: "{by} placed a legal hold on {subject}: {reason}.",
    ev.HoldLifted: "{by} lifted the legal hold on {subject}.",
    ev.IdentityRekeyed: "{id} has another key; the one before signs nothing any more.",
    ev.SiteEnrolled: "{id} joined the shop as a {kind}; its log is {origin}.",
    ev.SiteRetired: "{id} left the shop.",
    ev.RootsRotated: "The roots of the shop were exchanged: version {version} is in force.",
    ev.CredentialGranted: "{person} holds {credential} until {until}.",
    ev.CredentialRevoked: "{credential} of {person} was revoked.",
    ev.EquipmentRegistered: "{id} is a {equipment_class}, calibrated {cal_from} to {cal_until}; in service: {in_service}.",
    ev.MaterialRegistered: "Batch {batch} is registered as {material_kind}, usable until {until}; approved: {approved}.",
    ev.EquipmentCalibrated: "{equipment} was calibrated ({certificate}), found {as_found}; valid {cal_from} to {cal_until}.",
    ev.EquipmentWithdrawn: "{equipment} was withdrawn from use.",
    ev.MaterialExtended: "Batch {batch} may be used until {until}.",
    ev.DocumentVerified: "{by} verified {document} of {order}; valid until {until}.",
    ev.StandardAdopted: "{standard} is in force in edition {edition} until {until}.",
    ev.PolicyUpdated: "Access policy {policy} (version {version}) asks for {credential} in {zone}.",
    # contracts
    ev.ContractSubmitted: "{author} proposed {contract} version {version} ({sha256}).",
    ev.ContractApproved: "{by} approved contract {sha256} as {approval_role}.",
    ev.ContractCertified: "{by} certified contract {sha256} (certificate {certificate}).",
    ev.ContractActivated: "Contract {sha256} was released for {effectivity}.",
    ev.ContractSuspended: "{by} stopped work under contract {sha256}.",
    ev.ContractResumed: "{by} ended the stop-work of contract {sha256}.",
    ev.SuggestionRecorded: "{by} suggested a change of {contract}; no rule changed.",
    ev.TuneSuggested: "{by} suggested {value} for {param}; it waits for approval.",
    ev.TuneApproved: "{by} agreed to the waiting value of {param} as {role}.",
    ev.ParameterTuned: "{param} is {value} for steps that start from now on.",
    ev.TuneReverted: "{by} set {param} back to the contract's own value.",
    # orders
    ev.TermsAccepted: "{by} of {org} accepted the terms of {order}; silence means {on_silence}.",
    ev.OrderReviewed: "{by} reviewed the paper of {order} as {role}.",
    ev.OrderStaged: "{order} of {client} was staged for {node} under {contract} version {version}: {part_no} rev {rev}, {serials}.",
    ev.JobAssigned: "{order}/{job} is assigned to {technician}.",
    ev.DeliveryClosed: "The delivery date of {order} is over; in time: {in_time}.",
    ev.SlipStaged: "{order} waits at the gate for {part_no} rev {rev} ({serials}), bound for {node}.",
    ev.ReaderAdvanced: "The counter of reader {reader} is at {seq}.",
    ev.ArrivalRecorded: "Parts {serials} of {order} are here ({evidence}; late: {late}).",
    ev.ArrivalKept: "Parts {serials} were scanned for {order}, which is not staged yet.",
    ev.ArrivalQuarantined: _quarantined,
    ev.ArrivalVoided: "Parts {serials} of {order} are not here after all.",
    ev.OrderReleased: _released,
    ev.ForwardAcknowledged: "{node} acknowledged parts {serials} of {order}.",
    ev.OrderReceived: "{order} of {client} came to the node with parts {serials}.",
    ev.OrderNoticed: "The floor hub says that {order} is {state}, bound for {node}.",
    # jobs and steps
    ev.JobStarted: "{by} started {order}/{job} on parts {serials} under version {version} ({sha256}).",
    ev.JobSplit: "{order}/{job} was split into {jobs}.",
    ev.StepStarted: _started,
    ev.ReadingRecorded: _reading,
    ev.StepSigned: _signed,
    ev.ReadingCorrected: "{by} corrected {characteristic} of {step} ({order}/{job}) from {old_value} to {value}.",
    ev.NonconformanceOpened: _opened,
    ev.NonconformanceDisposed: "{by} decided on {ncr} of {order}/{job}: {disposition}.",
    ev.RetestAuthorised: "{by} authorised a retest of {step} of {order}/{job}: {cause}.",
    ev.StepRestarted: "{by} abandoned the open attempt at {step} of {order}/{job}; it stays on the record.",
    ev.PrechecksCompleted: "Every pre-check of {order}/{job} is signed.",
    ev.HoldReleased: "{by} released the hold point {step} of {order}/{job}.",
    ev.WitnessNotified: "The witness of {step} of {order}/{job} was told.",
    ev.JobReprocessed: "{by} sends {order}/{job} back to {step}; what was done stays on the record.",
    ev.JobTerminated: "{by} ended {order}/{job} for good.",
    ev.JobFailed: "{order}/{job} has failed: {why}.",
    ev.JobResumed: "{by} resumed {order}/{job}.",
    ev.HelpCalled: "{by} called Level III to {step} of {order}/{job}.",
    ev.PermitIssued: "{module} may {deed} at {step} of {order}/{job} until {until} (permit {permit}).",
    ev.ModuleActed: "Permit {permit} at {step} of {order}/{job} was used.",
    ev.EnvironmentLogged: "{series} read {value} {unit} at {observed_at}.",
    ev.EnvironmentBroken: "{series} does not count as good ({kind}) from {since} to {until}.",
    ev.EnvironmentRestored: "{series} is inside its limits again since {at}.",
    ev.EquipmentChecked: _checked,
    ev.DeviationAuthorised: "{by} authorised deviation {deviation} for {step} of {order}/{job}: {waive}.",
    ev.DeviationUsed: "Deviation {deviation} of {order}/{job} was used up.",
    # quality, reports, money
    ev.JobFlagged: _flagged,
    ev.QaAccepted: "{by} accepted the record of {order}/{job} for QA: {accepted} good, {rejected} rejected, {scrapped} scrapped.",
    ev.ComplianceAccepted: "{by} accepted the record of {order}/{job} for compliance.",
    ev.ReportIssued: _issued,
    ev.ReviewWindowOpened: "The review window of {report} runs from {opened_at} to {closes_at}.",
    ev.ReportApproved: "{by} approved report {report}.",
    ev.ReportRejected: "{by} rejected report {report}: {reason}.",
    ev.ReviewWindowLapsed: _lapsed,
    ev.ComplaintOpened: "{by} rejected {report} after its window; it is a complaint: {reason}.",
    ev.InvoiceIssued: "Invoice {milestone} of {order} went out: {amount}.",
    ev.PayoutReleased: "Payout {rule} of {order}/{job} to {payee}: {amount}.",
    ev.PartyRegistered: "{by} registered {party}.",
    ev.AccountRegistered: "{owner} is paid to another account from now on; {by} signed.",
    ev.ChargeAgreed: "Charge {charge} ({item}) on {order} was agreed on.",
    ev.OrderSettled: _settled,
    ev.CreditNoteIssued: "Invoice {invoice} was corrected by {amount_minor} (minor units, without tax): {reason}.",
    ev.InvoiceDisputed: "{by} disputes invoice {invoice}: {reason}.",
    ev.DisputeResolved: "The dispute on invoice {invoice} is settled.",
    ev.PaymentReceived: "{bank_ref} of {booked_on} pays {amount} on invoice {invoice}.",
    ev.PaymentsOrdered: "{by} ordered payment run {run} for {pay_on}: {payouts}.",
    ev.PayoutPaid: "The bank paid {payout} of run {run}.",
    ev.PayoutFailed: "The bank did not pay {payout} of run {run}: {reason}.",
    ev.PayoutReversed: "{by} took {payout} back: {reason}.",
    # the site itself
    ev.Imported: "Entries {start} to {size} of {origin} were taken in.",
    ev.Disregarded: "{site} had left the shop and went on: {said} of its events make nothing true.",
    ev.ContactChanged: _contact,
    ev.Cosigned: "{witness} cosigned the first {size} entries at {witnessed_at}.",
    ev.Triggered: "The contract sets off {effect} on {on} ({order}).",
    ev.Booted: _booted,
}

BY_ITSELF: Final[tuple[type[ev.Event], ...]] = (
    ev.InvoiceIssued,
    ev.CreditNoteIssued,
    ev.PayoutReleased,
    ev.ReviewWindowOpened,
    ev.Triggered,
    ev.PrechecksCompleted,
    ev.NonconformanceOpened,
    ev.JobFlagged,
    ev.JobFailed,
    ev.EnvironmentBroken,
    ev.EnvironmentRestored,
    ev.OrderReleased,
)
"""What follows from something else of the same entry, where it is not the first thing that the entry says."""
