"""Contracts: every version with its state, in words; its certificate, its approvals, what it changes; the acts that move it on."""

import asyncio
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN
from holdgate.law.certificate import PROVED, STRUCTURE, Certificate, Check, Proof, read_certificate
from holdgate.law.contract import SmartSP
from holdgate.law.families import bundled
from holdgate.law.state import ContractRecord
from holdgate.query.contract_words import ContractSheet, sheet_of
from holdgate.terms.errors import Malformed
from holdgate.web.api.drafts import author
from holdgate.web.api.facts import ContractRow, contract_row, find_version
from holdgate.web.page import Page, View
from holdgate.web.problem import Problem, missing
from holdgate.web.sight import contracts_seen
from holdgate.web.wish import Choices, Wish, with_asks
from holdgate.web.workshop import Difference

ROLES: Final = ("author", "level3", "admin", "qa", "compliance", "project_manager", "certifier", "auditor")
EFFECTIVITY: Final = (("new_orders", "new orders"), ("unstarted_jobs", "new orders and jobs that are not started"))
NO_DIGEST: Final = "0" * 64


class Listed(Struct, frozen=True, kw_only=True):
    """Every version that the asker may read, by contract. `drafts`: they may propose, and the certifier is here."""

    rows: tuple[ContractRow, ...]
    author: bool
    drafts: bool


class Proven(Struct, frozen=True, kw_only=True):
    """What a certificate says. `holds`, `fails`: properties with their verdict; `open`: what nobody proved.

    `structure`: it vouches for the structure alone.
    """

    sha256: str
    certificate: Certificate
    holds: tuple[str, ...]
    fails: tuple[str, ...]
    open: tuple[str, ...]
    structure: bool


class VersionCard(Struct, frozen=True, kw_only=True):
    """One version. `approvals`: role, who ("": missing); `others`: versions that it can be compared with; `tunable`: parameters."""

    row: ContractRow
    sheet: ContractSheet
    proven: Proven | None
    approvals: tuple[tuple[str, str], ...]
    others: tuple[str, ...]
    approve: tuple[Wish, ...]
    certify: Wish | None
    moves: tuple[Wish, ...]
    tunes: tuple[Wish, ...]


class Compared(Struct, frozen=True, kw_only=True):
    """Two versions side by side. `proven`: judged by the certifier; else the texts alone are compared."""

    contract: str
    old: str
    new: str
    proven: bool
    changes: tuple[Difference, ...]


def listed(view: View) -> Listed:
    """Every version, the newest first."""
    seen = reversed(contracts_seen(view.face, view.asker))
    rows = [contract_row(view.face.state, record) for record in seen]
    may = author(view.asker)
    return Listed(rows=tuple(rows), author=may, drafts=may and view.drafting.workshop is not None)


def version(view: View) -> VersionCard | Problem:
    """One version."""
    record = find_version(view.face, view.asker, view.path["contract"], view.path["version"])
    if isinstance(record, Problem):
        return record
    state, bundle = view.face.state, bundled(record.sha256, view.face.library.blob)
    roles = state.charter.settings.approval_roles
    same = (other for other in state.contracts.values() if other.contract == record.contract)
    acts = view.asker.staff
    return VersionCard(
        row=contract_row(state, record),
        sheet=sheet_of(bundle),
        proven=_proven(view, record),
        approvals=tuple((role, view.who(record.approvals[role]) if role in record.approvals else "") for role in roles),
        others=tuple(other.version for other in same if other.sha256 != record.sha256),
        approve=tuple(_approvals(view, record)) if acts and record.status == "submitted" else (),
        certify=_certify(view, record) if acts else None,
        moves=tuple(_moves(view, record)) if acts else (),
        tunes=tuple(_tunes(view, record, bundle.technique)) if acts else (),
    )


def _proven(view: View, record: ContractRecord) -> Proven | None:
    raw = view.face.library.blob(record.certificate) if record.certificate else None
    if raw is None:
        return None
    certificate = read_certificate(raw)
    said: list[Check | Proof] = [*certificate.checks, *certificate.proofs]
    named = {one.name for one in said}
    return Proven(
        sha256=record.certificate or "",
        certificate=certificate,
        holds=tuple(one.name for one in said if one.verdict == "holds"),
        fails=tuple(f"{one.name}: {one.verdict}" for one in said if one.verdict != "holds"),
        open=tuple(name for name in (*STRUCTURE, *PROVED) if name not in named),
        structure=not certificate.proofs,
    )


# ---- acts ----------------------------------------------------------------------------------------------------------


def _named(record: ContractRecord) -> dict[str, Any]:
    return {"contract": record.contract, "version": record.version}


def _approvals(view: View, record: ContractRecord) -> list[Wish]:
    """One's own approvals: in each approval role that the person holds."""
    roles = (role for role in view.face.settings.approval_roles if view.asker.holds(role))
    offers = (view.offer(c.ApproveContract, {**_named(record), "approval_role": role}) for role in roles)
    return [wish for wish in offers if wish is not None]


def _certify(view: View, record: ContractRecord) -> Wish | None:
    """The form for a certificate that comes as a file: the law reads the file when it is signed, and not before."""
    if record.status != "submitted" or not view.asker.holds("certifier"):
        return None
    wish = view.offer(c.CertifyContract, {**_named(record), "certificate": NO_DIGEST}, ("certificate",))
    return None if wish is None else _open(wish)


def _open(wish: Wish) -> Wish:
    """A form that is open although what is missing keeps the law from allowing it yet."""
    return replace(wish, group="allowed", says=(), codes=(), unlocks=(), waits_for=())


def _moves(view: View, record: ContractRecord) -> list[Wish]:
    named = _named(record)
    release = view.offer(c.ActivateContract, {**named, "effectivity": "new_orders"}, ("effectivity",))
    stop = view.offer(c.SuspendContract, {**named, "reason": STAND_IN}, ("reason",))
    resume = view.offer(c.ResumeContract, {**named, "reason": STAND_IN}, ("reason",))
    found: list[Wish] = []
    if release is not None and record.status == "submitted":
        found.append(with_asks(release, effectivity=Choices(EFFECTIVITY, "new_orders")))
    if record.status != "submitted":
        found += [wish for wish in ((resume if record.suspended else stop),) if wish is not None]
    return found


def _tunes(view: View, record: ContractRecord, technique: SmartSP) -> list[Wish]:
    if record.status == "submitted":
        return []
    offers: list[Wish | None] = []
    named = _named(record)
    for item in technique.adaptable:
        waiting = record.suggested.get(item.id)
        fields = {**named, "param": item.id}
        if waiting is not None:
            offers.append(view.offer(c.ApproveTune, {**fields, "value": waiting.value}))
        suggested = {**fields, "value": item.min, "evidence": STAND_IN}
        wish = view.offer(c.SuggestTune, suggested, ("value", "evidence"))
        offers.append(None if wish is None else with_asks(wish, value=None))
        if item.id in record.tuned or waiting is not None:
            offers.append(view.offer(c.RevertTune, {**fields, "reason": STAND_IN}, ("reason",)))
    return [wish for wish in offers if wish is not None]


# ---- two versions --------------------------------------------------------------------------------------------------


async def compared(view: View) -> Compared | Problem:
    """Two versions of a contract: `with` is the older one."""
    record = find_version(view.face, view.asker, view.path["contract"], view.path["version"])
    if isinstance(record, Problem):
        return record
    other = view.query.get("with", "")
    if not other:
        raise Malformed("name the version to compare with")
    held = find_version(view.face, view.asker, record.contract, other)
    if isinstance(held, Problem):
        return missing("there is no such version to compare with")
    pair = (bundled(held.sha256, view.face.library.blob), bundled(record.sha256, view.face.library.blob))
    changes = await asyncio.to_thread(view.drafting.compare, *pair)
    proven = view.drafting.workshop is not None
    return Compared(contract=record.contract, old=other, new=record.version, proven=proven, changes=changes)


CONTRACTS: Final = Page(
    name="contracts",
    title="Contracts",
    kinds=("business_hub",),
    roles=ROLES,
    model=listed,
    below=(
        ("/{contract}/{version}", "contract", version),
        ("/{contract}/{version}/diff", "contract_diff", compared),
    ),
    signed=True,
)
