"""holdgate root: the keepers of a shop's root of trust sign its charter, and exchange the roots, each on a machine of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter
from msgspec.structs import asdict, replace
from rich.console import Console
from rich.text import Text

from holdgate.adapters.new_file import put
from holdgate.cli.act_words import Row, shown_text, shown_whole
from holdgate.cli.key_files import find_key
from holdgate.cli.pin import agreed
from holdgate.cli.root_exchange import history, next_roots, ready, tell
from holdgate.crypto.envelope import Envelope, add_signature
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import key_id
from holdgate.founding import establish, merged, read_proposal
from holdgate.identity.charter import Charter, signed_by
from holdgate.rotating import is_exchange, read_exchange
from holdgate.terms import canon
from holdgate.terms.errors import Malformed

INDENT: Final = 12

root = App(
    name="root",
    help="Sign a new shop's charter as one of its keepers; found the shop on it; exchange roots.",
    result_action="return_value",
)
root.command(next_roots, name="next")
root.command(ready)
root.command(history)


@root.command
def show(file: Path, /) -> int:
    """Say in words what a charter founds, or which roots are exchanged; who the keepers are and who of them signed.

    Parameters
    ----------
    file
        The charter, as holdgate site init drew it up; or the exchange, as holdgate root next did.
    """
    if is_exchange(file):
        tell(Console(highlight=False), read_exchange(file))
        return 0
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
    """Show a charter, or an exchange of the roots, ask whether you sign it, and add your signature to the file.

    Parameters
    ----------
    file
        The charter, as holdgate site init drew it up; the exchange, as holdgate root next did; or a copy.
    key
        The file of your key (holdgate key make).
    pin_fd
        Read the PIN from this file descriptor (a line) instead of the terminal.
    yes
        Do not ask: for a program whose person was shown the charter already.
    """
    if is_exchange(file):
        return _sign_exchange(file, key, pin_fd, yes=yes)
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


def _sign_exchange(file: Path, key: Path, pin_fd: int | None, *, yes: bool) -> int:
    """The same for an exchange of the roots: whoever keeps one of the old or of the new ones signs."""
    drawn = read_exchange(file)
    console = Console(highlight=False)
    tell(console, drawn)
    found, envelope = find_key(key), drawn.file.document
    if found.public not in (*drawn.before.keys, *drawn.document.roots):
        raise Malformed(f"{key} (key id {key_id(found.public)}) is none of the roots, old or new; nothing was signed")
    if any(row.keyid == key_id(found.public) for row in envelope.signatures):
        raise Malformed(f"{key} signed this exchange already; another keeper is wanted now")
    if not agreed("Exchange the roots with your signature?", yes=yes):
        console.print("Not signed.")
        return 1
    signed = add_signature(envelope, key_id(found.public), found.open(pin_fd))
    put(file, canon.encode(replace(drawn.file, document=signed)))
    old, new = read_exchange(file).missing
    waits = f"{old} more of the old roots, {new} more of the new ones have to." if old or new else "Enough have signed."
    console.print(Text(f"Signed. {waits}"), soft_wrap=True)
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
