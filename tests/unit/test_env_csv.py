"""A logger's CSV file: what is taken, what is refused and in which row, and the acts that come out."""

import base64
import json
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.adapters.env_csv import Columns, Fault, Value, commands, parse
from holdgate.adapters.zones import local_instant
from holdgate.law import command as c
from holdgate.terms import canon, instant
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import ENV_FILE_BYTES_MAX, ENV_ROWS_MAX
from tests.unit.test_cli import run

GOOD: Final = b"time,value\n2025-04-01T13:00:00Z,21.5\n2025-04-01T13:05:00Z,21.75\n"
AT: Final = instant.parse("2025-04-01T13:00:00Z")
MINUTE: Final = 60_000_000
BERLIN: Final = partial(local_instant, tz="Europe/Berlin")


def taken(raw: bytes, **more: Any) -> list[tuple[int, int, str]]:
    parsed = parse(raw, "degC", **more)
    assert parsed.faults == ()
    return [(value.row, value.at, value.value) for value in parsed.values]


def fault(raw: bytes, **more: Any) -> Fault:
    parsed = parse(raw, "degC", **more)
    assert parsed.values == (), "a file is taken whole or not at all"
    (only,) = parsed.faults
    return only


def row(time: str, value: str = "21.5") -> bytes:
    return f"time,value\n{time},{value}\n".encode()


# ---- what is taken -------------------------------------------------------------------------------------------------


def test_a_plain_file() -> None:
    assert taken(GOOD) == [(2, AT, "21.5"), (3, AT + 5 * MINUTE, "21.75")]


@pytest.mark.parametrize(
    "raw",
    [
        GOOD.replace(b",", b";"),
        GOOD.replace(b",", b"\t"),
        GOOD.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"21.5", b'"21.5"').replace(b"21.75", b" 21.75 "),
        GOOD.rstrip(b"\n"),
        b"no,time,note,value\n1,2025-04-01T13:00:00Z,,21.5\n2,2025-04-01T15:05:00+02:00,door,21.75\n",
    ],
    ids=["semicolons", "tabs", "CRLF", "BOM", "quotes and blanks", "no end", "other columns, another offset"],
)
def test_the_same_file_in_other_spellings(raw: bytes) -> None:
    assert taken(raw) == taken(GOOD)


def test_rows_are_numbered_as_a_spreadsheet_does() -> None:
    assert [value[0] for value in taken(GOOD.replace(b"\n2025-04-01T13:05", b"\n\n2025-04-01T13:05"))] == [2, 4]


def test_a_decimal_comma_where_the_caller_says_so() -> None:
    raw = b"time;value\n2025-04-01T13:00:00Z;21,5\n2025-04-01T13:01:00Z;21.5\n"
    assert [value[2] for value in taken(raw, decimal_comma=True)] == ["21.5", "21.5"]


def test_a_unit_column_that_agrees() -> None:
    raw = b"when,temp,u\n2025-04-01T13:00:00Z,21.5,degC\n"
    assert taken(raw, columns=Columns("when", "temp", "u")) == [(2, AT, "21.5")]


def test_times_without_an_offset_stand_in_the_zone_that_is_named() -> None:
    assert taken(row("2025-04-01 15:00:00"), local=BERLIN) == [(2, AT, "21.5")]
    assert taken(row("2025-04-01T15:00:00"), local=BERLIN) == [(2, AT, "21.5")]
    assert taken(row("2025-04-01T13:00:00Z"), local=BERLIN) == [(2, AT, "21.5")], "an offset goes before the zone"


# ---- what is refused, row by row -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (row("2025-04-01T13:00:00"), "no time zone"),
        (row("01.04.2025 13:00"), "not a time"),
        (row("2025-04-01T25:00:00Z"), "not a time"),
        (row(""), "not a time"),
        (row("2025-04-01T13:00:00Z", "21,5"), "columns"),
        (row("2025-04-01T13:00:00Z", ""), "not a number"),
        (row("2025-04-01T13:00:00Z", "2.15e1"), "not a number"),
        (row("2025-04-01T13:00:00Z", "+21.5"), "not a number"),
        (row("2025-04-01T13:00:00Z", "NaN"), "not a number"),
        (row("2025-04-01T13:00:00Z", "21.5 degC"), "not a number"),
        (row("2025-04-01T13:00:00Z", "21.5,1"), "columns"),
        (b"time;value\n2025-04-01T13:00:00Z;21,5\n", "decimal commas"),
    ],
)
def test_a_row_that_is_wrong_is_named(raw: bytes, why: str) -> None:
    found = fault(raw)
    assert found.row == 2
    assert why in found.why


@pytest.mark.parametrize(
    ("time", "why"),
    [
        ("2025-03-30T02:30:00", "skipped"),
        ("2025-10-26T02:30:00", "showed twice"),
        ("2025-04-01", "not a time"),
        ("yesterday", "not a time"),
    ],
)
def test_a_local_time_that_means_nothing_or_two_things(time: str, why: str) -> None:
    assert why in fault(row(time), local=BERLIN).why


def test_the_hour_that_comes_twice_can_be_written_with_its_offset() -> None:
    raw = b"time,value\n2025-10-26T02:30:00+02:00,1\n2025-10-26T02:30:00+01:00,2\n"
    assert [value[1] for value in taken(raw, local=BERLIN)] == [
        instant.parse("2025-10-26T00:30:00Z"),
        instant.parse("2025-10-26T01:30:00Z"),
    ]


@pytest.mark.parametrize("second", ["2025-04-01T13:00:00Z", "2025-04-01T12:59:59Z", "2025-04-01T15:00:00+02:00"])
def test_times_that_do_not_rise(second: str) -> None:
    found = fault(GOOD.replace(b"2025-04-01T13:05:00Z", second.encode()))
    assert (found.row, found.why) == (3, "the time is not after that of row 2")


def test_another_unit_is_refused_never_converted() -> None:
    raw = b"time,value,unit\n2025-04-01T13:00:00Z,71.6,degF\n"
    assert "never converted" in fault(raw, columns=Columns(unit="unit")).why


def test_every_wrong_row_is_named_and_none_is_taken() -> None:
    raw = b"time,value\n" + b"\n".join([b"2025-04-01T13:00:00Z,x", b"2025-04-01T13:01:00Z,1", b"y,2", b"z"]) + b"\n"
    parsed = parse(raw, "degC")
    assert parsed.values == ()
    assert [found.row for found in parsed.faults] == [2, 4, 5]


# ---- files that cannot be read at all ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "names 0 columns 'time'"),
        (b"time,value\n", "no values"),
        (b"zeit,wert\n2025-04-01T13:00:00Z,1\n", "it has zeit, wert"),
        (b"time,time,value\n", "names 2 columns 'time'"),
        (b"time;value,unit\n", "more than one kind of separator"),
        (b"time,value\n\xff\xfe", "byte 11"),
        (b'time,value\n2025-04-01T13:00:00Z,"21.5\n', "row 2 cannot be read"),
        (b'time,value\n"2025"x,1\n', "row 2 cannot be read"),
        (b"x" * (ENV_FILE_BYTES_MAX + 1), "bytes"),
        (b"time,value\n" + b"\n" * (ENV_ROWS_MAX + 1), "at most 100000 are read"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "raw",
)
def test_a_file_that_is_none(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        parse(raw, "degC")


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"time,value\n{text}".encode(errors="ignore")))
def test_whatever_the_file_holds_it_is_taken_refused_or_named(raw: bytes) -> None:
    try:
        parsed = parse(raw, "degC", local=BERLIN)
    except Malformed:
        return
    assert not (parsed.values and parsed.faults)
    assert [*parsed.values] == sorted(parsed.values, key=lambda value: value.at)


# ---- the acts ------------------------------------------------------------------------------------------------------


def acts(values: list[Value], at: int = AT + 10 * MINUTE) -> list[c.LogEnvironment]:
    nonces = iter(f"n-{n}" for n in range(1_000))
    sensor = c.Signer(id="SID-SNS-01", role="sensor")
    return [
        *commands(values, series="lab_temp", unit="degC", site="N-1", signer=sensor, at=at, nonce=lambda: next(nonces))
    ]


def test_each_value_is_an_act_that_the_law_reads() -> None:
    made = acts([*parse(GOOD, "degC").values])
    assert [c.parse_command(canon.encode(act)) for act in made] == made
    assert [(act.series, act.value, act.unit, act.observed_at, act.buffered) for act in made] == [
        ("lab_temp", "21.5", "degC", AT, True),
        ("lab_temp", "21.75", "degC", AT + 5 * MINUTE, True),
    ]
    assert len({act.nonce for act in made}) == 2


def test_a_value_from_the_future_is_refused() -> None:
    values = [*parse(GOOD, "degC").values]
    assert len(acts(values, AT + 5 * MINUTE)) == 2
    with pytest.raises(Malformed, match="row 3 lies in the future"):
        acts(values, AT + 5 * MINUTE - 1)


# ---- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "room.csv"
    path.write_bytes(GOOD)
    return path


def imported(path: Path, *options: str) -> tuple[int, str, str]:
    return run("env", "import", str(path), "--series", "lab_temp", "--unit", "degC", *options)


def test_a_dry_run_says_what_is_there_and_writes_nothing(log: Path) -> None:
    code, out, err = imported(log)
    assert (code, err) == (0, "")
    assert "lab_temp: 2 values in degC, 2025-04-01T13:00:00Z to 2025-04-01T13:05:00Z." in out
    assert "Longest silence: 5 min, after row 2" in out
    assert [*log.parent.iterdir()] == [log]


def test_with_a_place_to_write_it_writes_acts_to_sign(log: Path, tmp_path: Path) -> None:
    acts_file = tmp_path / "acts.jsonl"
    options = ("--out", str(acts_file), "--site", "N-1", "--sensor", "SID-SNS-01", "--at", "2025-04-01T14:00:00Z")
    assert imported(log, *options)[0] == 0
    lines = [json.loads(line) for line in acts_file.read_text().splitlines()]
    assert [line["row"] for line in lines] == [2, 3]
    read = [c.parse_command(base64.b64decode(line["payload"])) for line in lines]
    assert all(isinstance(act, c.LogEnvironment) and act.buffered for act in read)
    assert {(act.site, act.actor.id, act.actor.role, act.at) for act in read} == {
        ("N-1", "SID-SNS-01", "sensor", AT + 60 * MINUTE)
    }
    before = acts_file.read_bytes()
    assert imported(log, *options)[0] == 2, "what was written is not written over"
    assert acts_file.read_bytes() == before


def test_faults_are_listed_on_stderr_and_nothing_is_written(log: Path, tmp_path: Path) -> None:
    log.write_bytes(GOOD + b"2025-04-01T13:10:00Z,warm\n")
    code, out, err = imported(log, "--out", str(tmp_path / "acts"), "--site", "N-1", "--sensor", "S")
    assert code == 1
    assert err.startswith("row 4: 'warm' is not a number")
    assert "1 rows cannot be taken, so nothing is." in out
    assert not (tmp_path / "acts").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--out", "acts"),
        ("--out", "acts", "--site", "N-1"),
        ("--out", "acts", "--site", "N 1", "--sensor", "S"),
        ("--zone", "Mars/Olympus", "--time-column", "value", "--value-column", "time"),
        ("--time-column", "when"),
        ("--out", "acts", "--site", "N-1", "--sensor", "S", "--at", "2025-04-01T13:04:00Z"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(
    log: Path, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(log.parent)
    code, _, err = imported(log, *options)
    assert code in (1, 2)
    assert err
    assert [*log.parent.iterdir()] == [log]


def test_the_zone_option(log: Path) -> None:
    log.write_bytes(GOOD.replace(b"Z", b""))
    assert imported(log)[0] == 1
    code, out, _ = imported(log, "--zone", "America/Chicago")
    assert code == 0
    assert "2025-04-01T18:00:00Z to" in out


def test_a_million_rows_are_refused_at_once() -> None:
    raw, took = b"time,value\n" + b",\n" * 1_000_000, []
    for _ in range(3):
        began = time.thread_time()
        with pytest.raises(Malformed, match="at most 100000 are read"):
            parse(raw, "degC")
        took.append(time.thread_time() - began)
    assert min(took) < 0.1
