"""After the story: what the Vault holds, what an auditor finds, and what becomes of one digit that somebody changes."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from holdgate.audit.replay import LogReport
from holdgate.bootstrap import Shop
from holdgate.demo.shop import NODE, PLACES
from holdgate.demo.tell import Line, Teller
from holdgate.ledger.note import parse_checkpoint
from holdgate.terms.errors import InvariantBroken

Audit = Callable[[Path], list[LogReport]]
"""Audits every deciding site of a closed shop, with the trust file beside it."""


def tell_copies(shop: Shop, tell: Teller) -> bool:
    """What the Vault mirrored and cosigned of each site. Whether it is everything."""
    vault = next(iter(shop.vaults.values()))
    whole = True
    for site in shop.sites.values():
        held, _ = vault.store.held(site.notary.origin)
        note = vault.store.latest(site.notary.origin)
        cosigned = 0 if note is None else parse_checkpoint(note).size
        size = site.spine.size
        same = held == cosigned == size
        whole = whole and same
        text = f"{PLACES[site.id]:<15} {size:>4} entries, {held:>4} copied, {cosigned:>4} cosigned"
        data: dict[str, object] = {"site": site.id, "entries": size, "mirrored": held, "cosigned": cosigned}
        tell.say(Line(kind="verified" if same else "altered", text=text, data=data))
    tell.say(
        Line(kind="note", text="The copy only looks and cosigns. A record set back or replaced would not match it.")
    )
    return whole


def tell_audit(reports: list[LogReport], tell: Teller) -> bool:
    """Every ledger, from its bytes and the keys that an auditor brings. Whether all of them hold."""
    for report in reports:
        figures = f"{report.size:>4} entries, {report.signatures:>3} signatures, {report.repeated:>4} decided again"
        _tell_report(report, f"{PLACES.get(report.site, report.site):<15} {figures} (refusals: {report.denials})", tell)
    sound = all(report.holds for report in reports)
    if sound:
        total = sum(report.size for report in reports)
        tell.say(Line(kind="verified", text=f"Record verified unaltered: all {total} entries come out the same again"))
    return sound


def tell_forgery(directory: Path, audit: Audit, tell: Teller) -> bool:
    """One digit of one reading, in a copy of one site's store. Whether the audit names exactly that entry."""
    with tempfile.TemporaryDirectory(prefix="holdgate-forged-") as folder:
        copy = Path(folder)
        shutil.copytree(directory / NODE, copy / NODE, ignore=shutil.ignore_patterns("site.key"))
        shutil.copy(directory / "trust.json", copy)
        seq = forge(copy / NODE / "ledger.db", b'"value":"72"', b'"value":"92"')
        told = f"In a copy of the penetrant line's record, entry {seq}, parts at 72 °F become parts at 92 °F."
        tell.say(Line(kind="note", text=told))
        reports = audit(copy)
    for report in reports:
        _tell_report(report, "The audit names it: Penetrant line", tell)
    return [finding.seq for report in reports for finding in report.findings][:1] == [seq]


def forge(ledger: Path, old: bytes, new: bytes) -> int:
    """Change the first entry that holds these bytes, as somebody with the file in hands could; its index.

    Raises:
        InvariantBroken: no entry holds them.
    """
    with closing(sqlite3.connect(ledger)) as db, db:
        for seq, body in db.execute("SELECT seq, body FROM entry ORDER BY seq").fetchall():
            if old in body:
                db.execute("UPDATE entry SET body = ? WHERE seq = ?", (body.replace(old, new, 1), seq))
                return int(seq)
    raise InvariantBroken(f"no entry holds {old!r}")


def _tell_report(report: LogReport, text: str, tell: Teller) -> None:
    data: dict[str, object] = {
        "site": report.site,
        "entries": report.size,
        "kinds": report.kinds,
        "signatures": report.signatures,
        "repeated": report.repeated,
        "refusals": report.denials,
        "cosigned": report.cosigned,
        "root": report.root,
        "findings": [{"seq": finding.seq, "what": finding.what} for finding in report.findings],
    }
    if report.holds:
        tell.say(Line(kind="verified", text=text, data=data))
        return
    first = report.findings[0]
    where = "" if first.seq is None else f", entry {first.seq}"
    tell.say(Line(kind="altered", text=f"{text}{where}", data=data))
    tell.say(Line(kind="note", text=f"In the auditor's words: {first.what}."))
