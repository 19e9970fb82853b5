"""The load: jobs of the FPI technique as technicians work them, signed beforehand.

Everything is pinned: the world, the contract, the keys, the values, the order of acts. The site's clock is logical (each
decision is a fixed time after the last), so that dwell windows hold whatever the machine's speed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
from typing_extensions import override

from holdgate.adapters.host import SetClock
from holdgate.bootstrap import Shop
from holdgate.law import command as c
from holdgate.law.technique import Operation, Technique
from holdgate.law.view import added, opened
from holdgate.scenario.files import Person, World, read_world
from holdgate.scenario.opening import Opening
from holdgate.sites.desk import Desk
from holdgate.sites.site import Site
from holdgate.terms import instant

WORLD: Final = Path(__file__).with_name("fpi.yaml")
NODE: Final = "NODE-FPI"
LIKE: Final = "SID-TEC-12"
CONTRACT: Final = "SP-FPI-4512"
VERSION: Final = "3"
FIRST: Final = instant.parse("2025-04-01T13:00:00Z")
FAR: Final = "2099-12-31"
JOBS_PER_ORDER: Final = 100
SERIALS_PER_JOB: Final = 4
READ: Final = {
    "uva": "2100",
    "ambient": "9.8",
    "panel_spots": "5",
    "water_break_free": "1",
    "part_temp": "72.5",
    "water_temp": "68",
    "water_pressure": "28",
    "oven_temp": "135",
    "coverage": "1",
    "dark_adapt": "90",
    "uva_at_part": "2400",
    "linear_indications": "0",
    "residue_free": "1",
}
INSTRUMENT: Final = {"radiometer": "RAD-08", "thermometer": "THM-09", "pressure_gauge": "GAU-03", "oven": "OVN-02"}
BATCH: Final = {"penetrant": "PEN-24117", "developer": "DEV-2409"}


class LogicalClock(SetClock):
    """Moves on by a fixed step (µs) whenever it is read; stands still at first."""

    step_us = 0

    @override
    def now(self) -> int:
        self.instant += self.step_us
        return self.instant


class Place(NamedTuple):
    """A job to be worked: by whom, on which parts of which order."""

    technician: str
    order: str
    job: str
    serials: tuple[str, ...]


def bench_world(technicians: int) -> World:
    """The FPI world with one node, and technicians who are all qualified.

    The clock is logical and the node is cut off, so claimed times and the offline limit are wide; every gate is asked all the same.
    """
    world = read_world(WORLD)
    like = next(person for person in world.people if person.id == LIKE)
    more = tuple(replace(like, id=f"SID-TEC-{1000 + i}", name=f"Technician {i}") for i in range(technicians))
    people: tuple[Person, ...] = (*world.people, *more)
    return replace(
        world,
        site=replace(world.site, entry_skew_s=10**9, arrival_skew_s=10**9),
        people=people,
        contracts=tuple({**tree, "offline_max_s": "1000000000"} for tree in world.contracts),
        nodes=tuple(node for node in world.nodes if node.id == NODE),
        workstations=tuple(station for station in world.workstations if station.node in (None, NODE)),
    )


def lasting_world(technicians: int) -> World:
    """The bench's world without dwell times, and with nothing that runs out: it is worked by the machine's own clock."""
    given = bench_world(technicians)
    return replace(
        given,
        people=tuple(
            replace(
                person, credentials={name: replace(held, valid_to=FAR) for name, held in person.credentials.items()}
            )
            for person in given.people
        ),
        equipment=tuple(replace(item, cal_due=FAR) for item in given.equipment),
        materials=tuple(replace(batch, expiry=FAR) for batch in given.materials),
        contracts=tuple(_without_windows(tree) for tree in given.contracts),
    )


def _without_windows(tree: dict[str, Any]) -> dict[str, Any]:
    steps = [{name: value for name, value in step.items() if name != "window"} for step in tree["steps"]]
    return {**tree, "steps": steps}


async def open_shop(directory: Path, technicians: int) -> tuple[Shop, Desk, LogicalClock]:
    """A shop with the bench's world, set up by signed acts, on a logical clock."""
    clock = LogicalClock()
    opening = Opening(directory, bench_world(technicians), FIRST, clock)
    shop = await opening.open()
    clock.instant = FIRST
    return shop, opening.desk, clock


async def stage_orders(shop: Shop, desk: Desk, count: int, first: int = 0, version: str = VERSION) -> list[Place]:
    """Orders that are accepted, staged, scanned in and forwarded: places for `count` jobs."""
    hub, floor = shop.of_kind("business_hub"), shop.of_kind("floor_hub")
    places: list[Place] = []
    for number in range(first, first + (count + JOBS_PER_ORDER - 1) // JOBS_PER_ORDER):
        order = f"PO-{number:05d}"
        serials = tuple(f"{number}-{i:03d}" for i in range(JOBS_PER_ORDER * SERIALS_PER_JOB))
        for command in order_acts(desk, order, serials, version=version):
            await _allowed(hub, desk.sign(command))
        await shop.settle()
        for start in range(0, len(serials), 100):
            scan = scan_of(desk, order, serials[start : start + 100], number * 1000 + start + 1)
            await floor.submit(desk.sign(scan))
        await shop.settle()
        for index in range(JOBS_PER_ORDER):
            part = serials[index * SERIALS_PER_JOB : (index + 1) * SERIALS_PER_JOB]
            places.append(Place("", order, f"J-{number}-{index}", part))
    return places[:count]


def order_acts(
    desk: Desk, order: str, serials: tuple[str, ...], version: str = VERSION, node: str = NODE
) -> Iterator[c.Command]:
    """The client accepts the terms of an order, and the shop stages it."""
    auth = c.Auth(components=("badge", "pin"), session=f"bench-{order}")
    client = c.Signer(id="SID-CLI-01", role="client", meaning="terms accepted", auth=auth)
    terms = c.Terms(
        price_minor=120000,
        currency="USD",
        milestones=(c.Milestone(id="final", amount_minor=120000),),
        client_window_s=432000,
        on_silence="escalate",
    )
    yield c.AcceptTerms(
        site="HUB",
        at=FIRST,
        nonce=desk.nonce(),
        signers=(client,),
        place="WS-OFFICE",
        order=order,
        contract=CONTRACT,
        version=version,
        terms=terms,
    )
    yield c.StageOrder(
        site="HUB",
        at=FIRST,
        nonce=desk.nonce(),
        signers=(c.Signer(id="SID-HUB-01", role="business_hub"),),
        order=order,
        contract=CONTRACT,
        version=version,
        node=node,
        client="AERODYNE",
        part_no="4512-7",
        rev="C",
        serials=serials,
        documents=("purchase_order", "material_certificate"),
    )


def scan_of(desk: Desk, order: str, serials: tuple[str, ...], seq: int) -> c.Command:
    """The reader's broadcast of an order's parts."""
    return c.ReportArrival(
        site="FLOOR",
        at=FIRST,
        nonce=desk.nonce(),
        signers=(c.Signer(id="SID-SCN-01", role="scanner"),),
        place="WS-REC",
        order=order,
        part_no="4512-7",
        rev="C",
        serials=serials,
        quantity=len(serials),
        reader_seq=seq,
    )


async def _allowed(site: Site, raw: bytes) -> None:
    answer = await site.submit(raw)
    if not answer.decision.allowed:
        raise RuntimeError(f"the bench's own act was refused: {answer.decision.codes}")


class Work:
    """The acts of jobs, in contract order, as command values and as signed envelopes."""

    def __init__(self, desk: Desk, technique: Technique, contract: str) -> None:
        self._desk = desk
        self._technique = technique
        self._contract = contract

    def acts(self, place: Place) -> Iterator[c.AnyCommand]:
        """Start the job, then every step: start, readings, signature."""
        yield c.StartJob(
            **self._header(place, None), order=place.order, job=place.job, node=NODE, serials=place.serials
        )
        for operation in self._technique.operations:
            yield from self._step(place, operation)

    def _header(self, place: Place, station: str | None, auth: c.Auth | None = None) -> dict[str, Any]:
        signer = c.Signer(
            id=place.technician,
            role="technician",
            meaning=None if auth is None else "performed and accepted",
            auth=auth,
        )
        return {"site": NODE, "at": FIRST, "nonce": self._desk.nonce(), "signers": (signer,), "place": station}

    def _step(self, place: Place, operation: Operation) -> Iterator[c.AnyCommand]:
        station = "WS-BOOTH-1" if "FPI-BOOTH" in operation.zones else "WS-FPI-1"
        named: dict[str, Any] = {
            "order": place.order,
            "job": place.job,
            "step": operation.id,
            "contract": self._contract,
        }
        equipment = tuple(INSTRUMENT[name] for name in operation.equipment_classes)
        materials = tuple(BATCH[name] for name in operation.material_kinds)
        yield c.StartStep(**self._header(place, station), **named, equipment=equipment, materials=materials)
        tally = opened(place.order, place.job, operation.id, place.technician, equipment, materials)
        for measure in operation.measures.values():
            instrument = None if measure.instrument_class is None else INSTRUMENT[measure.instrument_class]
            for serial in place.serials if measure.per_serial else (None,):
                key = measure.id if serial is None else f"{measure.id}/{serial}"
                tally = added(tally, key, READ[measure.id], measure.unit)
                yield c.RecordReading(
                    **self._header(place, station),
                    **named,
                    characteristic=measure.id,
                    value=READ[measure.id],
                    unit=measure.unit,
                    capture="manual",
                    instrument=instrument,
                    serial=serial,
                )
        auth = c.Auth(components=("badge", "pin"), session=f"{place.job}-{operation.id}")
        yield c.SignStep(**self._header(place, station, auth) | {"seen": tally}, **named, result="pass")

    def signed(self, place: Place) -> list[bytes]:
        """The envelopes of a job."""
        return [self._desk.sign(command) for command in self.acts(place)]
