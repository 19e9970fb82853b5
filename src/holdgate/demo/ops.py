"""The operations of the technique as Alvarez performs them: what is read, with what, where and when."""

from typing import Final, NamedTuple

from holdgate.demo.shop import BOOTH, LINE

SERIALS: Final = ("S01", "S02", "S03", "S04")


class Reading(NamedTuple):
    """One value as it was read. `by`: the instrument."""

    what: str
    value: str
    unit: str
    by: str | None = None
    serial: str | None = None


class Op(NamedTuple):
    """One operation of the technique as Alvarez performs it. `began`, `signed`: local times of the day."""

    step: str
    began: str
    signed: str
    place: str
    told: str
    readings: tuple[Reading, ...]
    equipment: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()


_INDICATIONS: Final = tuple(Reading("linear_indications", "0", "count", serial=serial) for serial in SERIALS)
CHECKS: Final = Op(
    "S10",
    "08:07:00",
    "08:09:00",
    BOOTH,
    "Daily checks: lamp 2100 µW/cm² and booth 9.8 lux with RAD-07, test panel 5 spots",
    (
        Reading("uva", "2100", "uW/cm2", "RAD-07"),
        Reading("ambient", "9.8", "lux", "RAD-07"),
        Reading("panel_spots", "5", "count"),
    ),
    ("RAD-07",),
)
CLEAN: Final = Op(
    "S20",
    "08:10:00",
    "08:11:20",
    LINE,
    "Op 20  Pre-clean and dry: water-break free",
    (Reading("water_break_free", "1", "bool01"),),
)
PENETRANT: Final = Op(
    "S30",
    "08:16:20",
    "08:17:40",
    LINE,
    "Op 30  Penetrant PEN-24117 on, parts at 72 °F with THM-09",
    (Reading("part_temp", "72", "degF", "THM-09"),),
    ("THM-09",),
    ("PEN-24117",),
)
RINSE: Final = Op(
    "S40",
    "08:57:40",
    "08:59:20",
    LINE,
    "Op 40  Rinse after 40 min dwell: water 68 °F, 28 psi",
    (Reading("water_temp", "68", "degF", "THM-09"), Reading("water_pressure", "28", "psi", "GAU-03")),
    ("THM-09", "GAU-03"),
)
DRY: Final = Op(
    "S50",
    "09:02:20",
    "09:04:00",
    LINE,
    "Op 50  Dry: oven at 135 °F",
    (Reading("oven_temp", "135", "degF", "OVN-02"),),
    ("OVN-02",),
)
DEVELOP: Final = Op(
    "S60",
    "09:09:00",
    "09:11:00",
    LINE,
    "Op 60  Developer DEV-2409 on: coverage even",
    (Reading("coverage", "1", "bool01"),),
    materials=("DEV-2409",),
)
INSPECT: Final = Op(
    "S70",
    "09:36:00",
    "09:39:00",
    BOOTH,
    "Op 70  Inspect after 25 min: S01 to S04 read one by one, no linear indications",
    (
        Reading("dark_adapt", "90", "s"),
        Reading("uva_at_part", "2400", "uW/cm2", "RAD-07"),
        *_INDICATIONS,
    ),
    ("RAD-07",),
)
POST_CLEAN: Final = Op(
    "S80",
    "09:40:00",
    "09:41:20",
    LINE,
    "Op 80  Post-clean: free of residue",
    (Reading("residue_free", "1", "bool01"),),
)
