"""Drafts over the API: an author's text goes in; documents, faults and what it changes come out. Nothing is proposed yet."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from holdgate.law.families import Bundle, bundled
from holdgate.terms.limits import CONTRACT_BYTES_MAX, DRAFT_BYTES_MAX, DRAFT_FILES_MAX
from holdgate.web.asker import Asker
from holdgate.web.drafting import Drafted, Drafting
from holdgate.web.face import Face
from holdgate.web.operation import Call, Operation


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contract as it is written. `text`: of the SmartClientPO; `beside`: texts of documents that it names, by file name."""

    text: Annotated[str, Meta(max_length=CONTRACT_BYTES_MAX)]
    beside: Annotated[
        dict[str, Annotated[str, Meta(max_length=CONTRACT_BYTES_MAX)]], Meta(max_length=DRAFT_FILES_MAX)
    ] = {}


def author(asker: Asker) -> bool:
    """Who proposes contracts."""
    return asker.staff and asker.holds("author", "level3")


class Drafts:
    """Drafts at the business hub."""

    def __init__(self, drafting: Drafting) -> None:
        self._drafting = drafting

    async def read(self, call: Call) -> Drafted:
        """Read a contract: faults, documents, and what it changes."""
        found = await asyncio.to_thread(self._drafting.read, call.body.text, call.body.beside, None)
        held = in_force(call.face, found.contract)
        if held is None or not found.documents:
            return found
        return await asyncio.to_thread(self._drafting.read, call.body.text, call.body.beside, held)

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        row = Operation(
            "POST",
            "/api/drafts",
            "Read a contract",
            self.read,
            Drafted,
            body=Draft,
            who=author,
            kinds=("business_hub",),
            most=DRAFT_BYTES_MAX,
        )
        return (row,)


def in_force(face: Face, contract: str) -> Bundle | None:
    """The version of a contract that is in force."""
    sha256 = face.state.in_force.get(contract)
    return None if sha256 is None else bundled(sha256, face.library.blob)
