"""Part marks as scanners send them: what is read, and what is refused with a sentence that helps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.adapters.epcis_uris import read_part
from holdgate.adapters.marks import Mark, read_mark
from holdgate.terms.errors import Malformed

RS, GS, EOT = "\x1e", "\x1d", "\x04"


def message(*blocks: str) -> str:
    return f"[)>{RS}{RS.join(blocks)}{RS}{EOT}"


def read(text: str) -> Mark:
    return read_mark(text, read_part)


def mark(part_no: str, serial: str, rev: str | None = None) -> Mark:
    return Mark(part_no=part_no, serial=serial, rev=rev)


# The identities of the DoD guide's examples: CAGE 0CVA5, DUNS 194532636, part 1234, serial 786950; the GTINs are GS1's own.
READ: dict[str, tuple[str, Mark]] = {
    "MIL-STD-130 construct 2, CAGE": (message(f"06{GS}17V0CVA5{GS}1P1234{GS}S786950"), mark("1234", "786950")),
    "MIL-STD-130 construct 2, DUNS": (message(f"06{GS}12V194532636{GS}1P1234{GS}S786950"), mark("1234", "786950")),
    "issuing agency and enterprise": (message(f"06{GS}18VD0CVA5{GS}1P1234{GS}S786950"), mark("1234", "786950")),
    "with a revision and a lot": (
        message(f"06{GS}17V0CVA5{GS}1P4512-7{GS}2PC{GS}1TH77{GS}SS01"),
        mark("4512-7", "S01", "C"),
    ),
    "the order does not count": (message(f"06{GS}S786950{GS}1P1234{GS}17V0CVA5"), mark("1234", "786950")),
    "SPEC 2000, DD": (message(f"DD{GS}MFR 0CVA5{GS}PNO 1234{GS}SEQ 786950"), mark("1234", "786950")),
    "SPEC 2000, 12": (message(f"12{GS}CAG 0CVA5{GS}PNO 1234{GS}SER 786950"), mark("1234", "786950")),
    "the present part number": (
        message(f"DD{GS}MFR 0CVA5{GS}PNO 1234{GS}PNR 1234-2{GS}SER 786950"),
        mark("1234-2", "786950"),
    ),
    "GS1 in ISO 15434": (message(f"05{GS}0109506000134352{GS}21X-77"), mark("09506000134352", "X-77")),
    "another format beside it": (message(f"07{GS}free text", f"06{GS}17V0CVA5{GS}1P1234{GS}S1"), mark("1234", "1")),
    "separators as pictures": (
        "[)>\u241e06\u241d17V0CVA5\u241d1P1234\u241dS786950\u241e\u2404",
        mark("1234", "786950"),
    ),
    "separators in words": ("[)><RS>06<GS>17V0CVA5<GS>1P1234<GS>S786950<RS><EOT>", mark("1234", "786950")),
    "without the trailer": (f"[)>{RS}06{GS}17V0CVA5{GS}1P1234{GS}S786950\r\n", mark("1234", "786950")),
    "printed element strings": ("(01)09506000134352(21)X-77", mark("09506000134352", "X-77")),
    "printed, with lot and date": ("(01)09506000134352 (17)261231(10)H77(21)X-77", mark("09506000134352", "X-77")),
    "GS1 Data Matrix": (f"]d20109506000134352172612312112345{GS}10H77", mark("09506000134352", "12345")),
    "GS1-128": (f"]C1010950600013435210H77{GS}2112345", mark("09506000134352", "12345")),
    "without a symbology identifier": ("01095060001343522112345", mark("09506000134352", "12345")),
    "a serial with signs": ("(01)09506000134352(21)A/B+1%", mark("09506000134352", "A/B+1%")),
    "a serial that looks like an identifier": ("010950600013435221101", mark("09506000134352", "101")),
    "Digital Link": ("https://id.gs1.org/01/09506000134352/21/12345", mark("09506000134352", "12345")),
    "an SGTIN": ("urn:epc:id:sgtin:9506000.013435.12345", mark("09506000134352", "12345")),
    "an ADI": ("urn:epc:id:adi:0CVA5.4512-7.S01", mark("4512-7", "S01")),
    "typed": ("4512-7/C/S01", mark("4512-7", "S01", "C")),
    "typed, with blanks and an end of line": (" 4512-7 / C / S 01 \r\n", mark("4512-7", "S 01", "C")),
    "typed without a revision": ("4512-7//S01", mark("4512-7", "S01")),
    "a typed part number of digits": ("01095060001343/A/1", mark("01095060001343", "1", "A")),
}
REFUSED: dict[str, tuple[str, str]] = {
    "nothing": ("", "PART/REV/SERIAL"),
    "a word": ("S01", "PART/REV/SERIAL"),
    "two fields": ("4512-7/S01", "PART/REV/SERIAL"),
    "four fields": ("45/12/C/S01", "PART/REV/SERIAL"),
    "no serial": ("4512-7/C/", "PART/REV/SERIAL"),
    "no ASCII": ("4512-7/C/Ѕ01", "printable ASCII"),
    "a control character": ("4512-7/C/S\x0001", "printable ASCII"),
    "too long": ("P" * 1_100 + "/C/S01", "longer than"),
    "too long a field": ("P" * 65 + "/C/S01", "1 to 64"),
    "no RS behind the header": ("[)>06" + GS + "1P1234", "control characters"),
    "construct 1 names no part number": (message(f"06{GS}17V0CVA5{GS}S786950"), "without a part number"),
    "an identity in one piece": (message(f"06{GS}25SD0CVA51234786950"), "in one piece (25S)"),
    "its text element": (message(f"DD{GS}UID D0CVA51234786950"), "in one piece (UID)"),
    "no serial in it": (message(f"06{GS}17V0CVA5{GS}1P1234"), "no serial"),
    "a lot": (message(f"06{GS}17V0CVA5{GS}1P1234{GS}1TH77"), "the lot 'H77'"),
    "two serials": (message(f"06{GS}1P1234{GS}S1{GS}S2"), "gives S twice"),
    "two kinds of serial": (message(f"DD{GS}PNO 1234{GS}SEQ 1{GS}SER 2"), "in two ways"),
    "two formats that name a part": (message(f"06{GS}1P1{GS}S1", f"06{GS}1P2{GS}S2"), "more than one"),
    "no format that does": (message(f"07{GS}1P1234"), "no format"),
    "an identifier that is not known": (message(f"06{GS}1P1234{GS}S1{GS}31Z9"), "31Z is not read"),
    "no element at all": (message(f"06{GS}1P1234{GS}S1{GS}-"), "no data element"),
    "a text element in format 06": (message(f"06{GS}MFR 0CVA5{GS}PNO 1234{GS}SEQ 1"), "not read here"),
    "a wrong check digit": ("(01)09506000134353(21)1", "check digit"),
    "a GTIN that is short": ("(01)9506000134352(21)1", "length"),
    "a serial that is long": ("(01)09506000134352(21)" + "1" * 21, "length"),
    "no GS1 serial": ("(01)09506000134352(10)H77", "the lot 'H77'"),
    "GTIN twice": ("(01)09506000134352(01)09506000134352(21)1", "twice"),
    "a pallet": ("(00)106141412345678908", "packing unit"),
    "an asset": ("(8004)95060001343", "without its part number"),
    "an asset's URI": ("urn:epc:id:giai:9506000.1343", "without its part number"),
    "an identifier of GS1 that is not read": ("(01)09506000134352(21)1(7003)2612312359", "(7003) is not read"),
    "brackets that do not close": ("(01)09506000134352(21", "no GS1 element string"),
    "an unknown identifier in a symbol": ("]d2990109506000134352", "not read here"),
    "a sign that GS1 forbids": ("(01)09506000134352(21)A^B", "forbids"),
    "another web address": ("https://example.com/01/09506000134352/21/1", "does not name a part"),
    "another URN": ("urn:epc:id:sscc:0614141.1234567890", "does not name a part"),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_a_mark_names(name: str) -> None:
    text, expected = READ[name]
    assert read(text) == expected


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_and_why(name: str) -> None:
    text, words = REFUSED[name]
    with pytest.raises(Malformed) as caught:
        read(text)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


PIECES = st.sampled_from([
    "[)>", RS, GS, EOT, "06", "05", "12", "DD", "17V0CVA5", "1P1234", "2PC", "S786950", "PNO 1234", "SEQ 1", "(01)", "(21)", "]d2",
    "01", "21", "09506000134352", "https://id.gs1.org/", "urn:epc:id:adi:", "/", "é", "\x00", "\ud800",
])  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join))
def test_any_text_is_a_part_or_a_sentence(text: str) -> None:
    try:
        found = read(text)
    except Malformed:
        return
    for value in (found.part_no, found.serial, found.rev or "-"):
        assert value.isascii()
        assert value.isprintable()
        assert 1 <= len(value) <= 64
