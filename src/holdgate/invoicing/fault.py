"""What is wrong with an invoice: a rule's id, and a sentence that says what to do."""

from msgspec import Struct
from typing_extensions import override


class Fault(Struct, frozen=True, gc=False):
    """One unmet rule. `rule`: of ours (`HG-…`), of EN 16931 (`BR-…`), or of a document's schema (`XSD`)."""

    rule: str
    sentence: str

    @override
    def __str__(self) -> str:
        return f"{self.rule}: {self.sentence}"
