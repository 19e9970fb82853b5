"""The people and things of story B, and its ops: who does them where, what is read, with what."""

from typing import Final, NamedTuple

from holdgate.demo.shop import (
    BOOTH,
    COMPLIANCE,
    DOCK,
    HEAT,
    LEVEL3,
    LINE,
    METROLOGY,
    NODE,
    OFFICE,
    PLANNER,
    RECEIVING,
    SCANNER,
    TECHNICIAN,
    VALIDATOR,
    Cast,
    Member,
)

FURNACE: Final = "FCE-01"
NEW_BATCH: Final = "PEN-25001"
BUYER: Final = "SID-CLI-02"
BAY: Final = "WS-HT-1"
STORES: Final = "WS-STO-1"
PT_LAB: Final = "WS-PTL-1"
ROOM: Final = "WS-TRN-1"

WEBER: Final = (LEVEL3, "level3")
SATO: Final = ("SID-L3-02", "level3")
ABE: Final = (METROLOGY, "metrology")
OSEI: Final = (RECEIVING, "receiving")
ALVAREZ: Final = (TECHNICIAN, "technician")
NOVAK: Final = ("SID-TEC-12", "technician")
DUVAL: Final = ("SID-TRN-01", "training")
KIM: Final = ("SID-TRN-02", "training")

_INSTRUMENTS: Final = (
    (FURNACE, "furnace", "2025-01-15", "2025-03-15"),
    ("QT-01", "quench_tank", "2024-12-31", "2025-12-31"),
    ("FTI-01", "field_test_instrument", "2024-12-31", "2025-12-31"),
    ("TTC-09", "test_thermocouple", "2024-12-31", "2025-12-31"),
    ("RAD-07", "radiometer", "2024-09-30", "2025-09-30"),
    ("PNL-01", "known_defect_panel", "2024-12-31", "2025-12-31"),
    ("THM-09", "thermometer", "2024-11-30", "2025-11-30"),
    ("GAU-03", "pressure_gauge", "2024-08-31", "2025-08-31"),
    ("FLU-01", "fluorometer", "2024-10-31", "2025-10-31"),
    ("WTR-01", "water_tester", "2024-10-31", "2025-10-31"),
)
CLASS_OF: Final = {name: kind for name, kind, _, _ in _INSTRUMENTS}
CAST: Final = Cast(
    people=(
        Member(PLANNER, "D. Reyes", ("project_manager",)),
        Member(COMPLIANCE, "L. Marsh", ("compliance",)),
        Member(LEVEL3, "Dr. H. Weber", ("level3", "author")),
        Member(SATO[0], "E. Sato", ("level3",)),
        Member(METROLOGY, "T. Abe", ("metrology",)),
        Member(RECEIVING, "R. Osei", ("receiving",)),
        Member(DUVAL[0], "N. Duval", ("training",)),
        Member(KIM[0], "O. Kim", ("training",)),
        Member(TECHNICIAN, "M. Alvarez", ("technician",)),
        Member(NOVAK[0], "J. Novak", ("technician",)),
        Member(BUYER, "NORTHWIND quality", ("client",), org="NORTHWIND"),
    ),
    things=(
        Member(VALIDATOR, "Certifying service", ("certifier",), "module"),
        Member(SCANNER, "Dock scanner", ("scanner",), "device", zone="RECEIVING"),
        Member(OFFICE, "Office workstation", ("workstation",), "device", zone="OFFICE"),
        Member(DOCK, "Dock", ("workstation",), "device", zone="RECEIVING"),
        Member(BAY, "Furnace bay", ("workstation",), "device", zone="HT-BAY", node=HEAT),
        Member(LINE, "Penetrant line", ("workstation",), "device", zone="FPI-LINE", node=NODE),
        Member(BOOTH, "Inspection booth", ("workstation",), "device", zone="FPI-BOOTH", node=NODE),
        Member(STORES, "Stores", ("workstation",), "device", zone="STORES", node=NODE),
        Member(PT_LAB, "Penetrant lab", ("workstation",), "device", zone="PT-LAB", node=NODE),
        Member(ROOM, "Training room", ("workstation",), "device", zone="TRAINING", node=NODE),
    ),
    certs={
        TECHNICIAN: {"HT-OPR": "2026-10-31", "PT-L2": "2026-11-30", "VISION": "2026-02-14"},
        NOVAK[0]: {"PT-L2": "2027-03-31", "VISION": "2026-05-20"},
        METROLOGY: {"PYROMETRY": "2026-12-31"},
    },
    instruments=_INSTRUMENTS,
    batches=((NEW_BATCH, "penetrant", "2027-05-31", False),),
    nodes=(HEAT, NODE),
)


class Deed(NamedTuple):
    """An op as it is done.

    `read`: what is read, several values in turn. `minutes`: from the last reading to the signature. `seconds`: who signs after the
    performer.
    """

    step: str
    by: tuple[str, str]
    place: str
    read: dict[str, str]
    equipment: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    minutes: int = 1
    seconds: tuple[tuple[str, str], ...] = ()


_COMPARED: Final = {"clauses_compared": "100", "techniques_reviewed": "100", "gaps_open": "0"}
ADOPTION: Final = (
    Deed("N10", WEBER, OFFICE, {"bought_whole": "1", "superseded_withdrawn": "1"}),
    Deed("N20", WEBER, OFFICE, _COMPARED, seconds=(SATO,)),
    Deed("N30", WEBER, OFFICE, {"trial_runs": "3", "trial_runs_failed": "0"}),
    Deed("N40", DUVAL, OFFICE, {"people_trained": "100"}),
)
_SET: Final = ("FTI-01", "TTC-09")


def _survey(sat: str, low: str, high: str, adjustments: str, left: tuple[str, str, str]) -> tuple[Deed, ...]:
    ready = {"sensor_error": "0.8 -0.5", "survey_sensors": "9", "same_positions": "1"}
    logged = {"logged_from_below": "150", "logging_interval": "60"}
    as_left = dict(zip(("sat_as_left", "tus_low_as_left", "tus_high_as_left"), left, strict=True))
    return (
        Deed("F10", ABE, BAY, ready, _SET),
        Deed("F20", ABE, BAY, {"sat_as_found": sat}, _SET),
        Deed("F30", ABE, BAY, {**logged, "tus_low_as_found": low, "tus_high_as_found": high}, _SET, minutes=40),
        Deed("F40", ABE, BAY, {"adjustments": adjustments}),
        Deed("F50", ABE, BAY, as_left, _SET, minutes=40),
    )


GOOD_SURVEY: Final = _survey("1.2", "864", "876", "0", ("1.1", "864", "876"))
BAD_SURVEY: Final = _survey("4.6", "852", "879", "2", ("0.9", "863", "875"))
LOAD: Final = (
    Deed("H10", ALVAREZ, BAY, {"load_thermocouples": "2", "load_as_mapped": "1"}, (FURNACE,)),
    Deed("H20", ALVAREZ, BAY, {"soak_tc1": "869 871 872 870", "soak_tc2": "868 870 871 870"}, (FURNACE,), minutes=50),
    Deed("H30", ALVAREZ, BAY, {"quench_delay": "7", "water_temp": "74"}, ("QT-01",)),
)
DAILY: Final = Deed("S10", NOVAK, BOOTH, {"uva": "2100", "ambient": "9.8", "panel_spots": "5"}, ("RAD-07", "PNL-01"))
CLEAN: Final = Deed("S20", NOVAK, LINE, {"water_break_free": "1"})
PENETRANT: Final = Deed("S30", NOVAK, LINE, {"part_temp": "72"}, ("THM-09",), (NEW_BATCH,))
RINSE: Final = Deed("S40", NOVAK, LINE, {"water_temp": "68", "water_pressure": "28"}, ("THM-09", "GAU-03"))
COURSE: Final = (
    Deed("C10", DUVAL, ROOM, {"medical_in_date": "1", "protection_fitted": "1"}),
    Deed("C20", DUVAL, ROOM, {"attended": "4"}, minutes=240),
    Deed("C30", DUVAL, ROOM, {"score": "92"}, minutes=30),
    Deed("C40", DUVAL, LINE, {"handles_safely": "1", "spill_drill": "75"}, seconds=(KIM,)),
)
SAMPLE: Final = (
    Deed(
        "B10",
        OSEI,
        STORES,
        {
            "label_matches_certificate": "1",
            "on_qualified_list": "1",
            "containers_intact": "1",
            "shelf_life_left": "780",
        },
    ),
    Deed("B20", ALVAREZ, PT_LAB, {"brightness": "98", "water_content": "1.2"}, ("FLU-01", "WTR-01")),
    Deed("B30", OSEI, STORES, {"storage_temp": "70", "first_in_first_out": "1"}, ("THM-09",)),
)
