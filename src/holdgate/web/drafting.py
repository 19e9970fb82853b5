"""Drafting: a contract as its author wrote it becomes the documents that are proposed; two versions side by side."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from holdgate.crypto.hashes import digest
from holdgate.law.contract import encode_document
from holdgate.law.families import Bundle
from holdgate.query.changes import written_changes
from holdgate.query.contract_words import ContractSheet, sheet_of
from holdgate.query.faults import Fault, check
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import CONTRACT_BYTES_MAX
from holdgate.web.workshop import Difference, Workshop

KEPT: Final = 32
"""Comparisons that are kept ready."""


class Drafted(Struct, frozen=True, kw_only=True):
    """A contract that was read. `documents`: content by SHA-256, `sha256` the order template's; `faults`: what stands against it.

    `against`: the version in force that `changes` compare it with ("": none); `proven`: they are judged by proof.
    """

    faults: tuple[Fault, ...]
    contract: str = ""
    version: str = ""
    sha256: str = ""
    documents: dict[str, bytes] = {}
    sheet: ContractSheet | None = None
    against: str = ""
    changes: tuple[Difference, ...] = ()
    proven: bool = False


class Drafting:
    """Reads and compares contracts. `workshop`: None where the certifier is not installed. Its solver serves one at a time."""

    def __init__(self, workshop: Workshop | None) -> None:
        self.workshop = workshop
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[Difference, ...]] = OrderedDict()

    def read(self, text: str, beside: Mapping[str, str], held: Bundle | None) -> Drafted:
        """Read a contract. Not for the event loop.

        Args:
            text: untrusted YAML.
            beside: texts of documents that it names, by file name.
            held: the version in force of the same contract, if there is one.

        Raises:
            Unavailable: the certifier is not installed. Malformed: the texts are too long.
        """
        if self.workshop is None:
            raise Unavailable("the certifier is not installed here; propose the contract with `holdgate contract`")
        if any(len(part.encode()) > CONTRACT_BYTES_MAX for part in (text, *beside.values())):
            raise Malformed(f"a contract is at most {CONTRACT_BYTES_MAX} bytes long")

        def neighbour(name: str) -> str:
            if name not in beside:
                raise Malformed(f"the contract names {name}, which was not chosen with it")
            return beside[name]

        with self._lock:
            found = check(text, self.workshop.parse_rule, neighbour)
        if found.bundle is None:
            return Drafted(faults=found.faults)
        raws = [encode_document(document) for document in found.bundle.documents]
        template = found.bundle.template
        return Drafted(
            faults=found.faults,
            contract=template.id,
            version=template.version,
            sha256=digest(raws[0]),
            documents={digest(raw): raw for raw in raws},
            sheet=sheet_of(found.bundle),
            against="" if held is None else held.template.version,
            changes=() if held is None else self.compare(held, found.bundle),
            proven=True,
        )

    def compare(self, old: Bundle, new: Bundle) -> tuple[Difference, ...]:
        """What two versions say differently: by proof where the certifier is here, else as texts. Not for the event loop."""
        if self.workshop is None:
            return tuple(
                Difference(place=change.place, what=f"{change.old or 'none'} → {change.new or 'none'}")
                for change in written_changes(old, new)
            )
        key = (digest(encode_document(old.template)), digest(encode_document(new.template)))
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                found = self._kept[key] = tuple(self.workshop.compare(old, new))
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return found
