"""Looking at what decisions rest on: contracts, certificates, what is on the registers, what waits at the dock, documents."""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from starlette.responses import Response

from holdgate.law.certificate import Certificate, read_certificate
from holdgate.law.families import bundled
from holdgate.law.state import ContractRecord, State
from holdgate.query.contract_words import ContractSheet, sheet_of
from holdgate.query.order_documents import documents_of
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.terms.limits import VERSION_CHARS_MAX
from holdgate.web.api.looking import LIMIT, Limit, paged
from holdgate.web.asker import Asker
from holdgate.web.face import Face
from holdgate.web.grammar import Digest, Id, Key, Version, Word
from holdgate.web.operation import Call, Operation, floor, person
from holdgate.web.problem import Problem, missing
from holdgate.web.sight import check_digest, contracts_seen, sees_contract

NO_DOCUMENT = "no document of this digest is yours to see"
NO_CONTRACT = "no contract version of this name is yours to see"


class ContractRow(Struct, frozen=True, kw_only=True):
    """A contract version. `status`: submitted, active, superseded or barred; `approvals`: role → who. `tuned`: other values."""

    contract: str
    version: str
    sha256: str
    author: str
    status: str
    in_force: bool
    suspended: bool
    approvals: dict[str, str]
    missing: tuple[str, ...]
    certificate: str = ""
    certified_by: str = ""
    effectivity: str = ""
    tuned: dict[str, str] = {}
    suggested: dict[str, str] = {}


class ContractTold(Struct, frozen=True, kw_only=True):
    """A contract version, told. `sheet`: what it says, in words."""

    row: ContractRow
    sheet: ContractSheet


class Running(Struct, frozen=True, kw_only=True):
    """Something that runs out. `whose`: the person, class, kind or edition; `until`: its last instant (UTC µs).

    `stands`: valid, over, revoked, withdrawn (out of service, or not released) or doubted (a bad check put its uses in doubt).
    """

    id: str
    whose: str
    until: int
    stands: str
    since: int = 0


class Facts(Struct, frozen=True, kw_only=True):
    """The registers."""

    equipment: tuple[Running, ...]
    materials: tuple[Running, ...]
    credentials: tuple[Running, ...]
    standards: tuple[Running, ...]


class SlipRow(Struct, frozen=True, kw_only=True):
    """An order at the dock. `state`: held, partial, released or acknowledged; instants: UTC µs."""

    order: str
    node: str
    part_no: str
    rev: str
    policy: str
    state: str
    serials: tuple[str, ...]
    arrived: tuple[str, ...]
    released: tuple[str, ...]
    staged_at: int
    late: bool


class EarlyRow(Struct, frozen=True, kw_only=True):
    """Parts that came before their order was staged. `captured_at`: UTC µs."""

    order: str
    part_no: str
    rev: str
    serials: tuple[str, ...]
    captured_at: int


class Staging(Struct, frozen=True, kw_only=True):
    """What waits at the dock. `next`: what to give as `after` for the slips that follow ("": there are none)."""

    slips: tuple[SlipRow, ...]
    early: tuple[EarlyRow, ...]
    next: str = ""


class ByVersion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contract version."""

    contract: Id
    version: Version


class ByDigest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something by its SHA-256 (lowercase hex)."""

    sha256: Digest


class Stretch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which slips: after that order, at most so many, in that state."""

    after: Key = ""
    limit: Limit = LIMIT
    state: Word = ""


def knows_registers(asker: Asker) -> bool:
    """Staff, and auditors to whom every order is open."""
    return asker.staff or asker.audits()


def sees_dock(asker: Asker) -> bool:
    """Staff, workstations of the shop, and auditors to whom every order is open."""
    return floor(asker) or asker.audits()


def contract_row(state: State, record: ContractRecord) -> ContractRow:
    """A contract version as a row."""
    roles = state.charter.settings.approval_roles
    return ContractRow(
        contract=record.contract,
        version=record.version,
        sha256=record.sha256,
        author=record.author,
        status=record.status,
        in_force=state.in_force.get(record.contract) == record.sha256,
        suspended=record.suspended,
        approvals=record.approvals,
        missing=tuple(role for role in roles if role not in record.approvals) if record.status == "submitted" else (),
        certificate=record.certificate or "",
        certified_by=record.certified_by or "",
        effectivity=record.effectivity or "",
        tuned=record.tuned,
        suggested={name: waiting.value for name, waiting in record.suggested.items()},
    )


def facts_of(state: State, now: int) -> Facts:
    """The registers at an instant (UTC µs), in the order in which things came on them."""
    return Facts(
        equipment=tuple(_equipment(state, now)),
        materials=tuple(
            Running(
                id=batch.batch,
                whose=batch.material_kind,
                until=batch.until,
                stands=_stands(batch.until, now, withdrawn=not batch.approved),
            )
            for batch in state.materials.values()
        ),
        credentials=tuple(_credentials(state, now)),
        standards=tuple(
            Running(id=name, whose=adopted.edition, until=adopted.until, stands=_stands(adopted.until, now))
            for name, adopted in state.standards.items()
        ),
    )


def _equipment(state: State, now: int) -> Iterator[Running]:
    for item in state.equipment.values():
        stands = _stands(item.cal_until, now, withdrawn=not item.in_service)
        yield Running(
            id=item.id,
            whose=item.equipment_class,
            since=item.cal_from,
            until=item.cal_until,
            stands="doubted" if stands == "valid" and item.doubted(now) else stands,
        )


def _credentials(state: State, now: int) -> Iterator[Running]:
    for identity in state.identities.values():
        for name, held in identity.credentials.items() if identity.disabled_at is None else ():
            stands = "revoked" if held.revoked_at is not None else _stands(held.until, now)
            yield Running(id=name, whose=identity.id, until=held.until, stands=stands)


def _stands(until: int, now: int, *, withdrawn: bool = False) -> str:
    if withdrawn:
        return "withdrawn"
    return "over" if until < now else "valid"


class Registers:
    """Contracts, facts, staging and documents of one site."""

    def contracts(self, call: Call) -> tuple[ContractRow, ...]:
        """Every contract version that the asker may read."""
        return tuple(contract_row(call.face.state, record) for record in contracts_seen(call.face, call.asker))

    def contract(self, call: Call) -> ContractTold | Problem:
        """One contract version, in words."""
        record = find_version(call.face, call.asker, call.asks.contract, call.asks.version)
        if isinstance(record, Problem):
            return record
        bundle = bundled(record.sha256, call.face.library.blob)
        return ContractTold(row=contract_row(call.face.state, record), sheet=sheet_of(bundle))

    def certificate(self, call: Call) -> Certificate | Problem:
        """What the validators signed of a contract version."""
        sha256 = check_digest(call.asks.sha256)
        named = (record for record in call.face.state.contracts.values() if record.certificate == sha256)
        raw = call.face.library.blob(sha256)
        if raw is None or not any(sees_contract(call.face, call.asker, record.sha256) for record in named):
            return missing(NO_DOCUMENT)
        return read_certificate(raw)

    def facts(self, call: Call) -> Facts:
        """What is on the registers, and what of it runs out when."""
        return facts_of(call.face.state, call.asker.now)

    def staging(self, call: Call) -> Staging:
        """What waits at the dock."""
        state, wanted = call.face.state, call.asks.state

        def row(key: str) -> SlipRow | None:
            slip = state.slips[key]
            return None if wanted and slip.state != wanted else _slip(state, key)

        found, following = paged(state.slips, call.asks.after, call.asks.limit, row)
        early = tuple(
            EarlyRow(
                order=item.order,
                part_no=item.part_no,
                rev=item.rev,
                serials=item.serials,
                captured_at=item.captured_at,
            )
            for item in state.early[:LIMIT]
        )
        return Staging(slips=tuple(found), early=early, next=following)

    def document(self, call: Call) -> Response | Problem:
        """A document by its digest: what an order that the asker sees rests on."""
        sha256 = check_digest(call.asks.sha256)
        raw = call.face.library.blob(sha256)
        if raw is None or not _pinned_for(call.face, call.asker, sha256):
            return missing(NO_DOCUMENT)
        headers = {
            "Content-Disposition": f'attachment; filename="{sha256[:16]}.bin"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
        return Response(raw, media_type="application/octet-stream", headers=headers)

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        rows = tuple[ContractRow, ...]
        binary = "application/octet-stream"
        return (
            Operation("GET", "/api/contracts", "Contract versions", self.contracts, rows, who=person),
            Operation(
                "GET",
                "/api/contracts/{contract}/{version}",
                "A contract in words",
                self.contract,
                ContractTold,
                ByVersion,
                who=person,
            ),
            Operation(
                "GET",
                "/api/certificates/{sha256}",
                "A certificate",
                self.certificate,
                Certificate,
                ByDigest,
                who=person,
            ),
            Operation("GET", "/api/facts", "The registers", self.facts, Facts, who=knows_registers),
            Operation(
                "GET",
                "/api/staging",
                "What waits at the dock",
                self.staging,
                Staging,
                Stretch,
                who=sees_dock,
                kinds=("floor_hub",),
            ),
            Operation(
                "GET",
                "/api/documents/{sha256}",
                "A document that an order rests on",
                self.document,
                asks=ByDigest,
                who=person,
                media=binary,
            ),
        )


def find_version(face: Face, asker: Asker, contract: str, version: str) -> ContractRecord | Problem:
    """A contract version that the asker may read.

    Raises:
        Malformed: the contract's name is no id, or the version too long to be one.
    """
    if not version or len(version) > VERSION_CHARS_MAX:
        raise Malformed(f"a version is a text of 1 to {VERSION_CHARS_MAX} characters")
    sha256 = face.state.versions.get(f"{check_id(contract, 'contract')}/{version}", "")
    record = face.state.contracts.get(sha256)
    return missing(NO_CONTRACT) if record is None or not sees_contract(face, asker, sha256) else record


def _slip(state: State, key: str) -> SlipRow:
    slip = state.slips[key]
    return SlipRow(
        order=slip.order,
        node=slip.node,
        part_no=slip.part_no,
        rev=slip.rev,
        policy=slip.policy,
        state=slip.state,
        serials=slip.serials,
        arrived=slip.arrived,
        released=slip.released,
        staged_at=slip.staged_at,
        late=slip.late,
    )


def _pinned_for(face: Face, asker: Asker, sha256: str) -> bool:
    if asker.reads_record():
        return True
    if asker.staff and any(record.certificate == sha256 for record in face.state.contracts.values()):
        return True
    theirs = (order for order in face.state.orders.values() if asker.sees(order))
    return any(sha256 in documents_of(face.state, face.library, order) for order in theirs)
