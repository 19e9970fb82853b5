"""holdgate audit: verify records offline and make every decision again."""

import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from msgspec.structs import asdict
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text

from holdgate.cli.records import (
    Audited,
    Seen,
    audit_file,
    brought,
    cross_check,
    find_logs,
    trust_near,
    trusted,
    unmatched,
)
from holdgate.cli.stamps import in_words, stamped_heads
from holdgate.terms.errors import Malformed


def audit(
    path: Path,
    /,
    *,
    trust: Path | None = None,
    cosigned: tuple[Path, ...] = (),
    timestamped: tuple[Path, ...] = (),
    authority: tuple[Path, ...] = (),
    json: Annotated[bool, Parameter(negative=())] = False,
    signatures: bool = True,
) -> int:
    """Verify records offline and make every decision again. Needs no network and no running shop.

    Parameters
    ----------
    path
        A shop's directory, a site's directory, one ledger.db, mirror.db or *.bundle, or a folder of bundles.
    trust
        The keys that you trust, from outside of what is audited (default: trust.json at or above PATH).
    cosigned
        A cosigned checkpoint that was kept elsewhere, such as a client's witness gave it out; repeat for more. The record has to
        lead through it, so one that was made anew with all of the shop's keys is found.
    timestamped
        A daily head of the Vault (DAY.note) with the token of a time-stamping authority beside it (DAY.tsr); repeat for more. The
        record has to lead through each. Default, where --authority is given: every stamped head that lies in PATH.
    authority
        The certificates of a time-stamping authority that you trust, as PEM: its own first, then the chain up to its root. Repeat
        for more. Bring your own copy.
    json
        One JSON document on stdout.
    signatures
        Check every signature; without, only hashes, links and decisions.
    """
    found = find_logs(path)
    where = trust or trust_near(path)
    if trust is None:
        _warn(f"The keys come from {where}, beside the record. Bring your own copy: --trust FILE.")
    keys = trusted(where)
    kept = brought(cosigned, keys)
    stamped = stamped_heads(timestamped, authority, keys, path)
    console = Console(stderr=json)
    with _Watched(quiet=json) as seen:
        audited = [
            item
            for log in found
            for item in audit_file(log, keys, seen, signatures=signatures, kept=kept, stamped=stamped)
        ]
    others = unmatched(kept, stamped, audited)
    if others:
        raise Malformed(f"what you bring is about {', '.join(others)}, which {path} does not hold")
    cross_check(audited)
    sound = all(item.report.holds for item in audited)
    if json:
        sys.stdout.write(msgspec.json.encode(_document(audited, where, outside=trust is not None)).decode() + "\n")
    else:
        for item in audited:
            _tell(console, item, signatures=signatures)
        _verdict(console, audited, signatures=signatures)
    return 0 if sound else 1


_NOBODY_OUTSIDE: Final = (
    "no witness outside of the shop cosigned; whoever holds all of its keys could have made this anew"
)


class _Watched:
    """A bar on stderr while the audit runs; nothing where nobody looks."""

    def __init__(self, *, quiet: bool) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Seen:
        self._bar.start()
        return self._seen

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _seen(self, name: str, done: int, total: int) -> None:
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = self._bar.add_task(name, total=total)
        self._bar.update(task, completed=done, total=max(total, done))


def _warn(sentence: str) -> None:
    Console(stderr=True).print(Text.assemble(("Note: ", "bold yellow"), sentence))


def _tell(console: Console, item: Audited, *, signatures: bool) -> None:
    """One log: what is in it, what was checked, what was found."""
    report = item.report
    name = report.site or Path(item.path).parent.name
    console.print(
        Text.assemble(
            "\n", (name, "bold"), ("  copy in the Vault" if item.mirror else "", ""), (f"  {report.origin}", "dim")
        )
    )
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.kinds.items(), key=lambda kind: -kind[1]))
    _row(console, "entries", f"{report.size}: {kinds or 'none'}; {_count(report.denials, 'refusal')}")
    _row(console, "signatures", f"{report.signatures} checked" if signatures else "not checked (--no-signatures)")
    _row(console, "decisions", f"{report.repeated} of {report.size} entries made again, byte for byte")
    signed = f"the site signed {report.signed_size}" + (f", {report.beyond} came after" if report.beyond > 0 else "")
    cosigned = ", ".join(f"{witness} cosigned {size}" for witness, size in sorted(report.cosigned.items()))
    _row(console, "checkpoint", f"{signed}; {cosigned or 'no trusted witness cosigned'}", "" if cosigned else "yellow")
    if report.outside is not None:
        outside = ", ".join(f"{witness} cosigned {size}" for witness, size in sorted(report.outside.items()))
        _row(console, "outside", outside or _NOBODY_OUTSIDE, "" if outside else "yellow")
    if report.root_version > 1:
        _row(
            console,
            "roots",
            f"version {report.root_version} is in force: exchanged by those before (holdgate root history)",
        )
    for existed in report.existed[:1] + report.existed[1:][-1:]:
        _row(console, "stamped", in_words(report.origin, existed))
    _row(console, "root", report.root)
    for finding in report.findings:
        where = "" if finding.seq is None else f"entry {finding.seq}: "
        _row(console, "FOUND", f"{where}{finding.what}", "red")


def _row(console: Console, label: str, text: str, style: str = "") -> None:
    head = Text(f"  {label:<12}", style=style or "dim")
    for number, part in enumerate(Text(text, style=style).wrap(console, max(console.width - len(head), 20))):
        console.print((head if not number else Text(" " * len(head))) + part)


def _verdict(console: Console, audited: list[Audited], *, signatures: bool) -> None:
    bad = [item for item in audited if not item.report.holds]
    if bad:
        found = sum(len(item.report.findings) for item in bad)
        told = f"Not sound: {_count(found, 'finding')}, in {len(bad)} of {_count(len(audited), 'record')}."
        console.print(Text(f"\n{told}", style="bold red"))
        return
    scope = "" if signatures else " (signatures were not checked)"
    entries = sum(item.report.size for item in audited)
    told = f"Verified unaltered: {_count(len(audited), 'record')}, {entries} entries{scope}."
    console.print(Text(f"\n{told}", style="bold green"))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _document(audited: list[Audited], where: Path, *, outside: bool) -> dict[str, object]:
    """The JSON document."""
    return {
        "sound": all(item.report.holds for item in audited),
        "trust": {"file": str(where), "named_by_the_auditor": outside},
        "records": [
            {"path": item.path, "mirror": item.mirror, "holds": item.report.holds, **asdict(item.report)}
            for item in audited
        ],
    }
