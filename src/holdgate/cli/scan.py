"""holdgate scan: a reader at the dock. Marks come as arguments, or a line each from a scanner that types like a keyboard."""

import io
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from holdgate.adapters.epcis_uris import read_part
from holdgate.adapters.marks import read_mark
from holdgate.bootstrap import read_trust
from holdgate.cli.key_files import PersonKey
from holdgate.cli.reader_line import open_line
from holdgate.crypto.keys import SigningKey
from holdgate.ledger.note import Vkey, make_vkey, parse_vkey
from holdgate.reader import Came, Delivery, Outbox, Reader
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import MARK_CHARS_MAX

FAILED: Final = 1
STYLES: Final = {Came.RECEIVED: "bold green", Came.HELD: "bold yellow", Came.REFUSED: "bold red"}
AMBER: Final = "bold yellow"
RED: Final = "bold red"


def scan(
    *marks: str,
    reader: str,
    key: Path,
    outbox: Path,
    to: str,
    log: str | None = None,
    charter: Path | None = None,
    trust: Path | None = None,
    order: str | None = None,
    rev: str | None = None,
    place: str | None = None,
    place_key: Path | None = None,
    after: int = 0,
    line: Path | None = None,
    authority: Path | None = None,
) -> int:
    """Scan parts in. Each mark is kept on this machine first, then handed in, and let go of only against a receipt.

    Parameters
    ----------
    marks
        What the scanner reads, one part each; without, a line each from standard input (an empty input only delivers).
    reader
        The reader's SMART-ID.
    key
        Its private key, a file as holdgate site init makes it.
    outbox
        A file of this reader's own; made where it is missing. Keep it: it holds the counter and what waits.
    to
        The floor hub, such as http://127.0.0.1:8460/FLOOR; over a broker, mqtt://127.0.0.1:1883/SHOP/FLOOR or nats://….
    log
        The floor hub's log key (vkey), brought by hand: what a receipt is believed by.
    charter
        Instead of --log: the shop's charter.json, verified by the trust file.
    trust
        The trust file of the charter (default: trust.json beside it).
    order
        The order that the parts belong to.
    rev
        The revision of parts whose mark carries none.
    place
        The enrolled place of the reader, where the reader itself is enrolled without an area.
    place_key
        That place's key.
    after
        For a new outbox in the place of a lost one: the last counter that the reader used.
    line
        Over a broker: the file with the reader's key (NATS) or password (MQTT) there.
    authority
        Over a broker with TLS: whom to believe, a file of CAs.
    """
    link = open_line(to, reader, line, authority)
    vkey = _log_key(log, charter, trust, link.site)
    signing = _key(key, reader)
    place_signing = None if place_key is None else _key(place_key, place)
    console = Console(highlight=False)
    with closing(Outbox(outbox, reader, link.site, after=after)) as kept:
        dock = Reader(
            reader,
            signing,
            outbox=kept,
            site=link.site,
            link=link,
            log=vkey,
            place=place,
            place_key=place_signing,
        )
        failed = _tell(console, dock.deliver()) if dock.waiting else False
        with suppress(KeyboardInterrupt):  # the shift is over; what waits is in the outbox
            for mark in marks or _lines(console):
                failed = _scan_one(console, dock, mark, rev, order) or failed
    return FAILED if failed else 0


def _lines(console: Console) -> Iterator[str]:
    """What the scanner types, a mark a line. A line that never ends is cut once it is too long to be read as a mark."""
    source = sys.stdin
    if isinstance(source, io.TextIOWrapper):
        source.reconfigure(errors="replace")
    if source.isatty():
        console.print("Ready: scan a part. Ctrl-D ends it.")
    while line := source.readline(MARK_CHARS_MAX + 2):
        if line.strip():
            yield line
        while line and not line.endswith("\n"):  # the rest of it is no mark of its own
            line = source.readline(MARK_CHARS_MAX)


def _scan_one(console: Console, dock: Reader, text: str, rev: str | None, order: str | None) -> bool:
    """Scan one part; whether something is amiss."""
    try:
        mark = read_mark(text, read_part)
        revision = mark.rev or rev
        if revision is None:
            raise Malformed("the mark carries no revision; give it with --rev")
        dock.scan(mark.part_no, revision, (mark.serial,), 1, order)
    except Malformed as error:
        _say(console, "NOT SCANNED", RED, f"{error}.")
        return True
    return _tell(console, dock.deliver())


def _tell(console: Console, delivery: Delivery) -> bool:
    """Say what came of it; whether something is amiss."""
    for word in delivery.words:
        _say(console, word.came.upper(), STYLES[word.came], word.says)
    if delivery.waiting:
        scans = "1 scan waits" if delivery.waiting == 1 else f"{delivery.waiting} scans wait"
        _say(
            console,
            "KEPT HERE",
            AMBER,
            f"{scans} for the hub: {delivery.why}. Nothing is lost; the next scan sends them.",
        )
    return bool(delivery.waiting) or any(word.came == Came.REFUSED for word in delivery.words)


def _say(console: Console, head: str, style: str, says: str) -> None:
    shown = "".join(sign if sign.isprintable() else " " for sign in says)
    console.print(Text.assemble((f"{head:<12}", style), shown), soft_wrap=True)


def _log_key(log: str | None, charter: Path | None, trust: Path | None, site: str) -> Vkey:
    """The floor hub's log key.

    Raises:
        Malformed, Tampered: it cannot be had from what was given. Unavailable: a file cannot be read.
    """
    if (log is None) == (charter is None):
        raise Malformed("give the floor hub's log key by --log, or the charter by --charter")
    if charter is None:
        return parse_vkey(log or "")
    found = read_trust(trust or charter.with_name("trust.json")).charter(_read(charter))
    for seat in found.sites:
        if seat.id == site and seat.kind == "floor_hub":
            return parse_vkey(make_vkey(seat.origin, seat.key))
    raise Malformed(f"the charter names no floor hub {site}")


def _key(path: Path, owner: str | None) -> SigningKey:
    try:
        found = msgspec.json.decode(_read(path), type=PersonKey)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{path} holds no key: {error}") from None
    if found.id != owner:
        raise Malformed(f"{path} is the key of {found.id}, not of {owner}")
    return SigningKey.from_seed(found.signing)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error}") from error
