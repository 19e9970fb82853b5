"""Imports: what a table of people, equipment, materials or standards would change, row by row; and the acts that would do it.

Nothing is recorded and nothing is decided here. Each row is compared with the registers: it is there already, it
differs, or it is new. Each act that comes of it is put before the same `decide` that will judge it, so that a dry run says
what the law will say. Who imports and who approves are two people; both sign every act, and each act names the file
(SHA-256) that it came from.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from msgspec import Struct

from holdgate.crypto.signatures import ED25519, WEBAUTHN, kind_of
from holdgate.law import command as c
from holdgate.law.decide import decide
from holdgate.law.denial import remedy, sentence
from holdgate.law.gates.people import ROLES
from holdgate.law.library import Library
from holdgate.law.offers_registers import NEW_KEY
from holdgate.law.signers import OFFICERS
from holdgate.law.state import State
from holdgate.query.words import moment
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id

NEW: Final = "new"
SAME: Final = "there already"
CHANGED: Final = "changed"
FAULTY: Final = "cannot be taken"

ToInstant = Callable[[str], int]
"""A date or time as a person writes it to an instant (UTC µs); raises Malformed."""


class Line(Protocol):
    """One row of a table: its line in the file, its cells by column, what was wrong with them as text."""

    @property
    def number(self) -> int:
        """Its line in the file."""
        ...

    @property
    def cells(self) -> dict[str, str]:
        """Its cells by column."""
        ...

    @property
    def faults(self) -> tuple[tuple[str, str, str], ...]:
        """Column, what is wrong with it as text, and what to do."""
        ...


class Fault(Struct, frozen=True, kw_only=True):
    """What is wrong with a row. `column` "": with the row as a whole. `do`: what to do about it."""

    column: str
    what: str
    do: str


class Draft(Struct, frozen=True, kw_only=True):
    """An act that is ready but for its signatures (and the signers' own time).

    `signers`: (SMART-ID, role), the importer first; those of them in `passkeys` sign with one. `asks`: fields that somebody
    still fills in. `remains`: what is left to do before it can be signed ("": nothing).
    """

    act: str
    row: int
    nonce: str
    fields: dict[str, Any]
    signers: tuple[tuple[str, str], ...]
    asks: tuple[str, ...] = ()
    remains: str = ""
    passkeys: tuple[str, ...] = ()


class Outcome(Struct, frozen=True, kw_only=True):
    """One row. `status`: new, there already, changed, cannot be taken. `says`: in words."""

    row: int
    id: str
    status: str
    says: str
    faults: tuple[Fault, ...] = ()


class Dates(NamedTuple):
    """How days become instants in the shop's zone: a validity ends with its day, a calibration begins with it."""

    end: ToInstant
    begin: ToInstant


class Import(Struct, frozen=True, kw_only=True):
    """What a table would change. `file`: SHA-256 of its bytes."""

    kind: str
    file: str
    rows: tuple[Outcome, ...]
    drafts: tuple[Draft, ...]

    @property
    def sound(self) -> bool:
        """Whether every row can be taken."""
        return all(row.status != FAULTY for row in self.rows)


class Desk(NamedTuple):
    """Before whom the rows lie: the hub's state and documents, who imports, who approves, the time, the file's digest."""

    state: State
    library: Library
    importer: str
    approver: str
    now: int
    file: str
    dates: Dates


class _Refused(Exception):  # a row's fault on its way to the row
    """A cell that cannot be read."""

    def __init__(self, column: str, what: str, do: str) -> None:
        super().__init__(what)
        self.fault = Fault(column=column, what=what, do=do)


class _Act(Struct, frozen=True):
    """An act in the making.

    `others`: more signers. `stand_in`: fields that are still asked for, as the dry run fills them in. `waits`: it cannot be
    tried before another act of the file took effect.
    """

    act: type[c.Command]
    fields: dict[str, Any]
    others: tuple[tuple[str, str], ...] = ()
    stand_in: dict[str, Any] = {}
    remains: str = ""
    waits: bool = False


Found = tuple[str, str, str, list[_Act]]
"""Id, status, words, acts."""


class Cells:
    """The cells of a row, read as what they should be."""

    def __init__(self, line: Line, dates: Dates) -> None:
        self.number = line.number
        self._cells = line.cells
        self._dates = dates

    def text(self, column: str, default: str | None = None) -> str:
        """A text; a default where the cell may be empty."""
        value = self._cells.get(column, "")
        if value:
            return value
        if default is None:
            raise _Refused(column, "the cell is empty", "fill it in")
        return default

    def id(self, column: str) -> str:
        """An id of our grammar."""
        value = self.text(column)
        try:
            return check_id(value, column)
        except Malformed:
            do = "use A-Z a-z 0-9 . _ - and no blanks, at most 64 characters, a letter or digit first"
            raise _Refused(column, f"{value[:40]!r} is no id", do) from None

    def yes(self, column: str, default: bool | None = None) -> bool:
        """A yes or a no."""
        value = self.text(column, None if default is None else "yes" if default else "no").lower()
        if value not in _YES:
            raise _Refused(column, f"{value[:40]!r} is neither yes nor no", "write yes or no")
        return _YES[value]

    def last(self, column: str) -> int:
        """A last day or moment of validity."""
        return self._instant(column, self._dates.end)

    def first(self, column: str) -> int:
        """A first day or moment."""
        return self._instant(column, self._dates.begin)

    def _instant(self, column: str, read: ToInstant) -> int:
        value = self.text(column)
        try:
            return read(value)
        except Malformed:
            do = "write the day as 2026-04-30, or a time as 2026-04-30T13:00:00Z"
            raise _Refused(column, f"{value[:40]!r} is no day", do) from None

    def has(self, column: str) -> bool:
        """Whether the cell says anything."""
        return bool(self._cells.get(column))


_YES: Final = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}


class _Kind(NamedTuple):
    """A kind of table: the columns that it must and may have, and how a row is compared."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    compare: Callable[["_Table", Cells], Found]


def read_table(kind: str, columns: Sequence[str], lines: Iterable[Line], desk: Desk) -> Import:
    """What a table would change.

    Args:
        kind: people, equipment, materials or standards.
        columns: of the table.
        lines: its rows; untrusted.
        desk: before whom.

    Raises:
        Malformed: there is no such kind, a column is missing or unknown, or importer and approver cannot sign.
    """
    found = KINDS.get(kind)
    if found is None:
        raise Malformed(f"{kind[:40]!r} cannot be imported; there are {', '.join(KINDS)}")
    missing = [name for name in found.required if name not in columns]
    if missing:
        raise Malformed(f"the column {missing[0]!r} is missing; a table of {kind} has {', '.join(found.required)}")
    unknown = [name for name in columns if name not in (*found.required, *found.optional)]
    if unknown:
        known = ", ".join((*found.required, *found.optional))
        raise Malformed(f"the column {unknown[0][:80]!r} is not known; take it out or rename it. Known are {known}")
    _check_signers(desk)
    table = _Table(kind, desk)
    rows = tuple(table.row(line, found.compare) for line in lines)
    return Import(kind=kind, file=desk.file, rows=rows, drafts=tuple(table.drafts))


def _check_signers(desk: Desk) -> None:
    if desk.importer == desk.approver:
        raise Malformed("who imports and who approves are two people; name another approver")
    for who in (desk.importer, desk.approver):
        identity = desk.state.identities.get(who)
        if identity is None or identity.disabled_at is not None or identity.kind != "person":
            raise Malformed(f"{who[:80]} is no person who is enrolled and in force at {desk.state.site}")


class _Table:
    """A table being read: what was seen so far, and the drafts."""

    def __init__(self, kind: str, desk: Desk) -> None:
        self.kind = kind
        self.desk = desk
        self.drafts: list[Draft] = []
        self.seen: dict[str, int] = {}
        self.newcomers: dict[str, tuple[object, ...]] = {}

    def row(self, line: Line, compare: Callable[["_Table", Cells], Found]) -> Outcome:
        """One row."""
        if line.faults:
            faults = tuple(Fault(column=column, what=what, do=do) for column, what, do in line.faults)
            return Outcome(row=line.number, id="", status=FAULTY, says=faults[0].what, faults=faults)
        try:
            key, status, says, acts = compare(self, Cells(line, self.desk.dates))
            made = [self._draft(line.number, key, act) for act in acts]
        except _Refused as refused:
            fault = refused.fault
            return Outcome(row=line.number, id="", status=FAULTY, says=fault.what, faults=(fault,))
        self.drafts += made
        return Outcome(row=line.number, id=key, status=status, says=says)

    def once(self, key: str, number: int, column: str) -> None:
        """A key stands in one row of the file only."""
        before = self.seen.setdefault(key, number)
        if before != number:
            raise _Refused(column, f"row {before} names {key} too", "keep one of the two rows")

    def _draft(self, number: int, key: str, made: _Act) -> Draft:
        """The act with its signers; what the law would refuse is a fault of the row."""
        desk = self.desk
        tag = str(made.act.__struct_config__.tag)
        signers = (
            (desk.importer, self._role(desk.importer, ROLES.get(made.act, ()), tag)),
            (desk.approver, self._role(desk.approver, OFFICERS, "approve an import")),
            *made.others,
        )
        draft = Draft(
            act=tag,
            row=number,
            nonce=f"import-{desk.file[:16]}-{number}-{tag}",
            fields=made.fields,
            signers=signers,
            passkeys=tuple(who for who, _ in signers if self._has_passkey(who)),
            asks=tuple(made.stand_in),
            remains=made.remains,
        )
        if not made.waits:
            command = command_of(draft, desk.state.site, desk.now, made.stand_in)
            denials = decide(desk.state, desk.library, command, desk.now).denials
            if denials:
                raise _Refused("", sentence(denials[0]), remedy(denials[0]))
        return draft

    def _has_passkey(self, who: str) -> bool:
        identity = self.desk.state.identities.get(who)
        return identity is not None and kind_of(identity.key) == WEBAUTHN

    def _role(self, who: str, needed: tuple[str, ...], what: str) -> str:
        held = self.desk.state.identities[who].roles
        role = next((role for role in needed if role in held), None)
        if role is None:
            raise _Refused("", f"{who} may not {what}", f"let somebody do it who is {' or '.join(needed)}")
        return role


def command_of(draft: Draft, site: str, at: int, filled: dict[str, Any] | None = None) -> c.AnyCommand:
    """The act of a draft as it is signed.

    Args:
        draft: from an import.
        site: the business hub.
        at: the signers' own time (UTC µs).
        filled: fields that were still asked for.
    """
    head: dict[str, Any] = {"site": site, "at": at, "nonce": draft.nonce}
    signers = tuple(
        c.Signer(id=smart_id, role=role, kind=WEBAUTHN if smart_id in draft.passkeys else ED25519)
        for smart_id, role in draft.signers
    )
    command: c.AnyCommand = c.ACTS[draft.act](**head, signers=signers, **draft.fields, **(filled or {}))  # type: ignore[assignment]
    return command


# ---- the kinds of tables -------------------------------------------------------------------------------------------


def _people(table: _Table, row: Cells) -> Found:
    """A person (device, module), and one qualification of theirs where the row names one."""
    key, state = row.id("id"), table.desk.state
    roles = tuple(role for role in row.text("roles").replace("|", " ").replace("/", " ").split())
    org, kind = row.text("org", state.charter.org), row.text("kind", "person")
    zone, node = row.text("zone", "") or None, row.text("node", "") or None
    said = (row.text("name"), org, kind, roles, zone, node)
    known = state.identities.get(key)
    acts: list[_Act] = []
    if known is not None:
        status, says = _compared(
            [
                (name, str(old), str(new))
                for name, old, new in zip(
                    _PERSON,
                    (known.name, known.org, known.kind, " ".join(known.roles), known.zone or "-", known.node or "-"),
                    (said[0], org, kind, " ".join(roles), zone or "-", node or "-"),
                    strict=True,
                )
            ],
            f"{key} is enrolled",
        )
        if status == CHANGED:
            do = "an enrolment is not edited: de-authorise it and enrol the person under another id, or mend the row"
            raise _Refused("id", f"{key} is enrolled otherwise: {says}", do)
    elif key in table.newcomers:
        if table.newcomers[key] != said:
            raise _Refused("id", f"another row says something else of {key}", "say the same in every row of a person")
        status, says = SAME, f"{key} is asked for by an earlier row"
    else:
        table.newcomers[key] = said
        status, says = NEW, f"an enrolment is asked for {key}"
        acts.append(_enrolment(key, said, table.desk.file))
    if row.has("credential"):
        more, act = _credential(table, row, key, waits=known is None)
        says = f"{says}; {more}"
        if act is not None:
            status = NEW if status == SAME else status
            acts.append(act)
    return key, status, says, acts


_PERSON: Final = ("name", "org", "kind", "roles", "zone", "node")


def _enrolment(key: str, said: tuple[Any, ...], file: str) -> _Act:
    name, org, kind, roles, zone, node = said
    fields: dict[str, Any] = {"id": key, "name": name, "org": org, "kind": kind, "roles": roles}
    fields["from_file"] = file
    fields |= {name: value for name, value in (("zone", zone), ("node", node)) if value is not None}
    remains = f"{key} makes a key on their own device, fills it in as `key`, and signs too"
    return _Act(c.EnrolIdentity, fields, ((key, "newcomer"),), {"key": NEW_KEY}, remains)


def _credential(table: _Table, row: Cells, person: str, *, waits: bool) -> tuple[str, _Act | None]:
    name, until, evidence = row.id("credential"), row.last("valid_to"), row.text("evidence")
    table.once(f"{person} {name}", row.number, "credential")
    known = table.desk.state.identities.get(person)
    held = None if known is None else known.credentials.get(name)
    if held is not None and held.revoked_at is None and held.until == until:
        return f"{name} is held until {moment(until)}", None
    fields = {"person": person, "credential": name, "until": until, "evidence": evidence, "from_file": table.desk.file}
    remains = f"the enrolment of {person} comes first" if waits else ""
    says = f"{name} until {moment(until)}" + (f" (was {moment(held.until)})" if held is not None else "")
    return says, _Act(c.GrantCredential, fields, remains=remains, waits=waits)


def _equipment(table: _Table, row: Cells) -> Found:
    key, kind = row.id("id"), row.text("class")
    begin, until = row.first("calibrated"), row.last("due")
    in_service = row.yes("in_service", default=True)
    table.once(key, row.number, "id")
    if until < begin:
        raise _Refused("due", "it is due before it was calibrated", "correct one of the two days")
    known = table.desk.state.equipment.get(key)
    if known is None:
        fields: dict[str, Any] = {"id": key, "equipment_class": kind, "cal_from": begin, "cal_until": until}
        fields |= {"in_service": in_service, "from_file": table.desk.file}
        return key, NEW, f"{key} is registered as {kind}, due {moment(until)}", [_Act(c.RegisterEquipment, fields)]
    if known.equipment_class != kind:
        do = "an instrument keeps its class: register it under another id, or mend the row"
        raise _Refused("class", f"{key} is registered as {known.equipment_class}, not as {kind}", do)
    if known.in_service != in_service:
        do = "a check (equipment.check) takes it out of service, a calibration puts it back; mend the row"
        raise _Refused("in_service", f"{key} is {'in' if known.in_service else 'out of'} service", do)
    if known.cal_until == until:
        return key, SAME, f"{key} is registered, due {moment(until)}", []
    recalibrated = {"id": key, "until": until, "as_found": row.text("as_found"), "certificate": row.text("certificate")}
    says = f"{key} was due {moment(known.cal_until)}; a calibration makes it {moment(until)}"
    return key, CHANGED, says, [_Act(c.CalibrateEquipment, {**recalibrated, "from_file": table.desk.file})]


def _materials(table: _Table, row: Cells) -> Found:
    key, kind, until = row.id("batch"), row.text("kind"), row.last("expiry")
    approved = row.yes("approved")
    table.once(key, row.number, "batch")
    known = table.desk.state.materials.get(key)
    if known is None:
        fields = {"batch": key, "material_kind": kind, "until": until, "approved": approved}
        act = _Act(c.RegisterMaterial, {**fields, "from_file": table.desk.file})
        return key, NEW, f"batch {key} ({kind}) is registered until {moment(until)}", [act]
    if known.material_kind != kind or known.approved != approved:
        said = f"{known.material_kind}, {'approved' if known.approved else 'not approved'}"
        raise _Refused("kind", f"batch {key} is registered as {said}", "a batch stays what it is; mend the row")
    if known.until == until:
        return key, SAME, f"batch {key} is registered until {moment(until)}", []
    extended = {"batch": key, "until": until, "evidence": row.text("evidence"), "from_file": table.desk.file}
    says = f"batch {key} ended {moment(known.until)}; its shelf life is extended to {moment(until)}"
    return key, CHANGED, says, [_Act(c.ExtendMaterial, extended)]


def _standards(table: _Table, row: Cells) -> Found:
    standard, edition, until = row.text("standard"), row.text("edition"), row.last("valid_to")
    table.once(standard, row.number, "standard")
    if row.has("in_force_from") and row.first("in_force_from") > table.desk.now:
        do = "an adoption holds from its signatures on: import this row on that day"
        raise _Refused("in_force_from", f"{edition} is not in force yet", do)
    known = table.desk.state.standards.get(standard)
    if known is not None and (known.edition, known.until) == (edition, until):
        return standard, SAME, f"{standard} {edition} is in force until {moment(until)}", []
    fields = {"standard": standard, "edition": edition, "until": until, "evidence": row.text("evidence")}
    act = _Act(c.AdoptStandard, {**fields, "from_file": table.desk.file})
    if known is None:
        return standard, NEW, f"{standard} {edition} is adopted until {moment(until)}", [act]
    says = f"{standard} {edition} takes the place of {known.edition}, until {moment(until)}"
    return standard, CHANGED, says, [act]


def _compared(cells: list[tuple[str, str, str]], there: str) -> tuple[str, str]:
    other = [f"{name} is {old}, the row says {new}" for name, old, new in cells if old != new]
    return (CHANGED, "; ".join(other)) if other else (SAME, there)


KINDS: Final[dict[str, _Kind]] = {
    "people": _Kind(
        ("id", "name", "roles"), ("org", "kind", "zone", "node", "credential", "valid_to", "evidence"), _people
    ),
    "equipment": _Kind(("id", "class", "calibrated", "due"), ("in_service", "as_found", "certificate"), _equipment),
    "materials": _Kind(("batch", "kind", "expiry", "approved"), ("evidence",), _materials),
    "standards": _Kind(("standard", "edition", "valid_to", "evidence"), ("in_force_from",), _standards),
}
"""Kinds of tables, by name."""
