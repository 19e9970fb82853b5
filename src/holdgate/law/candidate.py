"""Candidates: acts in the making, as somebody could ask for them now. `holdgate.law.options` puts them before the law."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from msgspec import Struct

from holdgate.crypto.signatures import ED25519, WEBAUTHN, kind_of
from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.law.case import Pin
from holdgate.law.contract import SmartSP
from holdgate.law.library import Library
from holdgate.law.state import OVER, ContractRecord, Job, Order, Report, State

STAND_IN: Final = "to be filled in"


class Candidate(Struct, frozen=True):
    """An act with its own fields as far as they are known.

    `asks`: fields that hold a stand-in, for a person to fill in. `others`: who would co-sign (SMART-ID, role). `pins`: what
    would come beside it.
    """

    act: type[c.Command]
    fields: dict[str, Any]
    asks: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    pins: tuple[Pin, ...] = ()


Candidates = Iterator[Candidate]


class View(NamedTuple):
    """Who asks, in which role, when (UTC µs), and what the site knows. `about`: the one subject that is asked for."""

    state: State
    library: Library
    actor: str
    role: str
    now: int
    about: str | None = None

    def jobs(self) -> list[Job]:
        """The jobs that can go on: the one that is asked for, or those of the order that is, else all of them."""
        return [job for job in self._jobs_asked() if job.status not in OVER]

    def _jobs_asked(self) -> Iterable[Job]:
        """All of them where nothing is asked for; else an order's, one by its key, or every one of this id."""
        jobs, about = self.state.jobs, self.about
        if about is None:
            return jobs.values()
        order = self.state.orders.get(about.removeprefix("order:"))
        if order is not None:
            return [jobs[key] for key in order.jobs if key in jobs]
        if "/" in about or ":" in about:
            return () if about not in jobs else (jobs[about],)
        return [job for job in jobs.values() if job.id == about]

    def orders(self) -> Iterable[Order]:
        """The orders on which something could be asked for: all of them, or those that `about` can mean."""
        orders, about = self.state.orders, self.about
        if about is None:
            return orders.values()
        names = (about.partition("/")[0], about.removeprefix("order:"), *(job.order for job in self._jobs_asked()))
        return [orders[name] for name in dict.fromkeys(names) if name in orders]

    def reports(self) -> Iterable[Report]:
        """The reports that somebody could answer or amend: all of them, or the one that is asked for."""
        reports, about = self.state.reports, self.about
        if about is None:
            return reports.values()
        found = reports.get(about.removeprefix("report:"))
        return () if found is None else (found,)

    def contracts(self) -> Iterable[ContractRecord]:
        """The contract versions on which something could be asked for: all of them, or those of the one that is asked for."""
        records, about = self.state.contracts.values(), self.about
        if about is None:
            return records
        return [record for record in records if record.contract == about.removeprefix("contract:")]

    def technique(self, job: Job) -> SmartSP | None:
        """The technique document that a job is pinned to."""
        return self._process(job.technique)

    def process(self, template: str) -> SmartSP | None:
        """The technique document that an order template names, by the template's SHA-256."""
        found = self.library.template(template)
        return None if found is None else self._process(found.process)

    def _process(self, sha256: str) -> SmartSP | None:
        document = self.library.document(sha256)
        return document if isinstance(document, SmartSP) else None

    def somebody(self, *roles: str, org: str = "", but: str = "") -> tuple[tuple[str, str], ...]:
        """Somebody else who could co-sign in one of these roles, or nobody. `but`: whom it is about."""
        for identity in self.state.identities.values():
            if identity.id in (self.actor, but) or identity.disabled_at is not None or (org and identity.org != org):
                continue
            held = next((role for role in roles if role in identity.roles), None)
            if held is not None and identity.kind == "person":
                return ((identity.id, held),)
        return ()


def presented(identity: Identity | None, name: str, role: str) -> c.Signer:
    """A signer with everything presented that their key asks for; `identity`: their row of the roster.

    A newcomer brings the stand-in for a key, which is an Ed25519 one.
    """
    kind = ED25519 if identity is None or role == "newcomer" else kind_of(identity.key)
    components = ("key", "user_verification") if kind == WEBAUTHN else ("badge", "pin")
    auth = c.Auth(components=components, session="options")
    return c.Signer(id=name, role=role, kind=kind, meaning="shown", auth=auth)


def best_equipment(state: State, kind: str) -> str:
    """The registered one of this class that is in service and stays calibrated longest."""
    fitting = [item for item in state.equipment.values() if item.equipment_class == kind]
    return max(fitting, key=lambda item: (item.in_service, item.cal_until, item.id)).id if fitting else kind


def best_batch(state: State, kind: str) -> str:
    """The approved batch of this kind that lasts longest."""
    fitting = [batch for batch in state.materials.values() if batch.material_kind == kind]
    return max(fitting, key=lambda batch: (batch.approved, batch.until, batch.batch)).batch if fitting else kind
