"""ACH files as Nacha lays them out: lines of 94 characters, read strictly, with every count, hash and total recomputed.

For files of one's own as for those of a bank. Own code: of the libraries on PyPI, those with users rest since 2014 (`ach`) and
2019 (`carta-ach`), and what is newer was never released as stable.

Source: Nacha Operating Rules, appendices 1 (ACH file exchange) and 3 (record formats).
"""

from typing import Final

from msgspec import Struct

from holdgate.terms import limits
from holdgate.terms.errors import Malformed

LINE: Final = 94
BLOCK: Final = 10
HASH_MODULUS: Final = 10**10
_OTHER_LAYOUTS: Final = ("IAT", "ADV")
"""Entry classes with records of their own."""


class Addendum(Struct, frozen=True, kw_only=True):
    """An addenda record as it stands. `kind`: 05 remittance, 98 notification of change, 99 return."""

    line: int
    kind: str
    record: str

    @property
    def code(self) -> str:
        """Of a return (R01) or change (C01)."""
        return self.record[3:6]

    @property
    def original_trace(self) -> str:
        """The trace number of the entry that is returned or corrected."""
        return self.record[6:21]

    @property
    def corrected(self) -> str:
        """What a notification of change says is right."""
        return self.record[35:64].rstrip()

    @property
    def information(self) -> str:
        """What a return adds in words."""
        return self.record[35:79].strip()

    @property
    def payment_text(self) -> str:
        """The remittance text of a 05 record."""
        return self.record[3:83].rstrip()


class Entry(Struct, frozen=True, kw_only=True):
    """An entry detail. `routing`: of the receiving bank, 9 digits; `ident`: what the originator calls the payee or payment."""

    line: int
    code: str
    routing: str
    account: str
    amount_minor: int
    ident: str
    name: str
    trace: str
    addenda: tuple[Addendum, ...]

    @property
    def credit(self) -> bool:
        """Whether the receiver gets money (the transaction code's second digit: 1 to 4 are credits)."""
        return self.code[1] in "1234"


class Batch(Struct, frozen=True, kw_only=True):
    """A batch: who pays, of which entry class, for which day (YYMMDD)."""

    line: int
    service: str
    company: str
    company_id: str
    entry_class: str
    description: str
    effective: str
    odfi: str
    number: int
    entries: tuple[Entry, ...]


class AchFile(Struct, frozen=True, kw_only=True):
    """A file whose counts, hashes and totals were found right. `created`: YYMMDDHHMM."""

    destination: str
    origin: str
    created: str
    modifier: str
    reference: str
    batches: tuple[Batch, ...]


def routing_holds(routing: str) -> bool:
    """Whether nine digits are an ABA routing number: 3 times the 1st, 4th, 7th, 7 times the 2nd …, 1 times the 3rd … end in 0."""
    if len(routing) != 9 or not (routing.isascii() and routing.isdecimal()) or routing == "000000000":
        return False
    return sum(int(digit) * weight for digit, weight in zip(routing, (3, 7, 1) * 3, strict=True)) % 10 == 0


def read_file(raw: bytes) -> AchFile:
    """Read an ACH file.

    Args:
        raw: untrusted bytes.

    Raises:
        Malformed: not an ACH file, or a count, hash or total that does not come out; with the line.
    """
    lines = _lines(raw)
    head = lines[0]
    batches: list[Batch] = []
    at = 1
    while at < len(lines) and lines[at][0] == "5":
        batch, at = _batch(lines, at)
        batches.append(batch)
    if at >= len(lines) or lines[at][0] != "9":
        raise Malformed(
            f"line {min(at, len(lines) - 1) + 1}: here a batch or the file control has to stand; the file was cut"
        )
    after = next((i for i in range(at + 1, len(lines)) if set(lines[i]) != {"9"}), None)
    if after is not None:
        raise Malformed(f"line {after + 1}: after the file control only lines of nines may stand")
    _file_totals(lines[at], at, batches, len(lines))
    return AchFile(
        destination=head[3:13].strip(),
        origin=head[13:23].strip(),
        created=head[23:33],
        modifier=head[33],
        reference=head[86:94].strip(),
        batches=tuple(batches),
    )


def _lines(raw: bytes) -> list[str]:
    if len(raw) > limits.BANK_FILE_BYTES_MAX:
        raise Malformed(f"the ACH file has {len(raw)} bytes; {limits.BANK_FILE_BYTES_MAX} are the most")
    try:
        said = raw.decode("ascii")
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        raise Malformed(f"line {number}: an ACH file is written in ASCII") from None
    said = said.rstrip("\r\n\x1a")
    if "\n" not in said and len(said) % LINE == 0:
        lines = [said[at : at + LINE] for at in range(0, len(said), LINE)]
    else:
        lines = [line.removesuffix("\r") for line in said.split("\n")]
    if not lines or not lines[0]:
        raise Malformed("the ACH file is empty")
    if lines[0][0] != "1" or lines[0][34:40] != "094101":
        raise Malformed("line 1: no file header of an ACH file (it begins with 101 and holds 094101)")
    for at, line in enumerate(lines):
        if len(line) < LINE and line[:1] in {"1", "9"}:
            lines[at] = line.ljust(LINE)  # banks cut the blanks at the end of these two
        elif len(line) != LINE:
            raise Malformed(f"line {at + 1} has {len(line)} characters; a record of an ACH file has {LINE}")
        if not line.isprintable():
            raise Malformed(f"line {at + 1} holds control characters")
    return lines


def _batch(lines: list[str], at: int) -> tuple[Batch, int]:
    """The batch whose header stands at this index, and the index after its control record."""
    start, head = at, lines[at]
    if head[50:53] in _OTHER_LAYOUTS or head[4:10] == "IATCOR":
        raise Malformed(f"line {at + 1}: batches of {head[50:53]} have another layout and are not read")
    entries: list[Entry] = []
    at += 1
    while at < len(lines) and lines[at][0] == "6":
        entry, at = _entry(lines, at)
        entries.append(entry)
    if at >= len(lines) or lines[at][0] != "8":
        raise Malformed(
            f"line {min(at, len(lines) - 1) + 1}: here an entry, its addenda or the batch control has to stand"
        )
    batch = Batch(
        line=start + 1,
        service=head[1:4],
        company=head[4:20].strip(),
        company_id=head[40:50].strip(),
        entry_class=head[50:53],
        description=head[53:63].strip(),
        effective=head[69:75],
        odfi=head[79:87],
        number=_number(head, 87, 94, start),
        entries=tuple(entries),
    )
    _batch_totals(batch, lines[at], at)
    return batch, at + 1


def _entry(lines: list[str], at: int) -> tuple[Entry, int]:
    start, record = at, lines[at]
    if not (record[1:12].isdecimal() and routing_holds(record[3:12])):
        raise Malformed(f"line {at + 1}: {record[3:12]!r} is no routing number (its check digit does not hold)")
    amount = _number(record, 29, 39, at)
    addenda: list[Addendum] = []
    at += 1
    while at < len(lines) and lines[at][0] == "7":
        addenda.append(Addendum(line=at + 1, kind=lines[at][1:3], record=lines[at]))
        at += 1
    if (record[78] == "1") != bool(addenda):
        raise Malformed(f"line {start + 1}: the addenda indicator says {record[78]!r}, {len(addenda)} addenda follow")
    entry = Entry(
        line=start + 1,
        code=record[1:3],
        routing=record[3:12],
        account=record[12:29].strip(),
        amount_minor=amount,
        ident=record[39:54].strip(),
        name=record[54:76].strip(),
        trace=record[79:94],
        addenda=tuple(addenda),
    )
    return entry, at


def _batch_totals(batch: Batch, control: str, at: int) -> None:
    said = (
        _number(control, 4, 10, at),
        _number(control, 10, 20, at),
        _number(control, 20, 32, at),
        _number(control, 32, 44, at),
    )
    _same(said, totals(batch), at, "batch control")
    if (control[1:4], control[44:54].strip(), control[79:87]) != (batch.service, batch.company_id, batch.odfi):
        raise Malformed(f"line {at + 1}: the batch control is of another batch (service class, company or bank)")
    if _number(control, 87, 94, at) != batch.number:
        raise Malformed(f"line {at + 1}: the batch control is of another batch (its number)")


def _file_totals(control: str, at: int, batches: list[Batch], lines: int) -> None:
    each = [totals(batch) for batch in batches]
    count, entry_hash, debit, credit = (sum(column) for column in zip(*each, strict=True)) if each else (0, 0, 0, 0)
    said = (
        _number(control, 13, 21, at),
        _number(control, 21, 31, at),
        _number(control, 31, 43, at),
        _number(control, 43, 55, at),
    )
    _same(said, (count, entry_hash % HASH_MODULUS, debit, credit), at, "file control")
    if _number(control, 1, 7, at) != len(batches):
        raise Malformed(f"line {at + 1}: the file control counts {control[1:7]} batches; {len(batches)} stand here")
    blocks = -(-lines // BLOCK)
    if _number(control, 7, 13, at) != blocks:
        raise Malformed(f"line {at + 1}: the file control counts {control[7:13]} blocks; {blocks} stand here")


def totals(batch: Batch) -> tuple[int, int, int, int]:
    """Entries with addenda, entry hash, debits and credits in cents."""
    count = sum(1 + len(entry.addenda) for entry in batch.entries)
    entry_hash = sum(int(entry.routing[:8]) for entry in batch.entries) % HASH_MODULUS
    debit = sum(entry.amount_minor for entry in batch.entries if not entry.credit)
    credit = sum(entry.amount_minor for entry in batch.entries if entry.credit)
    return count, entry_hash, debit, credit


def _same(said: tuple[int, ...], found: tuple[int, ...], at: int, what: str) -> None:
    for name, a, b in zip(("entries and addenda", "entry hash", "debits", "credits"), said, found, strict=True):
        if a != b:
            raise Malformed(f"line {at + 1}: the {what} says {a} for {name}; the entries come to {b}")


def _number(record: str, start: int, end: int, at: int) -> int:
    digits = record[start:end]
    if not digits.isdecimal():
        raise Malformed(f"line {at + 1}: columns {start + 1} to {end} hold {digits!r}, not a number")
    return int(digits)
