"""holdgate env: what a logger of room conditions kept, as acts that its SMART-ID signs."""

import base64
import sys
from functools import partial
from pathlib import Path

import msgspec
from cyclopts import App
from rich.console import Console

from holdgate.adapters.env_csv import Columns, Parsed, commands, parse
from holdgate.adapters.host import HostClock, HostEntropy
from holdgate.adapters.zones import local_instant
from holdgate.law import command as c
from holdgate.terms import canon, instant
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id

SHOWN = 20
"""Faults that are shown; the count says how many there are."""

env = App(name="env", help="Bring in what a logger of room conditions kept.", result_action="return_value")


@env.command(name="import")
def import_log(
    file: Path,
    /,
    *,
    series: str,
    unit: str,
    site: str | None = None,
    sensor: str | None = None,
    role: str = "sensor",
    zone: str | None = None,
    time_column: str = "time",
    value_column: str = "value",
    unit_column: str | None = None,
    decimal_comma: bool = False,
    at: str | None = None,
    out: Path | None = None,
) -> int:
    """Check a logger's CSV file; with --out, write one act a value, ready for the sensor to sign. Nothing is submitted.

    Parameters
    ----------
    file
        The CSV file; its first row names the columns.
    series
        The series, as the contract names it.
    unit
        Its unit; values are never converted.
    site
        The node that logs it (with --out).
    sensor
        The SMART-ID of the sensor, which signs (with --out).
    role
        Its role.
    zone
        The time zone of times without an offset, such as Europe/Berlin; without, such times are faults.
    time_column
        The name of the column of times.
    value_column
        The name of the column of values.
    unit_column
        The name of a column of units, if there is one; each row must say UNIT.
    decimal_comma
        Values are written like 21,5.
    at
        When the sensor signs (default: now).
    out
        Write the acts here, one JSON line each: row, payload (base64). The file must not exist.
    """
    local = None if zone is None else partial(local_instant, tz=zone)
    columns = Columns(time_column, value_column, unit_column)
    parsed = parse(file.read_bytes(), unit, columns, local, decimal_comma=decimal_comma)
    _tell(parsed, series, unit)
    if parsed.faults:
        return 1
    if out is None:
        return 0
    if site is None or sensor is None:
        raise Malformed("--out wants --site and --sensor: the acts name the node and the sensor that signs them")
    for what, text in (("series", series), ("site", site), ("sensor", sensor)):
        check_id(text, what)
    signed_at = HostClock().now() if at is None else instant.parse(at)
    signer = c.Signer(id=sensor, role=role)
    acts = [
        *commands(
            parsed.values, series=series, unit=unit, site=site, signer=signer, at=signed_at, nonce=HostEntropy().token
        )
    ]
    with out.open("x", encoding="utf-8") as lines:
        for value, act in zip(parsed.values, acts, strict=True):
            payload = base64.b64encode(canon.encode(act)).decode()
            lines.write(msgspec.json.encode({"row": value.row, "payload": payload}).decode() + "\n")
    Console(highlight=False, soft_wrap=True).print(f"{out}: {len(acts)} acts for {sensor} to sign and hand to {site}.")
    return 0


def _tell(parsed: Parsed, series: str, unit: str) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if parsed.faults:
        for fault in parsed.faults[:SHOWN]:
            sys.stderr.write(f"row {fault.row}: {fault.why}\n")
        console.print(f"{len(parsed.faults)} rows cannot be taken, so nothing is.")
        return
    first, last = parsed.values[0], parsed.values[-1]
    pairs = zip(parsed.values, parsed.values[1:], strict=False)
    longest, after = max(((b.at - a.at, a) for a, b in pairs), default=(0, first), key=lambda pair: pair[0])
    console.print(
        f"{series}: {len(parsed.values)} values in {unit}, {instant.show(first.at)} to {instant.show(last.at)}."
    )
    console.print(
        f"Longest silence: {instant.show_duration(longest)}, after row {after.row} ({instant.show(after.at)})."
    )
