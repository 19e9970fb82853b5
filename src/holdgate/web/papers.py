"""Papers: acts that several people sign, each at their own screen and in their own time. When the last one signed, it is handed in.

All of them sign the same bytes. What lies here was signed by those who signed it and grants nothing: the site checks everything
again when it is handed in, the time that it was written included (`entry_skew_s`).
"""

from holdgate.crypto.envelope import Envelope, open_envelope, pae
from holdgate.crypto.hashes import digest
from holdgate.crypto.signatures import holds
from holdgate.engine.answer import Answer
from holdgate.law import command as c
from holdgate.law.signers import keys_of
from holdgate.sites.reception import Paper, Reception
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import PAPERS_MAX
from holdgate.web.face import Face
from holdgate.web.inviting import brings_a_key


def lay_down(face: Face, reception: Reception, raw: bytes) -> Paper:
    """Take signatures under an act; together with those that are here already.

    Args:
        face: the site that decides it.
        reception: where papers lie.
        raw: an envelope with some of the signatures; untrusted.

    Returns:
        The paper as it is now; nothing missing: it can be handed in.

    Raises:
        Malformed: no act of this site, or somebody whom it names is not enrolled. Tampered: a signature does not hold, or is of
            nobody who is named.
        Unavailable: too many papers wait.
    """
    envelope = open_envelope(raw)
    command = c.parse_command(envelope.payload)
    if command.site != face.id:
        raise Malformed(f"this is decided at {command.site}, not here")
    keys = keys_of(command, face.state.identities)
    if isinstance(keys, str):
        raise Malformed(f"{keys} is not enrolled here")
    _check(envelope, dict(keys))
    name = digest(envelope.payload)
    held = reception.paper(name)
    rows = {row.keyid: row for row in (open_envelope(held.envelope).signatures if held is not None else [])}
    rows.update({row.keyid: row for row in envelope.signatures})
    missing = tuple(keyid for keyid, _ in keys if keyid not in rows)
    if held is None and missing:
        _make_room(face, reception)
    whole = Envelope(envelope.payload, envelope.payloadType, [rows[keyid] for keyid, _ in keys if keyid in rows])
    paper = Paper(digest=name, envelope=canon.encode(whole), missing=missing, at=command.at)
    if missing:
        if held is None and brings_a_key(command):
            _supersede(reception, command)
        reception.put_paper(paper)
    return paper


def _supersede(reception: Reception, command: c.AnyCommand) -> None:
    """A newcomer writes their act anew while the officers are on their way: the paper before it goes."""
    for paper in reception.papers():
        other = c.parse_command(open_envelope(paper.envelope).payload)
        if type(other) is type(command) and all(
            getattr(other, name, None) == getattr(command, name, None) for name in ("id", "key")
        ):
            reception.drop_paper(paper.digest)


async def hand_in(face: Face, reception: Reception, paper: Paper, source: str) -> Answer:
    """Hand in a paper with every signature under it."""
    answer = await face.act(paper.envelope, (), source)
    reception.drop_paper(paper.digest)
    return answer


def waiting_for(face: Face, reception: Reception, smart_id: str) -> list[Paper]:
    """The papers that somebody's signature is missing under, or that they signed; those that came too old are thrown away."""
    found = []
    for paper in reception.papers():
        if _too_old(face, paper):
            reception.drop_paper(paper.digest)
        elif smart_id in paper.missing or any(s.keyid == smart_id for s in open_envelope(paper.envelope).signatures):
            found.append(paper)
    return found


def _check(envelope: Envelope, keys: dict[str, bytes]) -> None:
    message = pae(envelope.payloadType, envelope.payload)
    for row in envelope.signatures:
        key = keys.get(row.keyid)
        if key is None or not holds(key, message, row.sig):
            raise Tampered(f"the signature of {row.keyid[:80]!r} does not hold for this paper")


def _make_room(face: Face, reception: Reception) -> None:
    papers = reception.papers()
    for paper in papers:
        if _too_old(face, paper):
            reception.drop_paper(paper.digest)
    if len(papers) >= PAPERS_MAX and len(reception.papers()) >= PAPERS_MAX:
        raise Unavailable("too many papers wait for signatures; have some of them signed or withdrawn")


def _too_old(face: Face, paper: Paper) -> bool:
    return face.now() - paper.at > face.settings.entry_skew_s * SECOND_US
