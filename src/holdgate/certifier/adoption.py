"""What a witness shop does first for a contract that requires standards: it adopts them, by a small SmartStandards of its own."""

from typing import Final

from holdgate.certifier.cast import CLIENT, DOCK, NODE, OFFICE
from holdgate.certifier.witness import Writer
from holdgate.law.contract import SmartClientPO, SmartStandards, Step, Yield, document_digest
from holdgate.law.families import Bundle

ADOPTION: Final = "W-ADOPTION"
LONG_S: Final = 50 * 365 * 86_400
"""For how long a witness shop adopts a standard."""


def adoption(contract: Bundle) -> Bundle | None:
    """The contract under which the required standards are adopted; None where none is required."""
    technique, first = contract.technique, contract.technique.steps[0]
    if not technique.requires:
        return None
    step = Step(id="A10", name="Adopt the standard", role=first.role, zones=first.zones[:1])
    process = SmartStandards(
        id=ADOPTION,
        version="1",
        title="Adoption of a standard",
        author=contract.template.author,
        steps=(step,),
        yields=(Yield(fact="standard", valid_s=LONG_S),),
    )
    template = SmartClientPO(
        id=ADOPTION,
        version="1",
        title=process.title,
        author=process.author,
        process=document_digest(process),
        price_minor=0,
        currency=contract.template.currency,
        billing=(),
        client_window_s=0,
        on_silence="escalate",
    )
    return Bundle(template, process)


def adopt(w: Writer) -> None:
    """Write the deeds that put every required standard in force."""
    for number, needed in enumerate(w.life.technique.requires, start=1):
        _adopt(w, number, needed.standard, needed.edition)


def _adopt(w: Writer, number: int, standard: str, edition: str) -> None:
    first = w.life.steps[0]
    order, job, copy = f"W-ADOPT-{number}", f"W-ADOPTS-{number}", f"W-COPY-{number}"
    version = {"contract": ADOPTION, "version": "1"}
    terms = {"price_minor": "0", "currency": w.life.template.currency, "milestones": [], "client_window_s": "0"}
    accepted = {"po": order, **version, "terms": {**terms, "on_silence": "escalate"}, **w.signed(OFFICE, "accepted")}
    parts = {"po": order, "part_no": standard, "rev": edition, "serials": [copy]}
    staged = {**parts, **version, "node": NODE, "client": CLIENT, "documents": []}
    w.reader += 1
    scan = {**parts, "qty": "1", "workstation": DOCK, "signature": "valid", "reader_seq": str(w.reader)}
    at = {"job": job, "step": "A10"}
    start = {**at, "workstation": w.station(first), "equipment": [], "materials": []}
    signed = {**at, "result": "pass", **w.signed(w.station(first), "performed")}
    counts = {"received": "1", "accepted": "1", "rejected": "0", "scrapped": "0"}
    whole = {"job": job, "quantities": counts, **w.signed(OFFICE, "reviewed and accepted")}
    performer, role, who = w.performer, first.role, w.cast.who
    words = f"{standard} {edition} is adopted"
    w.also(who("client"), "client", "po.accept", accepted, words, "TermsAccepted escalate")
    w.also(who("business_hub"), "business_hub", "po.stage", staged, words, "OrderStaged")
    w.also(who("scanner"), "scanner", "part.arrival", scan, words, "ArrivalRecorded", "OrderReleased")
    w.also(performer, role, "job.start", {"po": order, "job": job, "node": NODE}, words, "JobStarted")
    w.also(performer, role, "step.start", start, words, "StepStarted A10")
    w.also(performer, role, "step.sign", signed, words, "StepSigned A10 pass complete")
    w.also(who("qa"), "qa", "qa.sign", whole, words, "QaAccepted 1 0")
