"""The denial codes: number, precedence, whether waiting helps, the sentence for the person, the remedy.

Numbers are stable for ever. Codes state the unmet condition. `docs/denials.md` is generated from this table, and a test
holds the engine against it: a code that nothing produces and that is not reserved, or that has no row here, fails.
"""

from typing import Final

from msgspec import Struct

from holdgate.law.decision import Denial, Value
from holdgate.terms import instant


class Code(Struct, frozen=True, kw_only=True):
    """One row: `retry` says whether the same wish can succeed later without anybody mending anything."""

    number: int
    name: str
    sentence: str
    remedy: str
    source: str
    retry: bool = False


def _code(number: int, name: str, sentence: str, remedy: str, source: str, *, retry: bool = False) -> Code:
    return Code(number=number, name=name, sentence=sentence, remedy=remedy, source=source, retry=retry)


CODES: Final[tuple[Code, ...]] = (
    # people and signatures
    _code(101, "UNKNOWN_IDENTITY", "{id} is not enrolled here.", "Have the person or device enrolled by two officers.", "21 CFR 11.10(d)"),
    _code(102, "IDENTITY_DISABLED", "{id} is de-authorised.", "Ask an admin why; another person must act.", "21 CFR 11.300(c)"),
    _code(103, "ROLE_NOT_AUTHORISED", "{id} acts as {role}; this is for {needed}.", "Let somebody with that role do it.", "21 CFR 11.10(g)"),
    _code(104, "CLIENT_ROLE_REQUIRED", "Only the client's own people may do this; {id} acts as {role}.", "Ask the client.", "framework: Client confirms by SMART-ID"),
    _code(105, "NOT_YOUR_ORDER", "{id} is with {org}; order {order} is another organisation's.", "Only the client of this order may act on it.", "ISO/IEC 17025 4.2"),
    _code(106, "SELF_APPROVAL", "{id} may not approve this: {why}.", "Another person must approve.", "segregation of duties"),
    _code(107, "SIGNATURE_AUTH_FAILED", "The signature of {id} was not unlocked properly: {why}.", "Present badge and PIN, or a passkey (your own), at this workstation.", "21 CFR 11.200(a)"),
    _code(108, "SIGNATURE_MEANING_MISSING", "The signature of {id} says nothing about its meaning.", "Choose what the signature means.", "21 CFR 11.50(a)(3)"),
    _code(109, "NOT_PERFORMER", "{step} was performed by {performer}, not by {id}.", "The person who started the step signs it.", "21 CFR 11.10(g); AC7114"),
    _code(110, "ALREADY_SIGNED", "{step} was signed by {by} at {signed_at}.", "Nothing is left to sign.", "21 CFR 11.70"),
    _code(111, "ALREADY_DONE", "{what} took effect already.", "Nothing is left to do.", "idempotency"),
    _code(112, "STALE_VIEW", "What {id} was shown is not the present state.", "Look again, then sign what you see.", "WYSIWYS; 21 CFR 11.70"),
    _code(113, "CREDENTIAL_MISSING", "{id} does not hold {credential}.", "Let a qualified person do it, or record the qualification.", "NAS 410 / EN 4179"),
    _code(114, "CREDENTIAL_EXPIRED", "{credential} of {id} was valid until {until}.", "Let a qualified person do it, or renew the qualification.", "NAS 410; ISO 9712"),
    _code(115, "CREDENTIAL_REVOKED", "{credential} of {id} was revoked at {revoked_at}.", "Let a qualified person do it.", "NAS 410"),
    _code(116, "KEY_NOT_ACCEPTED", "The key for {id} is not accepted: {why}.", "Make a new key on the device and enrol that.", "SMART-ID: one key, one identity"),
    # time and place
    _code(201, "BACKDATED", "The time given, {claimed_at}, lies {by_us} before now; at most {limit_us} is allowed.", "Sign now; an older observation goes in as a late entry. If it was signed just now, the clock of the site was ahead: its status says for how long.", "ISO/IEC 17025 7.5.1"),
    _code(202, "FUTURE_DATED", "The time given, {claimed_at}, lies {by_us} ahead; at most {limit_us} is allowed.", "Set the device's clock. If it is right, the clock of the site is behind: see its status.", "ISO/IEC 17025 7.5.1"),
    _code(203, "LOCATION_NOT_PERMITTED", "{place} is in {zone}; this is done in {needed}.", "Do it at a workstation of the right area.", "AS9100D 8.5.1.2"),
    _code(204, "WRONG_NODE", "This belongs to {needed}, not to {node}.", "Take it to the node that the order names.", "HC-5"),
    _code(205, "OFFLINE_FRESHNESS_EXCEEDED", "{node} last heard of the business hub {age_us} ago; at most {limit_us} is allowed.", "Bring the node back on line.", "revocation freshness", retry=True),
    _code(206, "SITE_UNREACHABLE", "{site}, which decides this, is out of reach.", "Try again when it is back; nothing was decided.", "fails closed", retry=True),
    _code(207, "WRONG_SITE", "The action was signed for {signed_for}; this is {site}.", "Sign it for the site that decides it.", "foundations: which site decides"),
    _code(208, "MALFORMED", "What {id} sent cannot be read: {why}.", "Send a signed action in the documented form.", "docs/spec/envelope.md"),
    _code(209, "SITE_NOT_ACCEPTED", "{id} does not join as a site: {why}.", "Lay the node out anew (holdgate site node), and enrol what that wrote.", "foundations: sites and seats"),
    _code(210, "NODE_BUSY", "{node} is not done: {work}.", "Finish or end it there, or have the order staged for another node.", "ISO/IEC 17025 7.4"),
    _code(211, "SITE_RETIRED", "{site} left the shop at {retired_at}.", "Do it at another node; what {site} recorded stays on the record.", "HC-5"),
    _code(212, "ROOTS_NOT_ACCEPTED", "The roots of this shop are not exchanged: {why}.", "Draw the root document up anew (holdgate root next), and have its keepers sign it.", "TUF 5.3: old and new roots sign"),
    # contracts
    _code(301, "CONTRACT_UNKNOWN", "There is no contract {contract} version {version} here.", "Check the number and the version.", "-"),
    _code(302, "CONTRACT_NOT_APPROVED", "{contract} version {version} lacks the approval of {missing}.", "Have the missing roles approve it.", "framework: Approved By"),
    _code(303, "CONTRACT_NOT_CERTIFIED", "{contract} version {version} is not certified: {why}.", "Have the validators certify it.", "SMART-Certified"),
    _code(304, "CONTRACT_NOT_ACTIVE", "{contract} version {version} is not released.", "Release it, or use the version in force.", "-"),
    _code(305, "CONTRACT_INCOMPLETE", "The contract is not complete: {why}.", "Mend the contract and submit it as a new version.", "AC7114 procedure content"),
    _code(306, "CONTRACT_SUPERSEDED", "{contract} version {version} was replaced and may not start new work.", "Use the version in force.", "AS9100D 8.5.6"),
    _code(307, "CONTRACT_PINNED", "Job {job} keeps {contract} version {version} until it ends.", "Finish the job under its own version.", "SC-24"),
    _code(308, "VERSION_EXISTS", "{contract} version {version} exists; versions are never overwritten.", "Submit the change under a new version.", "SC-20"),
    _code(309, "CONTRACT_SUSPENDED", "Stop-work is in force for {contract} version {version}.", "Wait until it is resumed; make the parts safe.", "ISO/IEC 17025 7.10.1 b)", retry=True),
    _code(310, "AI_NOT_AUTHORITY", "{id} may suggest this, and not change it: {why}.", "Have people decide; a new revision can declare it adaptable.", "AS9100D 8.5.1.2"),
    _code(311, "TUNE_OUT_OF_RANGE", "{param} cannot be {value}; the contract allows {limits}.", "Choose a value inside the bounds, or release a new revision.", "SC-8; certified for the range only"),
    _code(312, "NO_PENDING_SUGGESTION", "No suggestion of {value} for {param} waits.", "Look at what waits; suggest the value first.", "SC-8"),
    _code(313, "STANDARD_NOT_IN_FORCE", "{standard} {edition} is not in force here: {why}.", "Have the edition adopted, or work to a revision that names the one in force.", "ISO/IEC 17025 7.2.1.3; AS9100D 7.5.3"),
    # orders and arrivals
    _code(401, "PO_NOT_STAGED", "No staged order matches ({order}).", "Stage the order, or check the number.", "HC-2"),
    _code(402, "NO_ARRIVAL", "The parts of {order} have not been scanned in.", "Scan the parts in at the dock.", "HC-3", retry=True),
    _code(403, "BROADCAST_UNVERIFIED", "This is not a signed broadcast of an enrolled reader: {why}.", "Scan the parts with an enrolled reader.", "HC-4; 21 CFR 11.10(h)"),
    _code(404, "REPLAYED_BROADCAST", "{reader} used counter {seq} already (last {last}).", "Scan again; an old broadcast counts once.", "replay protection"),
    _code(405, "STALE_BROADCAST", "The scan was made at {captured_at}, {by_us} from now; at most {limit_us} counts.", "Scan the parts again.", "replay protection"),
    _code(406, "AMBIGUOUS_ARRIVAL", "{orders} wait for these parts and the scan names none.", "Scan with the order's number.", "HC-2; never first-come"),
    _code(407, "PART_MISMATCH", "Read part {read}, order {order} expects {expected}.", "Segregate the parts and tell the client.", "AS9100D 8.5.2"),
    _code(408, "REV_MISMATCH", "Read revision {read}, order {order} expects {expected}.", "Segregate the parts and tell the client.", "AS9100D 8.5.2"),
    _code(409, "SERIAL_UNKNOWN", "Not on order {order}: {serials}.", "Segregate the parts and tell the client.", "AS9100D 8.5.2"),
    _code(410, "QTY_MISMATCH", "{why}.", "Wait for the rest, or count again.", "AS9100D 8.5.2", retry=True),
    _code(411, "DUPLICATE_ARRIVAL", "{serials} have arrived already.", "Nothing is left to scan.", "replay protection"),
    _code(412, "EVIDENCE_CLASS_NOT_ALLOWED", "Order {order} does not accept {evidence} arrivals.", "Scan the parts with an enrolled reader.", "HC-3"),
    _code(413, "TERMS_NOT_ACCEPTED", "Nobody accepted the terms of {order}: {why}.", "Have the client sign its terms, or review the paper order (project manager and QA).", "AS9100D 8.2.3"),
    _code(414, "TERMS_MISMATCH", "The terms differ from the contract: {why}.", "Correct the terms.", "AS9100D 8.2.3"),
    _code(415, "BODY_MISMATCH", "What came with order {order} is not what the business hub signed: {why}.", "Have the order forwarded again.", "HC-8; sealed bodies"),
    _code(416, "DOCUMENT_MISSING", "{document} is not attached.", "Attach the document.", "AS9100D 8.4.3"),
    _code(417, "ALREADY_RELEASED", "{order} went to its node; the gate recalls nothing.", "Have the node stop work and open a nonconformance.", "framework: pre-test only"),
    _code(418, "DOCUMENT_EXPIRED", "{document} was valid until {until}.", "Have Compliance verify a valid one.", "framework: Compliance Enforcement", retry=True),
    # jobs and steps
    _code(501, "JOB_UNKNOWN", "There is no job {job} here.", "Check the number.", "-"),
    _code(502, "JOB_CLOSED", "Job {job} is {status}.", "Work on the job that took over.", "-"),
    _code(503, "STEP_UNKNOWN", "{step} is not a step of {contract}.", "Check the step.", "SC-12"),
    _code(504, "PRECHECK_INCOMPLETE", "{missing} is not complete.", "Complete and sign the pre-check first.", "SC-7", retry=True),
    _code(505, "STEP_OUT_OF_ORDER", "{missing} comes before {step} and is not complete.", "Complete the earlier step first.", "21 CFR 11.10(f)", retry=True),
    _code(506, "STEP_NOT_STARTED", "{step} is not open.", "Start the step first.", "21 CFR 11.10(f)"),
    _code(507, "STEP_IN_PROGRESS", "{step} is open.", "Sign the open step first.", "21 CFR 11.10(f)", retry=True),
    _code(508, "STEP_INCOMPLETE", "{missing} are not complete.", "Complete every step first.", "AS9100D 8.6", retry=True),
    _code(509, "WINDOW_NOT_REACHED", "{elapsed_us} since {since}; at least {limit_us} is required.", "Wait.", "E1417 dwell; AMS soak", retry=True),
    _code(510, "WINDOW_EXCEEDED", "{elapsed_us} since {since}; at most {limit_us} is allowed.", "Reprocess, or have a deviation authorised (Level III and the client).", "E1417 dwell"),
    _code(511, "HOLD_POINT", "{step} is a hold point of {party}.", "Have it released by that party.", "ITP", retry=True),
    _code(512, "WITNESS_NOTICE", "The witness of {step} has not been notified in time.", "Notify the witness.", "ITP", retry=True),
    _code(513, "CHARACTERISTIC_UNKNOWN", "{characteristic} is not measured in {step}.", "Record a characteristic of this step.", "-"),
    _code(514, "UNIT_MISMATCH", "{characteristic} is written in {needed}, not in {unit}.", "Read the instrument in the contract's unit.", "AMS 2750: never converted"),
    _code(515, "VALUE_INVALID", "{value} is not a decimal number.", "Write the number as digits, such as 21.5.", "-"),
    _code(516, "DATA_INCOMPLETE", "{missing} is not recorded.", "Record the missing readings.", "ALCOA+ complete", retry=True),
    _code(517, "READING_OUT_OF_LIMITS", "{characteristic} {serial} read {value}; the limits are {limits}.", "Sign the true result; what follows is in the contract.", "contract limits"),
    _code(518, "RULE_NOT_MET", "{say}", "Do what the rule ({rule}) asks for; it is part of this technique.", "contract rule"),
    _code(519, "RULE_FAILED", "The rule {rule} could not be evaluated: {why}.", "Record what the rule reads; if it stays, mend the contract.", "fails closed"),
    _code(520, "QTY_NOT_RECONCILED", "{why}.", "Account for every part exactly once.", "AS9100D 8.5.2"),
    _code(521, "REASON_REQUIRED", "No reason is given.", "Give the reason.", "21 CFR 11.10(e)"),
    _code(522, "EVIDENCE_REQUIRED", "No evidence is given.", "Attach the evidence.", "ISO/IEC 17025 7.5"),
    _code(523, "DEVIATION_NOT_ALLOWED", "{why}.", "People, calibration and signatures are never waived.", "ISO/IEC 17025 7.2.1.7"),
    _code(524, "DISPOSITION_NOT_AUTHORISED", "The order's own client ({client}) has not signed.", "Have the client co-sign.", "AS9100D 8.7.1"),
    _code(525, "NCR_OPEN", "Open nonconformance: {ncr}.", "Stop work on this job and call QA.", "AS9100D 8.7"),
    _code(526, "NOT_ASSIGNED", "{job} is {why}.", "Ask the project manager to assign it.", "framework: job assignment", retry=True),
    _code(527, "MODULE_NOT_PERMITTED", "{module} may not {deed} at {step}: {why}.", "Let the module that the contract names do it, at its step.", "SC-13"),
    _code(528, "PERMIT_UNKNOWN", "There is no permit {permit} for this job.", "Ask for a permit first.", "SC-13"),
    _code(529, "PERMIT_EXPIRED", "Permit {permit} held until {until}.", "Ask again.", "fails closed"),
    _code(530, "ENV_LOG_GAP", "The log of {series} is silent: {why}.", "Log the series again; what was done in the silence is repeated.", "ISO/IEC 17025 6.3.3", retry=True),
    _code(531, "ENV_OUT_OF_LIMIT", "{series} is at {value}; the limits are {limits}.", "Bring the room back into its limits and log it.", "ISO/IEC 17025 6.3.3", retry=True),
    _code(532, "JOB_FAILED", "Job {job} has failed: {why}.", "{roles} may resume it, with a reason and evidence.", "SC-18", retry=True),
    _code(533, "CONCESSION_MISSING", "{what} does not conform, and no concession covers it.", "Have the client grant a concession, or sign the true result.", "AS9100D 8.7"),
    _code(534, "RETEST_NOT_AUTHORISED", "{step} failed and may not be repeated: {why}.", "Have Level III or QA authorise a retest for an allowed cause.", "no testing into compliance"),
    _code(535, "NCR_UNKNOWN", "{job} has no nonconformance {ncr}.", "Check the number.", "-"),
    _code(536, "PART_NOT_IN_JOB", "Part {serial} of this order is not in job {job}.", "Record it in the job that this part is in.", "AS9100D 8.5.2"),
    _code(537, "PART_NOT_NAMED", "{characteristic} is read part by part, and no part is named.", "Name the serial of the part that was read.", "AS9100D 8.5.2"),
    _code(538, "PART_NOT_ASKED", "{characteristic} is read once for the whole step, not for part {serial}.", "Record it without a serial.", "AS9100D 8.5.2"),
    # equipment and materials
    _code(601, "EQUIPMENT_UNKNOWN", "{equipment} is not in the register.", "Use registered equipment.", "ISO/IEC 17025 6.4.13"),
    _code(602, "EQUIPMENT_NOT_IN_CONTRACT", "{why}.", "Use what the technique names.", "AC7114"),
    _code(603, "EQUIPMENT_OUT_OF_SERVICE", "{equipment} is withdrawn from use.", "Use another one.", "ISO/IEC 17025 6.4.9"),
    _code(604, "EQUIPMENT_CAL_EXPIRED", "The calibration of {equipment} does not hold now; its last day is {until}.", "Use another one, or have it calibrated.", "ISO/IEC 17025 6.4"),
    _code(605, "EQUIPMENT_CAL_LAPSES_IN_STEP", "Calibration of {equipment} ends {until}; the step ends about {end_at}.", "Use another one, or have it calibrated.", "AMS 2750"),
    _code(606, "MATERIAL_NOT_APPROVED", "{why}.", "Use an approved batch of the right kind.", "AMS 2644 QPL"),
    _code(607, "MATERIAL_EXPIRED", "Batch {batch} expired {until}.", "Use another batch.", "AMS 2644"),
    _code(608, "INSTRUMENT_MISSING", "{characteristic} is read with a {needed}, and no instrument is named.", "Name the instrument that it was read with.", "ISO/IEC 17025 6.4.13"),
    # quality, reports, money
    _code(701, "NODE_NOT_SYNCED", "The record of {node} has not been received whole.", "Wait until the node is back on line.", "21 CFR 11.10(e)", retry=True),
    _code(702, "CHAIN_BROKEN", "The record of {origin} does not hold together: {why}.", "Nothing was taken in; find out who altered it.", "21 CFR 11.10(a)"),
    _code(703, "QA_ALREADY_SIGNED", "QA ({by}) has accepted the record of {job}.", "The accepted record is closed; tell QA what is wrong with it.", "-"),
    _code(704, "TESTS_NOT_PASSED_QA", "QA has not accepted the record of {job}.", "Have QA review and sign the record.", "SC-7", retry=True),
    _code(705, "REPORT_INCOMPLETE", "The report lacks {missing}.", "Issue the report with all mandatory content.", "ISO/IEC 17025 7.8.2.1"),
    _code(706, "REPORT_UNKNOWN", "There is no report {report}.", "Check the number.", "-"),
    _code(707, "REPORT_ISSUED", "The report {report} of {job} is issued; its data are not edited.", "Have QA amend the report.", "ISO/IEC 17025 7.8.8"),
    _code(708, "REVIEW_WINDOW_CLOSED", "The review window of {report} is over.", "It is handled as a complaint.", "ISO/IEC 17025 7.9"),
    _code(709, "INVOICE_PRECONDITION", "Milestone {milestone} of {order} is not reached: {why}.", "Nothing to do: the invoice goes out by itself when it is.", "SC-7", retry=True),
    _code(710, "MILESTONE_UNKNOWN", "The contract has no milestone {milestone}.", "Check the milestone.", "-"),
    _code(711, "PAYOUT_PRECONDITION", "Payout {rule} of {job} is not due: {why}.", "Nothing to do: it is paid by itself when it is.", "SC-9", retry=True),
    _code(712, "PAYOUT_RULE_UNKNOWN", "The contract has no payout rule {rule}.", "Check the rule.", "-"),
    _code(713, "PAYEE_NOT_ENTITLED", "{payee} signed nothing on {job}.", "Only those who signed the work are paid for it.", "-"),
    _code(714, "VAULT_READ_ONLY", "The Vault looks and never writes.", "Correct the record by a new entry at its own site.", "SC-21"),
    _code(715, "PAYOUT_DEPENDS_ON_RESULT", "Payout {rule} depends on a test result.", "Tie pay to time and completeness only.", "ISO/IEC 17025 4.1"),
    _code(716, "STALE_VERSION", "{report} was replaced by {replaced_by}.", "Look at the report that replaces it.", "ISO/IEC 17025 7.8.8"),
    _code(717, "INVOICE_UNKNOWN", "There is no invoice {invoice}.", "Check the number.", "-"),
    _code(718, "PAYOUT_UNKNOWN", "There is no payout {payout} there.", "Check the number.", "-"),
    _code(719, "PAYOUT_NOT_DUE", "{payout} is {status}.", "Look at the payout's state; what is paid or under way is not paid again.", "exactly once"),
    _code(720, "CONSENT_MISSING", "Another signature is missing: {needed}.", "Have them sign the same act.", "four eyes; SC-10"),
    _code(721, "AMOUNT_REFUSED", "{amount} is not accepted: {why}.", "Mend the amount.", "-"),
    _code(722, "ACCOUNT_MISSING", "No bank account of {payee} is on record.", "Have them register one, together with finance.", "-"),
    _code(723, "MILESTONE_OPEN", "{milestone} can still be reached: {jobs} goes on.", "Finish or end the job first.", "foundations: money"),
    _code(724, "INVOICE_NOT_DISPUTED", "{invoice} is not in dispute.", "Nothing is left to settle.", "-"),
    _code(725, "CHARGE_UNKNOWN", "The contract has no charge {charge} that is agreed on.", "Look at the contract's price list.", "-"),
    _code(726, "PARTY_INCOMPLETE", "{org} cannot be registered like this: {why}.", "Mend what is named.", "EN 16931-1"),
    # payloads that can be erased
    _code(801, "NOT_ERASABLE", "{commitment} is not erased: {why}.", "Check the commitment; contracts and entries are kept for ever.", "docs/retention.md"),
    _code(802, "LEGAL_HOLD", "{subject} is under legal hold since {placed_at}: {why}.", "Wait until two officers lift the hold.", "legal hold", retry=True),
    _code(803, "RETENTION_NOT_OVER", "{commitment} is kept: {why}.", "Wait until the contract's retention is over.", "ISO/IEC 17025 8.4; contract retention", retry=True),
    _code(804, "SUBJECT_UNKNOWN", "{subject} is not known here: {why}.", "Name person:SMART-ID, order:ORDER or job:ORDER/JOB as they are on the record.", "-"),
)  # fmt: skip

BY_NAME: Final[dict[str, Code]] = {code.name: code for code in CODES}


def sentence(denial: Denial) -> str:
    """The sentence for the person, with the values filled in."""
    return filled(BY_NAME[denial.code].sentence, denial)


def remedy(denial: Denial) -> str:
    """What the person can do about it, with the values filled in."""
    return filled(BY_NAME[denial.code].remedy, denial)


def filled(text: str, denial: Denial) -> str:
    """A text with the values of a denial filled into its braces."""
    shown = _Shown({key: _show(key, value) for key, value in denial.values.items()})
    return " ".join(text.format_map(shown).split())


class _Shown(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _show(key: str, value: Value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, int):
        if key.endswith("_us"):
            return instant.show_duration(value)
        if key.endswith("_at") or key == "until":
            return _show_instant(value)
    return str(value)


def _show_instant(value: int) -> str:
    """A claimed time can be any integer; one beyond the calendar is shown as it came."""
    try:
        return instant.show(value)
    except OverflowError:
        return f"{value} µs"


__all__ = ["BY_NAME", "CODES", "Code", "filled", "remedy", "sentence"]
