"""holdgate advise: chart what was recorded of a characteristic, and draft what follows from it. Nothing is signed here."""

import base64
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from cyclopts import Parameter
from rich.console import Console

from holdgate.adapters.host import HostClock
from holdgate.advisor.advice import Advice, Suggestion
from holdgate.advisor.advice import advise as look_at
from holdgate.advisor.draft import draft
from holdgate.advisor.record import Reading, ShopRecord, Stream, read_shop
from holdgate.cli.records import audit_file, find_logs, open_sources, trust_near, trusted
from holdgate.law import command as c
from holdgate.terms import canon, instant
from holdgate.terms.errors import Malformed, Tampered

NOT_SIGNED = "Nothing was signed or recorded. The suggestion counts when the AI's SMART-ID signs it (--as ID --json: the payload)."


class Wanted(NamedTuple):
    """Which readings; None: any, as long as it is one only."""

    characteristic: str
    step: str | None
    contract: str | None
    version: str | None
    site: str | None
    since: int | None


def advise(
    folder: Path,
    /,
    *,
    characteristic: str,
    step: str | None = None,
    contract: str | None = None,
    version: str | None = None,
    site: str | None = None,
    since: str | None = None,
    signer: Annotated[str | None, Parameter(name="--as")] = None,
    role: str = "ai",
    at: str | None = None,
    trust: Path | None = None,
    audit: bool = True,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Chart a characteristic's readings, look for changes, and draft a tightening where the contract has room for one.

    Parameters
    ----------
    folder
        A shop's directory, a folder of bundles, or a copy of the Vault; the business hub's log has to be among them.
    characteristic
        What was measured, such as water_pressure.
    step
        At which step, where the characteristic is measured at several.
    contract
        Under which contract, where there are several.
    version
        Under which version of it (default: the one in force).
    site
        At which node, where there are several.
    since
        Leave out readings before this time, such as 2026-04-01T13:00:00Z.
    signer
        The SMART-ID that is going to sign the draft; its payload, ready to sign, then stands in the JSON document.
    role
        The role in which it signs.
    at
        When it signs (default: now).
    trust
        The keys that you trust (default: trust.json at or above FOLDER).
    audit
        Verify the records first; advice on an unsound record is refused.
    json
        One JSON document.
    """
    if audit:
        _must_hold(folder, trust)
    earliest = None if since is None else instant.parse(since)
    with open_sources(folder) as sources:
        record = read_shop(sources)
    stream, readings = _choose(record, Wanted(characteristic, step, contract, version, site, earliest))
    advice = look_at(record, record.versions[stream.sha256], stream, readings)
    if json:
        command = None
        if signer is not None and advice.suggestion is not None:
            signed_at = HostClock().now() if at is None else instant.parse(at)
            command = draft(advice.suggestion, record.hub, c.Signer(id=signer, role=role), signed_at)
        sys.stdout.write(_document(advice, command) + "\n")
    else:
        _tell(advice)
    return 0


def _must_hold(folder: Path, trust: Path | None) -> None:
    """Audit every log.

    Raises:
        Tampered: one does not hold; what it says is no evidence.
    """
    keys = trusted(trust or trust_near(folder))
    for log in find_logs(folder):
        for item in audit_file(log, keys):
            if not item.report.holds:
                found = item.report.findings[0].what
                raise Tampered(f"no advice from an unsound record: {item.path}: {found} (holdgate audit tells all)")


def _choose(record: ShopRecord, wanted: Wanted) -> tuple[Stream, tuple[Reading, ...]]:
    """The one stream of readings that is wanted, from a time on.

    Raises:
        Malformed: there is none, or more than one.
    """
    named = [(stream, found) for stream, found in record.streams() if stream.characteristic == wanted.characteristic]
    if not named:
        known = _list(stream.characteristic for stream, _ in record.streams())
        raise Malformed(f"nothing was recorded of {wanted.characteristic}; there are readings of {known or 'nothing'}")
    fitting = [(stream, found) for stream, found in named if _fits(record, stream, wanted)]
    if wanted.version is None:
        in_force = [(stream, found) for stream, found in fitting if stream.sha256 in record.in_force.values()]
        fitting = in_force or fitting
    if len(fitting) != 1:
        what = "none of these fits" if not fitting else "these all fit; name --contract, --version, --step or --site"
        raise Malformed(f"{what}: {_list(_told(record, stream) for stream, _ in fitting or named)}")
    stream, readings = fitting[0]
    return stream, tuple(reading for reading in readings if wanted.since is None or reading.at >= wanted.since)


def _fits(record: ShopRecord, stream: Stream, wanted: Wanted) -> bool:
    version = record.versions.get(stream.sha256)
    return (
        version is not None
        and wanted.contract in (None, version.contract)
        and wanted.version in (None, version.version)
        and wanted.step in (None, stream.step)
        and wanted.site in (None, stream.site)
    )


def _told(record: ShopRecord, stream: Stream) -> str:
    version = record.versions.get(stream.sha256)
    name = (
        "a contract that these records do not hold"
        if version is None
        else f"{version.contract} version {version.version}"
    )
    return f"{stream.characteristic} at {stream.step} under {name} at {stream.site}"


def _list(names: Iterable[str]) -> str:
    return "; ".join(sorted(set(names)))


# ---- what is shown -------------------------------------------------------------------------------------------------


def _document(advice: Advice, command: c.SuggestTune | c.SuggestChange | None) -> str:
    document = msgspec.to_builtins(advice)
    if command is not None:
        document["payload"] = base64.b64encode(canon.encode(command)).decode()
    return msgspec.json.encode(document, order="sorted").decode()


def _tell(advice: Advice) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"{advice.characteristic} at {advice.step} of {advice.contract} version {advice.version}, {advice.site}: "
        f"{len(advice.readings)} readings in {advice.unit}"
    )
    if advice.plot:
        console.print("", *advice.plot, "", sep="\n")
    for sentence in advice.told:
        console.print(sentence)
    if advice.suggestion is None:
        console.print("Nothing is suggested.")
        return
    _tell_suggestion(console, advice.suggestion)
    console.print(NOT_SIGNED)


def _tell_suggestion(console: Console, suggestion: Suggestion) -> None:
    if suggestion.act == "tune.suggest":
        console.print(f"Suggestion: {suggestion.param} {suggestion.now} -> {suggestion.value} (tighter).")
        console.print(f"Evidence: {suggestion.evidence}")
    else:
        console.print(f"A thought for people (ai.suggest): {suggestion.change}")
