"""The demonstration's story as steps that a newcomer clicks: where to stand, whom to be, what to do there and what comes of it."""

from typing import Final

from msgspec import Struct

from holdgate.demo.shop import BOOTH, CLIENT, COMPLIANCE, DOCK, FINANCE, LINE, OFFICE, QA, TECHNICIAN

ORDER: Final = "PO-1001"
JOB: Final = "J-1"
AUDITOR: Final = "SID-AUD-01"
_TRAVELER: Final = f"/NODE-FPI/traveler/{ORDER}/{JOB}"


class Step(Struct, frozen=True, kw_only=True):
    """One step. `at`: the workstation; `who`: whose badge ("": nobody's); `path`: the page; `do`: in order; `see`: the result."""

    title: str
    at: str
    who: str
    path: str
    do: tuple[str, ...]
    see: str


STEPS: Final = (
    Step(
        title="The parts arrive",
        at=DOCK,
        who="",
        path="/FLOOR/dock",
        do=(
            "Type 4512-7/B/S01 as part mark and press Enter: the wrong revision.",
            "Then 4512-7/C/S01, 4512-7/C/S02, 4512-7/C/S03 and 4512-7/C/S04, each with Enter.",
        ),
        see="Rev B is refused and moves nothing. With the fourth part the order goes to the penetrant line by itself.",
    ),
    Step(
        title="The job starts",
        at=LINE,
        who=TECHNICIAN,
        path="/NODE-FPI/traveler",
        do=(f"Start job with the number {JOB}, and open {ORDER}/{JOB}.",),
        see="Every op but the daily checks is locked, and says what it waits for.",
    ),
    Step(
        title="Daily checks",
        at=BOOTH,
        who=TECHNICIAN,
        path=_TRAVELER,
        do=("Start op 10.", "Record UV-A 2100, ambient 9.8, panel spots 5.", "Sign off with the PIN."),
        see="The next op opens on every screen. A wrong value, UV-A 900, would be out of limits and stay on the record.",
    ),
    Step(
        title="Penetrant to developer",
        at=LINE,
        who=TECHNICIAN,
        path=_TRAVELER,
        do=(
            "For each op: start it, record, sign off.",
            "Op 20: water break free yes. Op 30: part temp 72.",
            "Op 40 opens after 8 seconds: water temp 68, water pressure 28.",
            "Op 50: oven temp 135. Op 60: coverage yes.",
        ),
        see="The rinse counts its dwell time down, and cannot be started earlier.",
    ),
    Step(
        title="Inspect under the lamp",
        at=BOOTH,
        who=TECHNICIAN,
        path=_TRAVELER,
        do=(
            "Start op 70 when it opens.",
            "Record dark adapt 90, UV-A at part 2000, 0 linear indications for each part.",
            "Sign off.",
        ),
        see="Sign off in the first 3 seconds and a rule of this technique's own refuses it.",
    ),
    Step(
        title="Post-clean",
        at=LINE,
        who=TECHNICIAN,
        path=_TRAVELER,
        do=("Op 80: residue free yes, and sign off.",),
        see="Every op is signed off. The record waits for QA.",
    ),
    Step(
        title="QA reviews the record",
        at=OFFICE,
        who=QA,
        path=f"/HUB/qa/{ORDER}/{JOB}",
        do=("Read what is out of the ordinary.", "Accept record: 4 received, 4 accepted."),
        see="Whoever did the work could not do this.",
    ),
    Step(
        title="Compliance accepts",
        at=OFFICE,
        who=COMPLIANCE,
        path="/HUB/compliance",
        do=("Accept for compliance.",),
        see="The technician's bonus for a complete record in time goes out by itself.",
    ),
    Step(
        title="The report goes out",
        at=OFFICE,
        who=QA,
        path=f"/HUB/qa/{ORDER}/{JOB}",
        do=("Go down to Report.", "Issue report with the number R-1001."),
        see="The client's five days begin.",
    ),
    Step(
        title="The client answers",
        at=OFFICE,
        who=CLIENT,
        path=f"/HUB/client/{ORDER}",
        do=("Read the report.", "Approve report."),
        see="The client sees this order, every decision on it, and nobody else's orders.",
    ),
    Step(
        title="The invoice is there",
        at=OFFICE,
        who=FINANCE,
        path=f"/HUB/finance/{ORDER}",
        do=("Read why it went out.",),
        see="Nobody sent it: the client's approval did.",
    ),
    Step(
        title="The auditor checks",
        at=OFFICE,
        who=AUDITOR,
        path=f"/HUB/audit/order/{ORDER}",
        do=("Open any entry, the client's approval for one.",),
        see="Who, when, where, under which revision, which rules were asked and on which facts the answer rests.",
    ),
)
