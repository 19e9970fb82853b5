"""Who may do an operation now, until when, and who would if what (SMART-TokenAccessLayer's question).

Nothing is judged here: each person's start of the operation is put before the same `decide` that will judge it, and what
that says of the person is told. When somebody's permission ends is asked in the same way, just after each moment at which
one of their qualifications runs out. Without a job the question is put for a job that has just been started.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from holdgate.crypto.signatures import kind_of
from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.law.candidate import best_batch, best_equipment
from holdgate.law.decide import decide
from holdgate.law.decision import Denial
from holdgate.law.denial import BY_NAME, remedy, sentence
from holdgate.law.library import Library
from holdgate.law.state import ContractRecord, Job, Order, State
from holdgate.law.technique import Operation, Technique
from holdgate.query.words import moment
from holdgate.terms.errors import Malformed

IMAGINED: Final = "?"
"""Order and job of a question that names none; no id of the record can be this."""


class Lack(Struct, frozen=True, kw_only=True):
    """What stands between a person and the operation."""

    code: str
    says: str
    helps: str


class Candidate(Struct, frozen=True, kw_only=True):
    """Somebody who may, or would. `until`: when the permission ends by itself ("" : no end is known), by `because`."""

    id: str
    name: str
    may: bool
    until: str = ""
    because: str = ""
    lacks: tuple[Lack, ...] = ()


class Who(Struct, frozen=True, kw_only=True):
    """The answer. `places`: where it can be done. `waits`: what the job itself waits for, whoever comes."""

    site: str
    contract: str
    version: str
    step: str
    name: str
    role: str
    credentials: tuple[str, ...]
    places: tuple[str, ...]
    at: str
    people: tuple[Candidate, ...]
    waits: tuple[str, ...] = ()


def who(state: State, library: Library, contract: str, version: str | None, step: str, now: int, job: str = "") -> Who:
    """Who may do this operation at this site.

    Args:
        state: of the node; not changed.
        library: its documents.
        contract: the contract's id.
        version: its version; None: the one in force, or the job's own.
        step: the operation.
        now: the time of the question (UTC µs).
        job: `order/job`; "": a job that would have just been started.

    Raises:
        Malformed: there is no such contract, step or job here.
    """
    record, technique = _law(state, library, contract, version, job)
    position = technique.position.get(step)
    if position is None:
        raise Malformed(f"{step[:80]} is no operation of {contract}; there are {', '.join(technique.position)}")
    operation = technique.operations[position]
    question = _Question(state, library, record, technique, operation, job)
    people = [question.ask(person, now) for person in _in_question(state, operation)]
    people.sort(key=lambda found: (not found.may, len(found.lacks), found.id))
    waits = question.waits(people, now) if job else ()
    return Who(
        site=state.site,
        contract=record.contract,
        version=record.version,
        step=step,
        name=operation.name,
        role=operation.role,
        credentials=operation.credentials,
        places=question.places,
        at=moment(now),
        people=tuple(people),
        waits=waits,
    )


def _law(
    state: State, library: Library, contract: str, version: str | None, job: str
) -> tuple[ContractRecord, Technique]:
    running = state.jobs.get(job) if job else None
    if job and running is None:
        raise Malformed(f"there is no running job {job[:80]} here")
    if running is not None:
        sha256 = running.sha256
    elif version is None:
        sha256 = state.in_force.get(contract, "")
    else:
        sha256 = state.versions.get(f"{contract}/{version}", "")
    record = state.contracts.get(sha256)
    template = None if record is None else library.template(record.sha256)
    technique = None if template is None else library.technique(template.process)
    if record is None or technique is None or record.contract != contract:
        named = f"version {version}" if version else "in force"
        raise Malformed(
            f"this site knows no contract {contract[:80]} {named} (for job {job})"
            if job
            else f"this site knows no contract {contract[:80]} {named}"
        )
    return record, technique


def _in_question(state: State, operation: Operation) -> Iterator[Identity]:
    """People with the role, and people who hold all the qualifications without the role."""
    for identity in state.identities.values():
        if identity.kind != "person":
            continue
        qualified = bool(operation.credentials) and all(n in identity.credentials for n in operation.credentials)
        if operation.role in identity.roles or qualified:
            yield identity


class _Question:
    """One operation, put before the law for one person after the other."""

    def __init__(
        self,
        state: State,
        library: Library,
        record: ContractRecord,
        technique: Technique,
        operation: Operation,
        job: str,
    ) -> None:
        self.state = state if job else _imagined(state, record, technique)
        self.library = library
        self.operation = operation
        self.named = bool(job)
        self.job = self.state.jobs[job or f"{IMAGINED}/{IMAGINED}"]
        self.places = tuple(
            identity.id
            for identity in state.identities.values()
            if "workstation" in identity.roles
            and identity.zone in operation.zones
            and identity.node in (None, state.site)
            and identity.disabled_at is None
        )

    def ask(self, person: Identity, now: int) -> Candidate:
        """What the law says of this person, now and just after each of their qualifications runs out."""
        lacks = self._personal(person, now)
        until = because = ""
        if not lacks:
            ends = sorted((held.until, name) for name, held in person.credentials.items() if held.until >= now)
            for last, name in ends:
                if self._personal(person, last + 1):
                    until, because = moment(last), name
                    break
        return Candidate(
            id=person.id,
            name=person.name,
            may=not lacks,
            until=until,
            because=because,
            lacks=tuple(Lack(code=denial.code, says=sentence(denial), helps=remedy(denial)) for denial in lacks),
        )

    def waits(self, people: list[Candidate], now: int) -> tuple[str, ...]:
        """What the job itself waits for: what the law says that is about nobody in particular."""
        for person in people:
            found = self._denials(self.state.identities[person.id], now)
            return tuple(dict.fromkeys(sentence(denial) for denial in found if not self._is_personal(denial)))
        return ()

    def _personal(self, person: Identity, now: int) -> list[Denial]:
        return [denial for denial in self._denials(person, now) if self._is_personal(denial)]

    def _is_personal(self, denial: Denial) -> bool:
        """Codes about people and signatures (1xx), and the assignment of a job that exists."""
        return BY_NAME[denial.code].number < _NOT_PEOPLE or (denial.code == "NOT_ASSIGNED" and self.named)

    def _denials(self, person: Identity, now: int) -> tuple[Denial, ...]:
        state, operation, job = self.state, self.operation, self.job
        role = operation.role
        command = c.StartStep(
            site=state.site,
            at=now,
            nonce="who",
            signers=(c.Signer(id=person.id, role=role, kind=kind_of(person.key)),),
            place=self.places[0] if self.places else None,
            order=job.order,
            job=job.id,
            step=operation.id,
            contract=job.sha256,
            equipment=tuple(best_equipment(state, kind) for kind in operation.equipment_classes),
            materials=tuple(best_batch(state, kind) for kind in operation.material_kinds),
        )
        return decide(state, self.library, command, now).denials


_NOT_PEOPLE: Final = 200
"""Codes from here on are about something else than people and signatures."""


def _imagined(state: State, record: ContractRecord, technique: Technique) -> State:
    """The state with one more job, just started; the state itself is not changed."""
    order = Order(id=IMAGINED, status="received", sha256=record.sha256, node=state.site)
    job = Job(
        id=IMAGINED,
        order=IMAGINED,
        sha256=record.sha256,
        technique=technique.sha256,
        version=record.version,
        node=state.site,
        client="",
        serials=(),
        attempts=[None] * len(technique.operations),
    )
    return replace(state, orders={**state.orders, order.id: order}, jobs={**state.jobs, f"{IMAGINED}/{IMAGINED}": job})
