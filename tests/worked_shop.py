"""A shop whose first order went all the way, served in this process: for tests of pages and of the API.

PO-1001 is AERODYNE's and accepted; PO-2001 is BOREAL's and waits for its parts. Auditors: one who sees every order, one who sees
PO-1001, one whose time is over. The clock of the story stands a few hours back, so that everything is of today.
"""

import asyncio
import base64
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import httpx
import msgspec

from holdgate.adapters.host import HostClock
from holdgate.adapters.sqlite_payloads import SqlitePayloads
from holdgate.bootstrap import Shop
from holdgate.cli.demo import certified, technique
from holdgate.crypto.envelope import seal
from holdgate.demo.live import cast, shortened
from holdgate.demo.ops import CHECKS, CLEAN, DEVELOP, DRY, INSPECT, PENETRANT, POST_CLEAN, RINSE, SERIALS, Op
from holdgate.demo.shop import (
    ADMIN,
    BOOTH,
    CLIENT,
    COMPLIANCE,
    DOCK,
    LEVEL3,
    NODE,
    OFFICE,
    PLANNER,
    QA,
    REPORTS,
    SCANNER,
    SIGNERS,
    TECHNICIAN,
    Contract,
    DemoShop,
    Member,
)
from holdgate.law import command as c
from holdgate.law.contract import SmartClientPO, read_document
from holdgate.process import EVIDENCE, open_whole
from holdgate.sites.desk import Desk
from holdgate.terms import canon
from holdgate.terms.instant import SECOND_US
from holdgate.web.sessions import LOGIN_TYPE, Login

T = TypeVar("T")
ORDER: Final = "PO-1001"
OTHER_ORDER: Final = "PO-2001"
JOB: Final = "J-1"
REPORT: Final = "R-1"
OTHER_CLIENT: Final = "SID-CLI-02"
AUDITOR: Final = "SID-AUD-01"
SCOPED: Final = "SID-AUD-02"
EXPIRED: Final = "SID-AUD-03"
BACK_S: Final = 4 * 3600
"""How long ago the story begins."""
PHOTO: Final = b"\xff\xd8\xff\xe0 a photo of four brackets"


class Worked(NamedTuple):
    """The shop that was left behind, with everybody's keys. A deviation on PO-1001 names `PHOTO` as its evidence.

    `photo`: the commitment that it is named by.
    """

    directory: Path
    desk: Desk
    contract: Contract
    photo: str


def work(directory: Path) -> Worked:
    """Play the shop and close it."""
    return asyncio.run(_work(directory))


async def _work(directory: Path) -> Worked:
    now = HostClock().now()
    people = cast(now)
    people = people._replace(
        people=(
            *people.people,
            Member(OTHER_CLIENT, "BOREAL quality", ("client",), org="BOREAL"),
            Member(SCOPED, "Auditor of one order", ("auditor",), org="REGISTRAR"),
            Member(EXPIRED, "Auditor of last year", ("auditor",), org="REGISTRAR"),
        )
    )
    at = DemoShop(directory, people)
    at.clock.instant = now - BACK_S * SECOND_US
    contract = certified(shortened(technique()))
    try:
        await at.found()
        await at.enrol()
        await at.register()
        for person, credential, until in (
            (SCOPED, f"AUDIT.{ORDER}", now + 30 * 86_400 * SECOND_US),
            (EXPIRED, "AUDIT", now - 3600 * SECOND_US),
        ):
            held = {"person": person, "credential": credential, "until": until, "evidence": "engagement letter"}
            await at.must(c.GrantCredential, at.signers((ADMIN, "admin")), **held)
        await at.propose(contract)
        for role in SIGNERS:
            await at.approve(contract, role)
        await at.release(contract)
        await _order(at, contract, ORDER, CLIENT, "AERODYNE", SERIALS)
        await _order(at, contract, OTHER_ORDER, OTHER_CLIENT, "BOREAL", ("B01", "B02"))
        photo = _kept(directory)
        await _through(at, photo)
        await at.account_for_money()
    finally:
        at.close()
    return Worked(directory, at.desk, contract, photo)


async def _order(
    at: DemoShop, contract: Contract, order: str, person: str, client: str, serials: tuple[str, ...]
) -> None:
    template = read_document(contract.template)
    assert isinstance(template, SmartClientPO)
    terms = c.Terms(
        price_minor=template.price_minor,
        currency=template.currency,
        milestones=tuple(c.Milestone(id=b.id, amount_minor=b.amount_minor) for b in template.billing),
        client_window_s=template.client_window_s,
        on_silence=template.on_silence,
    )
    named = {"order": order, "contract": contract.id, "version": contract.version}
    signed = at.signers((person, "client"), meaning="terms accepted")
    await at.must(c.AcceptTerms, signed, OFFICE, **named, terms=terms)
    staged = {"node": NODE, "client": client, "part_no": "4512-7", "rev": "C", "serials": serials}
    papers = ("purchase_order", "material_certificate")
    await at.must(c.StageOrder, at.signers((PLANNER, "project_manager")), **named, **staged, documents=papers)


def _kept(directory: Path) -> str:
    """A photo, brought before it is named."""
    store = SqlitePayloads(directory / EVIDENCE)
    try:
        return store.put(PHOTO, kind="evidence", by=TECHNICIAN, at=1, media="image/jpeg")
    finally:
        store.close()


async def _through(at: DemoShop, photo: str) -> None:
    """The first order: arrival, every op, QA, compliance, report, the client's word."""
    later(at, 60)
    scanned = {"order": ORDER, "part_no": "4512-7", "rev": "C", "serials": SERIALS, "quantity": len(SERIALS)}
    scanner = at.signers((SCANNER, "scanner"))
    now = at.clock.now()
    await at.must(c.ReportArrival, scanner, DOCK, at_site="FLOOR", **scanned, reader_seq=1, observed_at=now)
    technician = at.signers((TECHNICIAN, "technician"))
    await at.must(c.StartJob, technician, at_site=NODE, order=ORDER, job=JOB, node=NODE)
    departure = {"deviation": "D-1", "waive": ("WINDOW_EXCEEDED",), "reason": "line stopped", "evidence": photo}
    both = at.signers((LEVEL3, "level3"), (CLIENT, "client"), meaning="deviation authorised")
    named = {"order": ORDER, "job": JOB, "step": RINSE.step}
    await at.must(c.AuthoriseDeviation, both, BOOTH, at_site=NODE, **named, **departure)
    refused = await at.act(
        c.StartStep, technician, PENETRANT.place, at_site=NODE, **_head(at, PENETRANT), **_used(PENETRANT)
    )
    assert not refused.decision.allowed, "the daily checks come first"
    for op in (CHECKS, CLEAN, PENETRANT, RINSE, DRY, DEVELOP, INSPECT, POST_CLEAN):
        await _op(at, op)
    later(at, 60)
    job = {"order": ORDER, "job": JOB}
    count = c.Quantities(received=4, accepted=4, rejected=0, scrapped=0)
    qa = at.signers((QA, "qa"), meaning="reviewed and accepted")
    await at.must(c.SignQa, qa, OFFICE, **job, quantities=count)
    compliance = at.signers((COMPLIANCE, "compliance"), meaning="compliance accepted")
    await at.must(c.SignCompliance, compliance, OFFICE, **job)
    await at.must(c.GenerateReport, at.signers((REPORTS, "system")), **job, report=REPORT)
    later(at, 60)
    client = at.signers((CLIENT, "client"), meaning="report approved")
    await at.must(c.ReviewReport, client, OFFICE, report=REPORT, decision="approve")


def later(at: DemoShop, seconds: int) -> None:
    at.clock.instant += seconds * SECOND_US


def _head(at: DemoShop, op: Op) -> dict[str, str]:
    pinned = at.shop.sites[NODE].chronicle.state.jobs[f"{ORDER}/{JOB}"].sha256
    return {"order": ORDER, "job": JOB, "step": op.step, "contract": pinned}


def _used(op: Op) -> dict[str, tuple[str, ...]]:
    return {"equipment": op.equipment, "materials": op.materials}


async def _op(at: DemoShop, op: Op) -> None:
    later(at, 20)
    technician = at.signers((TECHNICIAN, "technician"))
    await at.must(c.StartStep, technician, op.place, at_site=NODE, **_head(at, op), **_used(op))
    for reading in op.readings:
        later(at, 5)
        said = {
            "characteristic": reading.what,
            "value": reading.value,
            "unit": reading.unit,
            "capture": "manual",
            "instrument": reading.by,
            "serial": reading.serial,
        }
        await at.must(c.RecordReading, technician, at_site=NODE, **_head(at, op), **said)
    later(at, 10)
    signing = at.signers((TECHNICIAN, "technician"), meaning="performed and accepted")
    await at.must(c.SignStep, signing, op.place, at_site=NODE, **_head(at, op), result="pass")


# ---- served --------------------------------------------------------------------------------------------------------


class Served:
    """The shop, open in a thread with an event loop of its own; requests reach it without any network."""

    def __init__(self, worked: Worked, loop: asyncio.AbstractEventLoop, shop: Shop, app: Any) -> None:
        self.worked = worked
        self.shop = shop
        self.loop = loop
        self.app = app
        self._cookies: dict[str, dict[str, str]] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the loop of the sites."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def cookie(self, smart_id: str, site: str = "HUB") -> dict[str, str]:
        """The session of somebody, opened by a signed challenge, and anew where another test or its time ended it."""
        kept = self._cookies.get(smart_id, {})
        here = self._ask("GET", f"/{site}/api/session", kept).json() if kept else {}
        if not here.get("session") and not here.get("place"):
            asked = self._ask("POST", f"/{site}/api/challenge", {}).json()
            login = Login(challenge=asked["challenge"], host=asked["host"], id=smart_id)
            signed = seal(canon.encode(login), [(smart_id, self.worked.desk.key(smart_id))], LOGIN_TYPE)
            opened = self._ask("POST", f"/{site}/api/session", {}, content=signed)
            assert opened.status_code == 200, opened.text
            kept = self._cookies[smart_id] = dict(opened.cookies)
        return kept

    def ask(
        self, method: str, path: str, who: str | None = None, place: str | None = None, **more: Any
    ) -> httpx.Response:
        """A request by somebody (at a workstation)."""
        cookies = {**({} if who is None else self.cookie(who)), **({} if place is None else self.cookie(place))}
        return self._ask(method, path, cookies, **more)

    def get(self, path: str, who: str | None = None, place: str | None = None) -> httpx.Response:
        """A GET by somebody."""
        return self.ask("GET", path, who, place)

    def until(self, path: str, who: str, done: Callable[[Any], bool], within_s: float = 60.0) -> Any:
        """Ask again until the answer is as wanted."""
        deadline = time.monotonic() + within_s
        while not done(found := self.get(path, who).json()):
            assert time.monotonic() < deadline, f"{path} is still {found}"
            time.sleep(0.05)
        return found

    def _ask(self, method: str, path: str, cookies: dict[str, str], **more: Any) -> httpx.Response:
        async def sent() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost", cookies=cookies) as client:
                return await client.request(method, path, **more)

        return self.run(sent())

    def sign(self, command: c.Command, *names: str) -> bytes:
        """An envelope signed by these."""
        return self.worked.desk.sign_only(command, names or [signer.id for signer in command.signers])

    def shop_payloads(self) -> SqlitePayloads:
        """What the shop keeps of evidence and personal data, opened once more."""
        return SqlitePayloads(self.worked.directory / EVIDENCE)

    def now(self) -> int:
        """The time of the sites."""
        return HostClock().now()


@contextmanager
def serve(worked: Worked) -> Iterator[Served]:
    """Open the shop, and serve it until the context ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sites", daemon=True)
    thread.start()
    stack = AsyncExitStack()

    async def opened() -> tuple[Shop, Any]:
        return await stack.enter_async_context(open_whole(worked.directory))

    async def closed() -> None:
        await stack.aclose()

    try:
        shop, app = asyncio.run_coroutine_threadsafe(opened(), loop).result(120)
        try:
            yield Served(worked, loop, shop, app)
        finally:
            asyncio.run_coroutine_threadsafe(closed(), loop).result(120)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


def decoded(text: str) -> bytes:
    """Bytes from base64 text."""
    return base64.b64decode(text)


def as_json(value: Any) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value)


__all__ = ["ADMIN", "LEVEL3", "QA", "Served", "Worked", "serve", "work"]
