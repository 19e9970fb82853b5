"""holdgate order: what a buyer's purchase orders lack, and the acts that would stage them."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.text import Text

from holdgate.adapters.new_file import write_new
from holdgate.cli.standing import moment_of, open_standing
from holdgate.ordering import read_order_file
from holdgate.query.order_draft import OrderDraft, order_draft
from holdgate.query.order_files import TEMPLATE, FileLine, OrderFile
from holdgate.query.order_look import PRESENT, Item, desk_of
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import ORDER_FILE_BYTES_MAX

FAILED = 1
STATUS_WIDTH: Final = 12

order = App(
    name="order",
    help="Read purchase orders: what they lack, and the acts that would stage them.",
    result_action="return_value",
)


@order.command
def template(*, out: Path | None = None) -> int:
    """Write the head of an order table (CSV): one line below it is one order.

    Parameters
    ----------
    out
        A new file; none: it is printed.
    """
    if out is None:
        sys.stdout.write(TEMPLATE)
    else:
        write_new(out, TEMPLATE.encode())
    return 0


@order.command(name="import")
def import_(
    file: Path,
    /,
    *,
    data: Path,
    take: tuple[int, ...] = (),
    out: Path | None = None,
    at: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Read a file of purchase orders (CSV or UBL 2.1) and print each one's contract-review checklist. Nothing is recorded.

    Parameters
    ----------
    file
        A table as holdgate order template heads it, or a UBL Order.
    data
        The shop's directory.
    take
        A line to take although another one is faulty; once for each. Without it nothing is taken of a faulty file.
    out
        A new folder for the acts of every order that nothing stops: ORDER.ACT.json each, for holdgate act prepare --fields.
    at
        Another moment than now, such as 2026-04-01T13:00:00Z.
    json
        One JSON document.
    """
    raw = _read(file)
    with open_standing(data) as standing:
        found = read_order_file(raw, standing.state.charter.settings.tz)
        desk = desk_of(standing.state, standing.library, moment_of(at))
        taken = found.taken(take)
        drafts = [order_draft(one.read, desk, found.file) for one in taken if one.read is not None]
    written = _write(out, drafts) if out is not None else 0
    if json:
        document = {"file": found.file, "kind": found.kind, "sound": found.sound, "refused": _refused(found)}
        sys.stdout.write(msgspec.json.encode({**document, "drafts": drafts, "written": written}).decode() + "\n")
    else:
        _tell(Console(highlight=False), found, taken, drafts, written if out is not None else None)
    return 0 if found.sound and drafts and not any(draft.stops for draft in drafts) else FAILED


def _read(file: Path) -> bytes:
    with file.open("rb") as source:
        raw = source.read(ORDER_FILE_BYTES_MAX + 1)
    if len(raw) > ORDER_FILE_BYTES_MAX:
        raise Malformed(f"{file} has more than {ORDER_FILE_BYTES_MAX} bytes; split it")
    return raw


def _refused(found: OrderFile) -> list[FileLine]:
    return [line for line in found.lines if line.read is None]


def _write(out: Path, drafts: list[OrderDraft]) -> int:
    """The acts' fields, a file each; how many."""
    try:
        out.mkdir()
    except FileExistsError:
        raise Malformed(f"{out} is there already; name a new folder") from None
    acts = [(draft.order, act) for draft in drafts for act in draft.acts]
    for name, act in acts:
        fields: dict[str, Any] = act.fields
        write_new(out / f"{name}.{act.act}.json", msgspec.json.format(msgspec.json.encode(fields)) + b"\n")
    return len(acts)


def _tell(
    console: Console,
    found: OrderFile,
    taken: tuple[FileLine, ...],
    drafts: list[OrderDraft],
    written: int | None,
) -> None:
    for line in _refused(found):
        for fault in line.faults:
            where = f"line {line.number}" + (f", column {fault.column}" if fault.column else "")
            console.print(
                Text.assemble((f"{where}: ", "yellow"), f"{fault.what}. To mend it: {fault.do}."), soft_wrap=True
            )
    for one, draft in zip(taken, drafts, strict=True):
        console.print(
            Text.assemble((f"line {one.number}  ", "dim"), (draft.order or "no number", "bold")), soft_wrap=True
        )
        for item in draft.items:
            console.print(_row(item), soft_wrap=True)
            if item.asks:
                console.print(Text(f"{'':<{STATUS_WIDTH + 4}}{item.asks}", style="dim"), soft_wrap=True)
        for rest in draft.unmapped:
            said = f"{rest.path}: {rest.value or '(not kept)'}"
            console.print(Text(f"  {'not taken':<{STATUS_WIDTH}}  {said}", style="dim"), soft_wrap=True)
        console.print(_verdict(draft), soft_wrap=True)
    if not found.sound and not drafts:
        sound = [str(line.number) for line in found.lines if line.read is not None]
        more = f" To take sound lines nevertheless: --take {sound[0]}." if sound else ""
        console.print(f"Nothing is taken of this file before every line is right.{more}", style="yellow")
    if written is not None:
        console.print(f"{written} acts were written; nothing is signed or recorded.")


def _row(item: Item) -> Text:
    style = "" if item.status == PRESENT else "yellow" if item.stops else "cyan"
    return Text.assemble("  ", (f"{item.status:<{STATUS_WIDTH}}", style), f"  {item.label}: {item.says}")


def _verdict(draft: OrderDraft) -> Text:
    if draft.stops:
        names = ", ".join(dict.fromkeys(item.label for item in draft.stops))
        return Text(f"  Staging waits for: {names}.", style="yellow")
    return Text("  Nothing stops staging. Still to sign: terms by the client or a review by two, then staging.")
