"""What is wrong with a contract beyond its order and its steps: what it yields, its authority matrix, its pay.

The documents that a SmartClientPO names (technique, SmartQA, SmartPay) are proposed with it and pinned as one; `bundled` finds
them by hash. `holdgate.law.completeness` says what is missing in template and technique.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeVar

from msgspec.structs import replace

from holdgate.law.contract import Document, SmartClientPO, SmartPay, SmartQA, SmartSP, read_document
from holdgate.law.gates.nonconformances import MATRIX
from holdgate.law.sources import source_faults
from holdgate.law.state import BECOMES
from holdgate.law.yields import YIELDABLE
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import RETENTION_YEARS_MAX

T = TypeVar("T", SmartClientPO, SmartSP, SmartQA, SmartPay)

SUBJECTS: Final = {
    "part": (),
    "equipment": ("calibration",),
    "person": ("credential",),
    "batch": ("batch",),
    "standard": ("standard",),
    "document": ("document",),
}
"""What can be true of which subject."""


class Bundle(NamedTuple):
    """A contract with everything that it names."""

    template: SmartClientPO
    technique: SmartSP
    quality: SmartQA | None = None
    pay: SmartPay | None = None

    @property
    def terms(self) -> SmartClientPO:
        """The order template with the bonus rules that hold for its orders, wherever they are written."""
        return self.template if self.pay is None else replace(self.template, payouts=self.pay.payouts)

    @property
    def documents(self) -> tuple[Document, ...]:
        """All of it, the order template first."""
        return tuple(document for document in self if document is not None)


def bundled(sha256: str, find: Callable[[str], bytes | None]) -> Bundle:
    """Read a contract and what it names.

    Args:
        sha256: of the order template.
        find: raw (untrusted) bytes by SHA-256; None where there are none.

    Raises:
        Malformed: a document that cannot be read, is missing, or is of another family than it is named as.
    """
    template = _read(sha256, find, SmartClientPO, "the order template")
    return Bundle(
        template=template,
        technique=_read(template.process, find, SmartSP, "the technique"),
        quality=None if not template.quality else _read(template.quality, find, SmartQA, "the SmartQA"),
        pay=None if not template.pay else _read(template.pay, find, SmartPay, "the SmartPay"),
    )


def _read(sha256: str, find: Callable[[str], bytes | None], kind: type[T], what: str) -> T:
    raw = find(sha256)
    if raw is None:
        raise Malformed(f"{what} did not come with the proposal")
    document = read_document(raw)
    if not isinstance(document, kind):
        raise Malformed(f"{what} is a {type(document).__name__}")
    return document


def bundle_faults(bundle: Bundle) -> Iterator[str]:
    """What is missing or contradicts itself in what a contract yields, in its authority matrix, its pay and its sources.

    The bonus rules of a SmartPay are looked at with the money of `Bundle.terms`.
    """
    yield from _yields(bundle.technique)
    if bundle.quality is not None:
        yield from _quality(bundle.quality)
    if bundle.pay is not None:
        yield from _pay(bundle.template, bundle.pay)
    for document in bundle.documents:
        yield from source_faults(document)
        if not 0 <= document.retention_years <= RETENTION_YEARS_MAX:
            years = document.retention_years
            yield f"evidence is kept for {years} years; 1 to {RETENTION_YEARS_MAX} can be asked for, 0 leaves it open"


def _yields(technique: SmartSP) -> Iterator[str]:
    possible = SUBJECTS.get(technique.subject)
    if possible is None:
        yield f"there is no subject {technique.subject!r}; known are {', '.join(SUBJECTS)}"
        return
    for item in technique.yields:
        if item.fact not in YIELDABLE or item.fact not in possible:
            yield f"a {technique.subject} does not yield {item.fact!r}"
        if item.valid_s <= 0:
            yield f"the {item.fact} is valid for {item.valid_s} s"
        if item.fact == "credential" and not item.name:
            yield "the credential that is yielded has no name"
    if technique.subject != "part" and not technique.yields:
        yield f"it is about a {technique.subject} and yields nothing"
    for needed in technique.requires:
        if not needed.standard.strip() or not needed.edition.strip():
            yield "a standard is required without its name or its edition"


def _quality(quality: SmartQA) -> Iterator[str]:
    known = {authority.disposition for authority in MATRIX}
    for authority in quality.dispositions:
        if authority.disposition not in known:
            yield f"there is no disposition {authority.disposition!r}"
        if not authority.roles:
            yield f"nobody may decide {authority.disposition}"
        if "technician" in authority.roles or "ai" in authority.roles or "module" in authority.roles:
            yield f"who works or computes may not decide {authority.disposition}"
        if BECOMES.get(authority.disposition) == "conceded" and not authority.client:
            yield f"{authority.disposition} belongs to the client, who has to co-sign it"
        if authority.disposition == "no_impact" and not authority.evidence:
            yield "that nothing was affected has to be shown: no_impact needs evidence"
    named = [authority.disposition for authority in quality.dispositions]
    for name in sorted({name for name in named if named.count(name) > 1}):
        yield f"the disposition {name} is there twice"


def _pay(template: SmartClientPO, pay: SmartPay) -> Iterator[str]:
    if template.payouts:
        yield "bonus rules stand in the order template and in its SmartPay; write them in one place"
    if pay.currency != template.currency:
        yield f"the SmartPay is in {pay.currency}, the order in {template.currency}"
    if not 0 <= pay.cap_minor <= template.price_minor:
        yield f"a job may pay out {pay.cap_minor} in all, which is not between nothing and the price"
