"""holdgate root: the keepers of a shop's root of trust sign its charter, each on a machine of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter
from msgspec.structs import asdict
from rich.console import Console
from rich.text import Text

from holdgate.adapters.new_file import put
from holdgate.cli.act_words import Row, shown_text, shown_whole
from holdgate.cli.key_files import find_key
from holdgate.cli.pin import agreed
from holdgate.crypto.envelope import Envelope, add_signature
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import key_id
from holdgate.founding import establish, merged, read_proposal
from holdgate.identity.charter import Charter, signed_by
from holdgate.terms import canon
from holdgate.terms.errors import Malformed

INDENT: Final = 12

root = App(
    name="root",
    help="Sign a new shop's charter as one of its keepers; found the shop on it.",
    result_action="return_value",
)


@root.command
def show(file: Path, /) -> int:
    """Say in words what a charter founds, who its keepers are and who of them signed.

    Parameters
    ----------
    file
        The charter, as holdgate site init drew it up.
    """
    envelope, charter = read_proposal(file)
    _tell(Console(highlight=False), envelope, charter)
    return 0


@root.command
def sign(
    file: Path,
    /,
    *,
    key: Path,
    pin_fd: Annotated[int | None, Parameter(name="--pin-fd")] = None,
    yes: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show a charter, ask whether you sign it, and add your signature to the file.

    Parameters
    ----------
    file
        The charter, as holdgate site init drew it up, or a copy of it.
    key
        The file of your key (holdgate key make).
    pin_fd
        Read the PIN from this file descriptor (a line) instead of the terminal.
    yes
        Do not ask: for a program whose person was shown the charter already.
    """
    envelope, charter = read_proposal(file)
    console = Console(highlight=False)
    _tell(console, envelope, charter)
    found = find_key(key)
    if found.public not in charter.roots:
        raise Malformed(f"{key} (key id {key_id(found.public)}) is none of this charter's roots; nothing was signed")
    if found.public in signed_by(envelope, charter):
        raise Malformed(f"{key} signed this charter already; another keeper is wanted now")
    if not agreed("Found this shop with your signature?", yes=yes):
        console.print("Not signed.")
        return 1
    signed = add_signature(envelope, key_id(found.public), found.open(pin_fd))
    put(file, canon.encode(signed))
    console.print(Text(f"Signed. {_still(len(signed.signatures), charter)}"), soft_wrap=True)
    return 0


@root.command(name="found")
def found_on(directory: Path, /, *signed: Path) -> int:
    """Found the shop whose charter was drawn up in a directory, once enough of its keepers signed.

    Parameters
    ----------
    directory
        Where holdgate site init drew the charter up.
    signed
        The charter as its keepers signed it: one file that went from hand to hand, or a copy from each.
    """
    charter = establish(directory, merged(directory, signed))
    console = Console(highlight=False)
    console.print(Text.assemble((charter.org, "bold"), f" is founded in {directory}."), soft_wrap=True)
    console.print(
        f"  {directory / 'trust.json'}  what an auditor must trust: give a copy to somebody outside",
        soft_wrap=True,
        markup=False,
    )
    console.print(f"One machine: holdgate up {directory}", soft_wrap=True, markup=False)
    return 0


def _tell(console: Console, envelope: Envelope, charter: Charter) -> None:
    for head, said in _rows(envelope, charter):
        console.print(Text.assemble((f"{head:<{INDENT}}", "dim"), said), soft_wrap=True)


def _rows(envelope: Envelope, charter: Charter) -> Iterator[Row]:
    """Everything that a charter says."""
    yield "founds", shown_text(charter.org)
    for name, value in asdict(charter.settings).items():
        yield "settings" if name == "name" else "", f"{name}: {shown_whole(name, value)}"
    for position, seat in enumerate(charter.sites):
        area = f", area {shown_text(seat.area)}" if seat.area else ""
        yield (
            "sites" if not position else "",
            f"{shown_text(seat.id)}: {shown_text(seat.kind)}, log {shown_text(seat.origin)}{area}",
        )
        yield "", f"  key {shown_whole('key', seat.key)}"
        if seat.sealing_key is not None:
            yield "", f"  orders are sealed to {seat.sealing_key.hex()}"
    for position, founder in enumerate(charter.founders):
        stands = "".join(
            f", {what} {shown_text(text)}" for what, text in (("in", founder.zone), ("at", founder.node)) if text
        )
        who = f"{shown_text(founder.id)}: {shown_text(founder.name)} ({shown_text(founder.org)})"
        yield (
            "founders" if not position else "",
            f"{who}, {shown_text(founder.kind)}{stands}, {shown_whole('roles', founder.roles)}",
        )
        yield "", f"  key {shown_whole('key', founder.key)}"
    signed = signed_by(envelope, charter)
    for position, public in enumerate(charter.roots):
        did = "[signed]" if public in signed else "[has not signed yet]"
        yield "roots" if not position else "", f"{shown_whole('key', public)}  {did}"
    yield "", _still(len(signed), charter)
    yield "digest", digest(envelope.payload)


def _still(signed: int, charter: Charter) -> str:
    return f"{signed} of {len(charter.roots)} signed; {charter.threshold} have to."
