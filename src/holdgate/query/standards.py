"""Which contracts name a standard, in which edition, and whether that edition is in force (SMART-Standards).

Two places name one: `standards` of a document's head, texts for people ("ASTM E1417/E1417M"); and `requires` of a technique,
a standard and its edition, which the law holds against what was adopted when a job starts.
"""

from collections.abc import Iterator

from msgspec import Struct

from holdgate.law.contract import SmartSP
from holdgate.law.library import Library
from holdgate.law.state import ContractRecord, State
from holdgate.query.words import moment


class Naming(Struct, frozen=True, kw_only=True):
    """A contract version that names a standard.

    `edition` "": a text in its head. `status`: of the version. `adopted`: the edition that is in force here, and until
    when. `holds`: a job that starts under this version now would find the edition that it requires ("": nothing is
    required).
    """

    standard: str
    edition: str
    contract: str
    version: str
    status: str
    title: str
    adopted: str = ""
    until: str = ""
    holds: str = ""


def namings(state: State, library: Library, now: int, text: str = "", edition: str = "") -> list[Naming]:
    """Every contract version that names a standard.

    Args:
        state: of the business hub; not changed.
        library: its documents.
        now: the time of the question (UTC µs).
        text: part of the standard's name, in any case; "": all of them.
        edition: one edition; "": all of them.
    """
    found = [
        naming
        for record in state.contracts.values()
        for naming in _of_version(state, library, record, now)
        if text.lower() in naming.standard.lower() and edition in ("", naming.edition)
    ]
    return sorted(found, key=lambda naming: (naming.standard, naming.contract, naming.version, naming.edition))


def _of_version(state: State, library: Library, record: ContractRecord, now: int) -> Iterator[Naming]:
    template = library.template(record.sha256)
    if template is None:
        return
    process = library.document(template.process)
    technique = process if isinstance(process, SmartSP) else None
    texts = dict.fromkeys((*template.standards, *(() if technique is None else technique.standards)))
    for needed in () if technique is None else technique.requires:
        yield _naming(state, record, template.title, needed.standard, needed.edition, now)
    for text in texts:
        yield _naming(state, record, template.title, text, "", now)


def _naming(state: State, record: ContractRecord, title: str, standard: str, edition: str, now: int) -> Naming:
    adopted = state.standards.get(standard)
    in_force = adopted is not None and adopted.edition == edition and now <= adopted.until
    return Naming(
        standard=standard,
        edition=edition,
        contract=record.contract,
        version=record.version,
        status="stopped" if record.suspended else record.status,
        title=title,
        adopted="" if adopted is None else adopted.edition,
        until="" if adopted is None else moment(adopted.until),
        holds="" if not edition else "yes" if in_force else "no",
    )
