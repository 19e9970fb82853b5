"""The advisor: the chart against its source, known series, what follows from them, and what never does."""

import math
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import pytest
from msgspec import Raw
from msgspec.structs import replace

from holdgate.advisor.advice import Advice, Suggestion, advise
from holdgate.advisor.change import SEGMENT_MIN
from holdgate.advisor.chart import (
    BEYOND_1,
    BEYOND_2,
    BEYOND_3,
    DOWN,
    ONE_SIDE,
    TREND,
    UP,
    Chart,
    learn,
    longest_run,
    signals,
)
from holdgate.advisor.draft import draft
from holdgate.advisor.look import BASELINE_MIN, POINTS_MIN, look, show
from holdgate.advisor.plot import COLUMNS_MAX, plot
from holdgate.advisor.record import Reading, ShopRecord, Stream, Version, read_shop
from holdgate.crypto.envelope import seal
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.crypto.keys import SigningKey
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.contract import (
    Adaptable,
    Characteristic,
    SmartClientPO,
    SmartSP,
    Step,
    document_digest,
    encode_document,
)
from holdgate.law.decision import allow
from holdgate.ledger.entry import Entry, LawRef, Source, encode_entry
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed, Unavailable

T0: Final = 1_743_512_400_000_000
HUB, NODE = "HUB", "NODE-1"
SIGMA_1: Final = Chart(Fraction(0), Fraction(1), Fraction(1128, 1000), 1)


def fractions(*values: float | str) -> list[Fraction]:
    return [Fraction(str(value)) for value in values]


def series(points: int, level: Callable[[int], float], seed: int = 7, places: int = 1) -> list[str]:
    """Readings about 50 with a sigma of 1, and a level on top."""
    chance = random.Random(seed)
    return [f"{50 + level(i) + chance.gauss(0, 1):.{places}f}" for i in range(points)]


def steady(_: int) -> float:
    return 0.0


def up(i: int) -> float:
    return 3.0 * (i >= 30)


def down(i: int) -> float:
    return -3.0 * (i >= 30)


def rising(i: int) -> float:
    return 0.12 * i


# ---- the chart -----------------------------------------------------------------------------------------------------


def test_the_chart_of_its_source() -> None:
    """NIST/SEMATECH e-Handbook 6.3.2.2: flow rates, with the figures that the page prints."""
    flow = fractions(49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1)
    chart = learn(flow, len(flow))
    assert (show(chart.centre), show(chart.moving_range)) == ("50.81", "1.87778")
    assert (f"{float(chart.upper):.4f}", f"{float(chart.lower):.4f}") == ("55.8041", "45.8159")


def test_a_chart_learns_from_the_baseline_alone() -> None:
    values = fractions(1, 2, 1, 2, 900, 1000)
    assert learn(values, 4) == Chart(Fraction(3, 2), 1 / Fraction(1128, 1000), Fraction(1), 4)


@pytest.mark.parametrize(
    ("values", "rule", "points"),
    [
        ((0, 0, 3.01, 0), BEYOND_3, [2]),
        ((0, 0, 3, 0), BEYOND_3, []),
        ((2.1, 0, 2.1, 0), BEYOND_2, [2]),
        ((2.1, 0, 0, 2.1), BEYOND_2, []),
        ((2.1, 0, -2.1, 0), BEYOND_2, []),
        ((1.1, 1.1, 0, 1.1, 1.1), BEYOND_1, [4]),
        ((1.1, 1.1, 1.1, 1.1, 0), BEYOND_1, [3]),
        ((1.1, 1.1, 0, 0, 1.1, 1.1), BEYOND_1, []),
        ((0.1,) * 8, ONE_SIDE, [7]),
        ((0.1,) * 7 + (0,) + (0.1,) * 7, ONE_SIDE, []),
        ((0, 0.1, 0.2, 0.3, 0.4, 0.5), TREND, [5]),
        ((0, 0.1, 0.2, 0.2, 0.3, 0.4), TREND, []),
    ],
)
def test_a_rule_speaks_where_it_should_on_either_side(values: Sequence[float], rule: str, points: list[int]) -> None:
    for side in (UP, DOWN):
        found = signals([side * value for value in fractions(*values)], SIGMA_1)
        assert [(s.point, s.side) for s in found if s.rule == rule] == [(point, side) for point in points]


def test_the_longest_run_is_on_one_side() -> None:
    values = fractions(1, 1, -1, 1, 1, 1, 0, 1)
    assert (longest_run(values, Fraction(0), UP), longest_run(values, Fraction(0), DOWN)) == (3, 1)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(1, 3), "0.333333"),
        (Fraction(-2000000, 3), "-666667"),
        (Fraction(12345678), "12345700"),
        (Fraction(5, 2), "2.5"),
        (Fraction(1, 3_000_000), "0.000000333333"),
        (Fraction(9999996, 10), "1000000"),
    ],
)
def test_numbers_are_shown_with_six_digits(number: Fraction, text: str) -> None:
    assert show(number) == text


# ---- what a series says --------------------------------------------------------------------------------------------


def verdict(values: Sequence[str]) -> str:
    return look(fractions(*values), 1).verdict


def test_one_reading_less_than_the_least_is_too_few() -> None:
    values = series(POINTS_MIN, steady)
    assert verdict(values) == "in control"
    found = look(fractions(*values[:-1]), 1)
    assert (found.verdict, found.chart, found.side) == ("too few", None, 0)
    assert str(POINTS_MIN - 1) in found.told[0]


def test_a_constant_series() -> None:
    found = look(fractions(*["21.5"] * 60), 1)
    assert (found.verdict, found.chart) == ("constant", None)


def test_a_constant_series_with_one_other_reading_is_too_coarse_to_chart() -> None:
    assert verdict(["21.5"] * 30 + ["21.6"] + ["21.5"] * 29) == "coarse"


def test_readings_coarser_than_the_process() -> None:
    coarse = [str(round(float(value) / 20)) for value in series(60, lambda i: 5.0 * (i % 2))]
    found = look(fractions(*coarse), 0)
    assert (found.verdict, found.chart) == ("coarse", None)
    assert "read finer" in found.told[0]


def test_in_control() -> None:
    found = look(fractions(*series(60, steady)), 1)
    assert (found.verdict, found.side, found.starts) == ("in control", 0, (0,))
    assert "left alone" in found.told[0]


@pytest.mark.parametrize(("level", "side"), [(up, UP), (down, DOWN)])
def test_a_shift_is_found_where_it_is(level: Callable[[int], float], side: int) -> None:
    found = look(fractions(*series(48, level)), 1)
    assert (found.verdict, found.side) == ("shift", side)
    assert abs(found.starts[1] - 30) <= 1
    assert found.chart is not None
    assert found.chart.baseline == found.starts[1]
    assert abs(found.chart.centre - 50) < 1


@pytest.mark.parametrize("sign", [UP, DOWN])
def test_a_drift(sign: int) -> None:
    found = look(fractions(*series(60, lambda i: sign * rising(i))), 1)
    assert (found.verdict, found.side) == ("drift", sign)


def test_a_drift_that_begins_late_is_a_staircase() -> None:
    found = look(fractions(*series(80, lambda i: max(0.0, 0.3 * (i - 40)))), 1)
    assert (found.verdict, found.side) == ("drift", UP)


def test_a_drift_of_few_readings_says_too_few_and_one_more_is_enough() -> None:
    least = POINTS_MIN + SEGMENT_MIN
    found = look(fractions(*series(least - 1, lambda i: 1.5 * i)), 1)
    assert (found.verdict, found.side) == ("too few", 0)
    assert look(fractions(*series(least, lambda i: 1.5 * i)), 1).verdict == "drift"


def test_readings_that_stood_still_and_then_moved_are_too_coarse_to_chart() -> None:
    found = look(fractions(*["50.0"] * 25, *series(25, lambda _: 8.0)), 1)
    assert (found.verdict, found.side, found.chart) == ("coarse", 0, None)
    assert "hardly vary" in found.told[0]


def test_a_process_that_came_back_is_left_alone() -> None:
    found = look(fractions(*series(70, lambda i: 4.0 * (25 <= i < 35))), 1)
    assert (found.verdict, found.side) == ("returned", 0)
    assert len(found.starts) == 3


def test_a_change_before_the_process_was_known() -> None:
    found = look(fractions(*series(40, lambda i: 5.0 * (i >= BASELINE_MIN - 2))), 1)
    assert (found.verdict, found.side) == ("too few", 0)
    assert "--since" in found.told[0]


def test_one_wild_reading_is_no_change() -> None:
    values = series(60, steady)
    values[40] = "62.0"
    found = look(fractions(*values), 1)
    assert found.side == 0
    assert any(signal.rule == BEYOND_3 and signal.point == 40 for signal in found.signals)


def test_steady_processes_raise_no_alarm() -> None:
    """Chance alone: 200 steady processes, and none of them is taken for a departure."""
    assert [seed for seed in range(200) if look(fractions(*series(40, steady, seed)), 1).side] == []


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruptures", None)
    with pytest.raises(Unavailable, match=r"holdgate\[advisor\]"):
        look(fractions(*series(60, up)), 1)


# ---- what follows --------------------------------------------------------------------------------------------------


MAXIMUM: Final = Adaptable(
    id="pressure_max",
    kind="characteristic_max",
    step="S40",
    characteristic="pressure",
    value="60",
    min="51.5",
    max="60",
    tighter="lower",
    approve=("level3",),
)
MINIMUM: Final = replace(
    MAXIMUM, id="pressure_min", kind="characteristic_min", value="40", min="40", max="48.5", tighter="higher"
)
PRESSURE: Final = Characteristic(id="pressure", unit="psi", min="40", max="60")
STREAM: Final = Stream("sha", "S40", "pressure", NODE)


def version(*adaptable: Adaptable, measured: Characteristic = PRESSURE) -> Version:
    step = Step(id="S40", name="Rinse", role="technician", characteristics=(measured,))
    technique = SmartSP(id="SP-1", version="3", title="-", author="A", steps=(step,), adaptable=adaptable)
    template = SmartClientPO(
        id="SP-1",
        version="3",
        title="-",
        author="A",
        process=document_digest(technique),
        price_minor=1,
        currency="USD",
        billing=(),
        client_window_s=1,
        on_silence="escalate",
    )
    return Version("sha", "SP-1", "3", template, technique)


def readings(values: Sequence[str], unit: str = "psi") -> tuple[Reading, ...]:
    return tuple(
        Reading(
            site=NODE, seq=10 + i, at=T0 + i * 60_000_000, order="PO-1", job="J-1", step="S40", value=value, unit=unit
        )
        for i, value in enumerate(values)
    )


def advised(values: Sequence[str], held: Version | None = None, record: ShopRecord | None = None) -> Advice:
    return advise(record or ShopRecord(), held or version(MAXIMUM, MINIMUM), STREAM, readings(values))


def suggested(values: Sequence[str], held: Version | None = None, record: ShopRecord | None = None) -> Suggestion:
    suggestion = advised(values, held, record).suggestion
    assert suggestion is not None
    return suggestion


def test_a_shift_up_tightens_the_maximum_to_the_natural_limit_rounded_down() -> None:
    values = series(48, up)
    chart = look(fractions(*values), 1).chart
    assert chart is not None
    suggestion = suggested(values)
    assert (suggestion.act, suggestion.param, suggestion.now) == ("tune.suggest", "pressure_max", "60")
    assert suggestion.value == f"{math.floor(chart.upper * 10) / 10:.1f}"
    assert Fraction(suggestion.value) <= chart.upper < Fraction(suggestion.value) + Fraction(1, 10)
    since = [value for value in values[30:] if Fraction(value) > Fraction(suggestion.value)]
    assert abs(suggestion.missed - len(since)) <= 1


def test_a_shift_down_tightens_the_minimum_to_the_natural_limit_rounded_up() -> None:
    values = series(48, down)
    chart = look(fractions(*values), 1).chart
    assert chart is not None
    suggestion = suggested(values)
    assert (suggestion.param, suggestion.now) == ("pressure_min", "40")
    assert Fraction(suggestion.value) - Fraction(1, 10) < chart.lower <= Fraction(suggestion.value)


def test_a_drift_tightens_too() -> None:
    assert suggested(series(60, rising)).param == "pressure_max"


@pytest.mark.parametrize("places", [0, 1, 3])
def test_the_value_has_the_resolution_of_the_readings(places: int) -> None:
    values = [f"{float(value):.{places}f}" for value in series(60, lambda i: 8.0 * (i >= 30), places=6)]
    if places == 0:
        values = [str(round(float(value) * 10)) for value in series(60, lambda i: 8.0 * (i >= 30), places=6)]
        wide = replace(MAXIMUM, value="700", min="0", max="700")
        assert "." not in suggested(values, version(wide)).value
        return
    assert len(suggested(values).value.partition(".")[2]) == places


@pytest.mark.parametrize("level", [steady, lambda i: 4.0 * (25 <= i < 35)], ids=["in control", "returned"])
def test_nothing_is_suggested_where_nothing_departed(level: Callable[[int], float]) -> None:
    assert advised(series(70, level)).suggestion is None


@pytest.mark.parametrize("values", [series(POINTS_MIN - 1, up), ["21.5"] * 60], ids=["too few", "constant"])
def test_nothing_is_suggested_where_nothing_is_known(values: list[str]) -> None:
    advice = advised(values)
    assert (advice.suggestion, advice.figures, advice.plot) == (None, None, ())
    assert advice.told


def test_the_bounds_of_the_contract_are_kept() -> None:
    bounded = replace(MAXIMUM, min="55.25")
    assert suggested(series(48, up), version(bounded)).value == "55.25"


def test_never_looser_than_what_is_tuned_already() -> None:
    record = ShopRecord()
    record.tuned["sha", "pressure_max"] = "52"
    suggestion = suggested(series(48, up), record=record)
    assert suggestion.act == "ai.suggest"
    assert "pressure_max stands at 52 psi" in suggestion.change
    record.tuned["sha", "pressure_max"] = "58"
    assert (suggested(series(48, up), record=record).act, suggested(series(48, up), record=record).now) == (
        "tune.suggest",
        "58",
    )


def test_a_process_far_inside_its_limits_that_moves_outward_gets_no_looser_limit() -> None:
    tight = replace(MAXIMUM, value="51", min="49", max="60")
    assert suggested(series(48, up), version(tight)).act == "ai.suggest"


@pytest.mark.parametrize(
    "held",
    [
        version(),
        version(MINIMUM),
        version(replace(MAXIMUM, step="S50")),
        version(replace(MAXIMUM, characteristic="temperature")),
        version(replace(MAXIMUM, tighter="higher")),
        version(replace(MAXIMUM, kind="window_max_s")),
    ],
    ids=["nothing", "the other side", "another step", "another characteristic", "declared the other way", "a window"],
)
def test_where_the_contract_declares_nothing_that_fits_it_is_a_thought_for_people(held: Version) -> None:
    suggestion = suggested(series(48, up), held)
    assert (suggestion.act, suggestion.param, suggestion.value) == ("ai.suggest", "", "")
    assert "no adaptable maximum of pressure at S40" in suggestion.change


def test_a_guard_band_stands_between_the_limit_and_what_is_accepted() -> None:
    plain, guarded = suggested(series(48, up)), replace(PRESSURE, rule="guard_band", U="0.4")
    suggestion = suggested(series(48, up), version(MAXIMUM, measured=guarded))
    chart = look(fractions(*series(48, up)), 1).chart
    assert chart is not None
    accepted = Fraction(suggestion.value) - Fraction("0.4")
    assert accepted <= chart.upper < accepted + Fraction(1, 10)
    assert abs(suggestion.missed - plain.missed) <= 1
    low = suggested(series(48, down), version(MINIMUM, measured=guarded))
    chart = look(fractions(*series(48, down)), 1).chart
    assert chart is not None
    assert Fraction(low.value) + Fraction("0.4") >= chart.lower


@pytest.mark.parametrize(("waiting", "again"), [("50", False), ("59.9", True)])
def test_a_suggestion_that_waits_is_repeated_only_if_it_became_tighter(waiting: str, again: bool) -> None:
    record = ShopRecord()
    record.waiting["sha", "pressure_max"] = waiting
    advice = advised(series(48, up), record=record)
    assert (advice.suggestion is not None) is again
    assert again or "waits for approval" in advice.told[-1]


def test_the_evidence_names_the_numbers_and_the_readings() -> None:
    values = series(48, up)
    advice = advised(values)
    assert advice.suggestion is not None
    evidence = advice.suggestion.evidence
    assert advice.readings_sha256 == digest(canon.encode(readings(values)))
    assert advice.figures is not None
    for part in (
        "48 readings of pressure at S40, NODE-1, entries 10 to 57",
        "shift up",
        advice.figures.upper,
        advice.readings_sha256,
        "would not conform",
        ONE_SIDE,
    ):
        assert part in evidence
    assert len(evidence) <= limits.TEXT_CHARS_MAX


def test_the_same_readings_give_the_same_advice_to_the_letter() -> None:
    assert canon.encode(advised(series(48, up))) == canon.encode(advised(series(48, up)))


def test_another_reading_gives_another_digest() -> None:
    values = series(48, up)
    assert advised(values).readings_sha256 != advised([*values[:-1], "50.0"]).readings_sha256


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ((*readings(["1"] * 30), *readings(["1"], "bar")), "never converted"),
        ((), "no unit"),
        (readings(["1", "about 2"]), "not a decimal"),
        (readings(["1"] * 5_001), "--since"),
    ],
)
def test_readings_that_cannot_be_charted_together(found: tuple[Reading, ...], why: str) -> None:
    with pytest.raises(Malformed, match=why):
        advise(ShopRecord(), version(), STREAM, found)


# ---- the draft -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [version(MAXIMUM), version()], ids=["tune.suggest", "ai.suggest"])
def test_the_draft_is_an_act_that_the_law_reads(held: Version) -> None:
    suggestion = suggested(series(48, up), held)
    command = draft(suggestion, HUB, c.Signer(id="SID-AI-01", role="ai"), T0)
    read = c.parse_command(canon.encode(command))
    assert read == command
    assert (read.site, read.actor.id, read.at) == (HUB, "SID-AI-01", T0)
    if isinstance(read, c.SuggestTune):
        assert (read.param, read.value, read.version, read.evidence) == (
            suggestion.param,
            suggestion.value,
            "3",
            suggestion.evidence,
        )
    else:
        assert isinstance(read, c.SuggestChange)
        assert read.change == suggestion.change


def test_the_same_draft_is_the_same_bytes_and_another_time_another_wish() -> None:
    suggestion, ai = suggested(series(48, up)), c.Signer(id="SID-AI-01", role="ai")
    assert draft(suggestion, HUB, ai, T0) == draft(suggestion, HUB, ai, T0)
    assert draft(suggestion, HUB, ai, T0).nonce != draft(suggestion, HUB, ai, T0 + 1).nonce


# ---- the picture ---------------------------------------------------------------------------------------------------


def test_the_chart_as_text() -> None:
    values = fractions(0, 1, -1, 3.5, 0, 0, 0, 0)
    drawn = plot(values, SIGMA_1, signals(values, SIGMA_1), (0, 4))
    assert drawn[0].endswith("|   x")
    assert next(line for line in drawn if line.lstrip().startswith("3 |")) == " 3 |========"
    assert next(line for line in drawn if line.lstrip().startswith("0 |")) == " 0 |o---oooo"
    assert drawn[-1] == "        |"


def test_only_the_last_readings_are_drawn_and_what_is_far_out_stands_at_the_edge() -> None:
    values = fractions(*[0] * 100, 99, -99)
    drawn = plot(values, SIGMA_1, (), (0,))
    assert max(len(line) for line in drawn) == COLUMNS_MAX + len(" 3 |")
    assert drawn[0].endswith("o")
    assert drawn[-1].endswith("o")


# ---- what is read --------------------------------------------------------------------------------------------------


class Log:
    """A log as found, made by hand."""

    def __init__(self, site: str = NODE, contract: str | None = None) -> None:
        self.site = site
        self.contract = contract
        self.entries: list[Entry] = []
        self.blobs: dict[str, bytes] = {}

    def say(self, *events: ev.AnyEvent, kind: str = "action", command: c.Command | None = None) -> int:
        seq = len(self.entries)
        action = b"null" if command is None else seal(canon.encode(command), [("TEC", SigningKey(b"\x01" * 32))])
        self.entries.append(
            Entry(
                site=self.site,
                seq=seq,
                epoch="e",
                at=T0 + seq * 1_000_000,
                kind=kind,
                subject="PO-1/J-1",
                source=Source(module="WS", node=self.site),
                law=LawRef(semantics=1, contract=self.contract),
                decision=Raw(canon.encode(allow(*events))),
                action=Raw(action),
            )
        )
        return seq

    def bodies(self) -> Iterator[tuple[int, bytes, bytes]]:
        for entry in self.entries:
            body = encode_entry(entry)
            yield entry.seq, leaf_hash(body), body

    def blob(self, key: str) -> bytes | None:
        return self.blobs.get(key)

    def checkpoint(self) -> bytes:
        return b""

    def cosignatures(self) -> Mapping[str, bytes]:
        return {}


AT: Final[dict[str, Any]] = {"order": "PO-1", "job": "J-1", "step": "S40"}


def read_event(value: str, **changes: Any) -> ev.ReadingRecorded:
    fields = {**AT, "characteristic": "pressure", "value": value, "unit": "psi", "conforms": True}
    return ev.ReadingRecorded(**(fields | changes))


def hub() -> tuple[Log, str]:
    """A hub's log with a contract in force."""
    log, held = Log(HUB), version(MAXIMUM)
    sha256 = document_digest(held.template)
    log.blobs = {sha256: encode_document(held.template), held.template.process: encode_document(held.technique)}
    log.say(ev.ContractSubmitted(contract="SP-1", version="3", sha256=sha256, author="A"))
    log.say(ev.ContractActivated(sha256=sha256, effectivity="new_orders"))
    return log, sha256


def only(record: ShopRecord) -> tuple[Stream, tuple[Reading, ...]]:
    ((stream, found),) = record.streams()
    return stream, found


def test_readings_and_contracts_are_read_from_the_logs() -> None:
    office, sha256 = hub()
    node = Log(contract=sha256)
    for value in ("50.1", "50.2"):
        node.say(read_event(value, serial="S01"))
    record = read_shop([office, node])
    stream, found = only(record)
    assert stream == Stream(sha256, "S40", "pressure", NODE)
    assert [(r.seq, r.at, r.value, r.unit, r.serial) for r in found] == [
        (0, T0, "50.1", "psi", "S01"),
        (1, T0 + 1_000_000, "50.2", "psi", "S01"),
    ]
    assert (record.hub, record.in_force) == (HUB, {"SP-1": sha256})
    assert record.versions[sha256].technique.adaptable == (MAXIMUM,)


def test_a_corrected_value_stands_where_the_first_one_stood() -> None:
    node = Log(contract="sha")
    for value in ("50.1", "501", "50.3"):
        node.say(read_event(value, serial="S01" if value != "50.3" else "S02"))
    node.say(
        ev.ReadingCorrected(
            **AT, characteristic="pressure", old_value="501", value="50.2", conforms=True, by="TEC", serial="S01"
        )
    )
    _, found = only(read_shop([node]))
    assert [(r.value, r.corrected) for r in found] == [("50.1", 0), ("50.2", 3), ("50.3", 0)]


def test_a_late_reading_stands_where_it_was_observed() -> None:
    node = Log(contract="sha")
    node.say(read_event("1"))
    node.say(read_event("2"))
    late = c.RecordLate(
        site=NODE,
        at=T0,
        nonce="n",
        signers=(c.Signer(id="TEC", role="technician"),),
        **AT,
        contract="sha",
        characteristic="pressure",
        value="1.5",
        unit="psi",
        observed_at=T0 + 500_000,
        reason="r",
    )
    node.say(read_event("1.5", late=True), command=late)
    _, found = only(read_shop([node]))
    assert [(r.value, r.late) for r in found] == [("1", False), ("1.5", True), ("2", False)]


def test_a_step_that_is_pinned_by_itself_counts_under_its_own_version() -> None:
    node = Log(contract="old")
    node.say(read_event("1"))
    node.say(ev.StepStarted(**AT, by="TEC", equipment=(), materials=(), contract="new", version="4"))
    node.say(read_event("2"))
    assert [(stream.sha256, [r.value for r in found]) for stream, found in read_shop([node]).streams()] == [
        ("old", ["1"]),
        ("new", ["2"]),
    ]


def test_streams_are_kept_apart_by_site_step_and_characteristic() -> None:
    one, other = Log(contract="sha"), Log("NODE-2", contract="sha")
    one.say(read_event("1"))
    one.say(read_event("2", step="S50"))
    one.say(read_event("3", characteristic="temperature"))
    other.say(read_event("4"))
    assert len(list(read_shop([one, other]).streams())) == 4


def test_a_second_log_of_the_same_site_counts_once() -> None:
    node, mirror = Log(contract="sha"), Log(contract="sha")
    for log in (node, mirror):
        log.say(read_event("1"))
    assert len(only(read_shop([node, mirror]))[1]) == 1


def test_only_acts_are_read() -> None:
    node = Log(contract="sha")
    node.say(read_event("1"), kind="import")
    assert list(read_shop([node]).streams()) == []


def test_what_is_tuned_and_what_waits() -> None:
    office, sha256 = hub()
    office.say(ev.TuneSuggested(sha256=sha256, param="pressure_max", value="55", by="AI"))
    assert read_shop([office]).waiting == {(sha256, "pressure_max"): "55"}
    office.say(ev.ParameterTuned(sha256=sha256, param="pressure_max", value="55"))
    record = read_shop([office])
    assert (record.waiting, record.tuned) == ({}, {(sha256, "pressure_max"): "55"})
    office.say(ev.TuneSuggested(sha256=sha256, param="pressure_max", value="54", by="AI"))
    office.say(ev.TuneReverted(sha256=sha256, param="pressure_max", by="QA"))
    record = read_shop([office])
    assert (record.waiting, record.tuned) == ({}, {})


def test_a_contract_whose_documents_are_not_here_is_not_known() -> None:
    office, _ = hub()
    office.blobs = {}
    assert read_shop([office]).versions == {}
