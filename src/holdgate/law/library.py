"""The law documents that a site holds, ready for use. Rebuilt from pinned blobs; never part of a snapshot."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from holdgate.law.contract import Document, PayoutRule, SmartClientPO, SmartPay, SmartQA, SmartSP, read_document
from holdgate.law.technique import Operation, Technique, Values, prepare, under
from holdgate.terms.errors import Tampered

Governing = TypeVar("Governing", SmartQA, SmartPay)

Blobs = Callable[[str], bytes | None]
"""Looks a pinned blob up by its SHA-256 (hex). Content is checked where it enters."""
TUNED_KEPT: Final = 1_000
"""Steps under tuned values that are kept ready."""


class Library:
    """Templates and techniques by the SHA-256 of their documents."""

    __slots__ = ("_blobs", "_documents", "_fresh", "_tuned", "techniques", "templates")

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._fresh: dict[str, bytes] = {}
        self._documents: dict[str, Document | None] = {}
        self._tuned: dict[tuple[str, str, Values], Operation] = {}
        self.techniques: dict[str, Technique] = {}
        self.templates: dict[str, SmartClientPO] = {}

    def template(self, sha256: str) -> SmartClientPO | None:
        """The order template, or None where its document is not held here."""
        found = self.templates.get(sha256)
        if found is None:
            document = self.document(sha256)
            if isinstance(document, SmartClientPO):
                found = self.templates[sha256] = document
        return found

    def technique(self, sha256: str) -> Technique | None:
        """The technique, or None where its document is not held here.

        Raises:
            Malformed: it is a draft that cannot be made ready.
        """
        found = self.techniques.get(sha256)
        if found is None:
            document = self.document(sha256)
            if isinstance(document, SmartSP):
                found = self.techniques[sha256] = prepare(document, sha256)
        return found

    def quality(self, template: SmartClientPO) -> SmartQA | None:
        """The SmartQA that an order template names, if it names one.

        Raises:
            Tampered: it names one, and the store does not hold it.
        """
        return self._governing(template.quality, SmartQA)

    def payouts(self, template: SmartClientPO) -> tuple[PayoutRule, ...]:
        """The bonus rules of an order template: of the SmartPay that it names, else its own.

        Raises:
            Tampered: it names one, and the store does not hold it.
        """
        pay = self._governing(template.pay, SmartPay)
        return template.payouts if pay is None else pay.payouts

    def cap(self, template: SmartClientPO) -> int | None:
        """The most that one job may pay out in all (minor units); None where the order names no SmartPay.

        Raises:
            Tampered: it names one, and the store does not hold it.
        """
        pay = self._governing(template.pay, SmartPay)
        return None if pay is None else pay.cap_minor

    def one_signer(self, template: SmartClientPO) -> int:
        """The most that a payment run may come to which one person signs (minor units); 0: two always sign.

        Raises:
            Tampered: the order names a SmartPay, and the store does not hold it.
        """
        pay = self._governing(template.pay, SmartPay)
        return 0 if pay is None else pay.one_signer_minor

    def _governing(self, sha256: str, kind: type[Governing]) -> Governing | None:
        if not sha256:
            return None
        found = self._documents.get(sha256)
        if found is None:
            found = self._documents[sha256] = self.document(sha256)
        if not isinstance(found, kind):
            raise Tampered(f"the {kind.__name__} {sha256[:12]} is named by a contract, but is not in the store")
        return found

    def tuned(self, technique: Technique, operation: Operation, values: Values) -> Operation:
        """The step as it is under these values (see `technique.under`), made once."""
        key = (technique.sha256, operation.id, values)
        found = self._tuned.get(key)
        if found is None:
            if len(self._tuned) >= TUNED_KEPT:
                self._tuned.clear()
            found = self._tuned[key] = under(operation, values)
        return found

    def admit(self, blobs: Mapping[str, bytes]) -> None:
        """Make blobs known that are pinned by an entry which is not durable yet."""
        self._fresh.update(blobs)

    def settle(self, blobs: Mapping[str, bytes]) -> None:
        """Forget what was admitted: it is in the store now."""
        for sha256 in blobs:
            self._fresh.pop(sha256, None)

    def document(self, sha256: str) -> Document | None:
        """A document as it was signed, or None where it is not held here.

        Raises:
            Malformed: what is held under this digest is no contract document.
        """
        raw = self.blob(sha256)
        return None if raw is None else read_document(raw)

    def blob(self, sha256: str) -> bytes | None:
        """A pinned blob as it is."""
        fresh = self._fresh.get(sha256)
        return self._blobs(sha256) if fresh is None else fresh


def require_documents(library: Library, template_sha256: str) -> None:
    """The documents of a version are held here, complete or not: a draft needs nothing more.

    Raises:
        Tampered: the log speaks of a document that the store does not hold.
    """
    template = library.template(template_sha256)
    if template is None or library.blob(template.process) is None:
        raise Tampered(f"the contract {template_sha256[:12]} is on the record, but its document is not in the store")


def require_technique(library: Library, template_sha256: str) -> Technique:
    """The technique behind an order's template.

    Raises:
        Tampered: the log speaks of a document that the store does not hold.
    """
    template = library.template(template_sha256)
    technique = None if template is None else library.technique(template.process)
    if technique is None:
        raise Tampered(f"the contract {template_sha256[:12]} is on the record, but its document is not in the store")
    return technique
