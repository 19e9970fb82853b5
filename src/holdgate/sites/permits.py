"""What a site answers a module, signed: a permit, that the deed is on record, or a refusal (`holdgate.gate.permit`).

Made from the durable entry alone, after its flush: a permit that could be lost with the power would be worse than none. So
a resend of the same wish gets the same bytes again.
"""

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.keys import SigningKey
from holdgate.engine.ports import Row
from holdgate.gate.permit import Permit, Recorded, Refusal, Unmet, seal_answer
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.command import parse_command
from holdgate.law.decision import Decision
from holdgate.law.denial import remedy, sentence
from holdgate.law.replay import read_action
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import Entry, read_entry
from holdgate.terms.errors import InvariantBroken, Malformed
from holdgate.terms.limits import PERMIT_SENTENCE_CHARS_MAX, PERMIT_UNMET_MAX

ModuleWish = c.AskModule | c.ReportModule


def answer_of(row: Row, key: SigningKey) -> bytes:
    """The signed answer to the module's wish that a durable entry decided.

    Args:
        row: the entry.
        key: the site's.

    Raises:
        Malformed: the entry holds no action. InvariantBroken: it decided no wish of a module, or allowed one without saying
            what became true.
    """
    entry = read_entry(row.body)
    wish = read_action(entry).command
    if not isinstance(wish, ModuleWish):
        raise InvariantBroken(f"entry {entry.seq} decided no wish of a module")
    decision = decision_of(entry)
    if not decision.allowed:
        return refusal_of(wish, entry.site, decision, entry.at, key, row.leaf.hex())
    return seal_answer(_granted(wish, entry, decision, row.leaf.hex()), key)


def _granted(wish: ModuleWish, entry: Entry, decision: Decision, leaf: str) -> Permit | Recorded:
    """What an allowed wish made true."""
    for event in decision.events:
        if isinstance(wish, c.AskModule) and isinstance(event, ev.PermitIssued):
            return _permit(event, entry, leaf)
        if isinstance(wish, c.ReportModule) and isinstance(event, ev.ModuleActed):
            return Recorded(
                permit=event.permit,
                module=wish.actor.id,
                deed=wish.deed,
                order=event.order,
                job=event.job,
                step=event.step,
                site=entry.site,
                entry=leaf,
                at=entry.at,
            )
    raise InvariantBroken(f"entry {entry.seq} allows a module's wish and says nothing of it")


def _permit(event: ev.PermitIssued, entry: Entry, leaf: str) -> Permit:
    """The permit that an entry issued."""
    contract = entry.law.contract
    if contract is None:
        raise InvariantBroken(f"entry {entry.seq} issues a permit under no contract")
    return Permit(
        permit=event.permit,
        module=event.module,
        deed=event.deed,
        order=event.order,
        job=event.job,
        step=event.step,
        site=entry.site,
        entry=leaf,
        contract=contract,
        issued_at=entry.at,
        until=event.until,
        operator=event.operator,
    )


def refusal_of(wish: ModuleWish, site: str, decision: Decision, at: int, key: SigningKey, leaf: str = "") -> bytes:
    """The signed refusal of a module's wish, with the unmet conditions in words, in gate order."""
    unmet = tuple(
        Unmet(
            code=d.code, sentence=sentence(d)[:PERMIT_SENTENCE_CHARS_MAX], remedy=remedy(d)[:PERMIT_SENTENCE_CHARS_MAX]
        )
        for d in decision.denials[:PERMIT_UNMET_MAX]
    )
    refusal = Refusal(
        permit=wish.permit,
        module=wish.module if isinstance(wish, c.AskModule) else wish.actor.id,
        deed=wish.deed,
        order=wish.order,
        job=wish.job,
        step=wish.step,
        site=site,
        entry=leaf,
        at=at,
        unmet=unmet,
    )
    return seal_answer(refusal, key)


def read_wish(raw: bytes) -> ModuleWish | None:
    """A module's wish; None where the bytes cannot be read, which the spine puts on record.

    Raises:
        Malformed: it is another act.
    """
    try:
        wish = parse_command(open_envelope(raw).payload)
    except Malformed:
        return None
    if not isinstance(wish, ModuleWish):
        raise Malformed("only a module's wishes are answered here: module.may and module.act")
    return wish
