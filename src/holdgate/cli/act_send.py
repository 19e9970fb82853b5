"""holdgate act send: hand a signed act in, at the shop's own directory or over HTTP, and keep the answer."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from holdgate.adapters.host import HostClock
from holdgate.adapters.http_post import Address
from holdgate.adapters.http_site import ENVELOPE_TYPE, JSON_TYPE
from holdgate.adapters.new_file import put
from holdgate.bootstrap import read_trust
from holdgate.cli.wish_file import Wish, read_copies
from holdgate.crypto.hashes import digest
from holdgate.identity.charter import seat_of
from holdgate.law.case import Pin
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.ledger.note import make_vkey, parse_vkey
from holdgate.process import open_whole
from holdgate.query.words import in_words, moment
from holdgate.reader.receipt import prove
from holdgate.sites.reply import Problem, Reply, reply_of
from holdgate.terms import canon
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable
from holdgate.terms.limits import BLOB_BYTES_MAX, ENVELOPE_BYTES_MAX, PINS_MAX, READER_ANSWER_BYTES_MAX

FAILED: Final = 1
RECEIPT: Final = ".receipt.json"
SETTLE_S: Final = 20.0
"""How long the other sites of a shop in this directory are waited for after an act."""
_OK: Final = 200
_ERRORS: Final[dict[int, type[HoldgateError]]] = {400: Malformed, 409: Tampered}


def send(
    file: Path,
    /,
    *copies: Path,
    data: Path | None = None,
    url: str | None = None,
    document: tuple[Path, ...] = (),
    receipt: Path | None = None,
    charter: Path | None = None,
    anyway: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Hand an act in that everybody signed, say what was decided, and keep the receipt. Exit 1 where it is refused.

    Sent again, the same file gets the same answer: it is recorded once.

    Parameters
    ----------
    file
        The act, as holdgate act prepare wrote it.
    copies
        Copies of it, where signers signed apart from each other.
    data
        The shop's directory on this machine, where the shop is not up.
    url
        The address of the site that decides, where it is up, such as http://127.0.0.1:8460/HUB.
    document
        A document that goes with the act (of contract.submit: the contract); once for each.
    receipt
        Where to keep the answer with its receipt (default: beside the act).
    charter
        With --url: the shop's charter.json, with trust.json beside it; the receipt is verified by it.
    anyway
        Hand it in although this machine's clock says that it is too early or too late.
    """
    wish = read_copies((file, *copies))
    if (data is None) == (url is None):
        raise Malformed(
            "say where to hand it in: --data DIR where the shop lies here and is not up, else --url http://HOST:PORT/SITE"
        )
    if wish.missing:
        raise Malformed(f"the signature of {', '.join(wish.missing)} is missing; nothing was sent")
    if not anyway:
        _check_time(wish, HostClock().now())
    raw = canon.encode(wish.file.envelope)
    if len(raw) > ENVELOPE_BYTES_MAX:
        raise Malformed("the act is too long to be handed in")
    pins = _documents(document)
    if data is not None:
        reply = asyncio.run(_submit(data, wish.command.site, raw, pins))
        believed = "of this machine's own record"
    else:
        reply, believed = _post(url or "", wish.command.site, raw, pins, charter)
    kept = receipt or file.with_name(f"{file.name.removesuffix('.json')}{RECEIPT}")
    put(kept, msgspec.json.format(msgspec.json.encode(reply), indent=1) + b"\n")
    return _tell(Console(highlight=False), wish, reply, kept, believed)


def _check_time(wish: Wish, now: int) -> None:
    """Not too early, not too late: an act that is refused for its time was signed in vain.

    Raises:
        Malformed: it is.
    """
    first, last = wish.window
    if not first <= now <= last:
        raise Malformed(
            f"{wish.command.site} takes this from {moment(first)} until {moment(last)}, and this machine's clock says "
            f"{moment(now)}; {'wait' if now < first else 'prepare it anew'}, or send it with --anyway"
        )


def _documents(paths: tuple[Path, ...]) -> tuple[Pin, ...]:
    if len(paths) > PINS_MAX:
        raise Malformed(f"at most {PINS_MAX} documents go with an act")
    pins = []
    for path in paths:
        try:
            with path.open("rb") as source:
                content = source.read(BLOB_BYTES_MAX + 1)
        except OSError as error:
            raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error
        if len(content) > BLOB_BYTES_MAX:
            raise Malformed(f"{path} has more than {BLOB_BYTES_MAX} bytes")
        pins.append(Pin(sha256=digest(content), content=content))
    return tuple(pins)


async def _submit(directory: Path, site: str, raw: bytes, pins: tuple[Pin, ...]) -> Reply:
    """Open the whole shop for this one act, and close it again."""
    async with open_whole(directory) as (shop, _):
        if site not in shop.sites:
            raise Malformed(f"{site} is no site of this shop that decides; there are {', '.join(shop.sites)}")
        answer = await shop.sites[site].deliver(raw, pins, "command line")
        with suppress(TimeoutError):
            await asyncio.wait_for(shop.settle(), SETTLE_S)
        return reply_of(shop.sites[site], answer)


def _post(url: str, site: str, raw: bytes, pins: tuple[Pin, ...], charter: Path | None) -> tuple[Reply, str]:
    address = Address(site, url, "a site, such as http://127.0.0.1:8460/HUB")
    if address.path.rpartition("/")[2] != site:
        raise Malformed(f"this act is for {site}; {url[:80]} is another's address. It ends with /{site}")
    body, kind = raw, ENVELOPE_TYPE
    if pins:
        beside: dict[str, Any] = {"envelope": msgspec.Raw(raw), "documents": {pin.sha256: pin.content for pin in pins}}
        body, kind = msgspec.json.encode(beside), JSON_TYPE
    answer = address.post(f"{address.path}/actions", body, kind, READER_ANSWER_BYTES_MAX)
    try:
        if answer.status != _OK:
            problem = msgspec.json.decode(answer.body, type=Problem)
            raise _ERRORS.get(answer.status, Unavailable)(f"{site} answers: {problem.detail[:400]}")
        reply = msgspec.json.decode(answer.body, type=Reply)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise Unavailable(
            f"{site} answers {answer.status} with what is no answer of a site; is the address right?"
        ) from None
    if charter is None:
        return reply, "not verified: name the shop's charter with --charter"
    if not reply.entry or read_entry(reply.entry).kind != "action":
        return reply, "not verified: what the site did not believe is only counted"
    prove(answer.body, raw, parse_vkey(_log_key(charter, site)))
    return reply, "verified"


def _log_key(path: Path, site: str) -> str:
    """The key of a site's log, from the shop's charter."""
    found = read_trust(path.with_name("trust.json")).charter(_whole(path))
    seat = seat_of(found, site)
    if seat is None:
        raise Malformed(f"{path} names no site {site}; a node that joined later is in the hub's record alone")
    return make_vkey(seat.origin, seat.key)


def _whole(path: Path) -> bytes:
    try:
        with path.open("rb") as source:
            return source.read(ENVELOPE_BYTES_MAX + 1)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error


def _tell(console: Console, wish: Wish, reply: Reply, kept: Path, believed: str) -> int:
    act = str(type(wish.command).__struct_config__.tag)
    allowed = reply.verdict == "allow"
    again = " (as the first time)" if reply.resent else ""
    head = f"{'ALLOWED' if allowed else 'REFUSED'}{again}"
    where = f"entry {wish.command.site}:{reply.seq}" if reply.seq >= 0 else "counted as an attempt"
    console.print(
        Text.assemble((f"{head}  ", "bold green" if allowed else "bold red"), f"{act}, {where}"), soft_wrap=True
    )
    for refusal in reply.refusals:
        console.print(Text(f"  {_line(refusal.says)} {_line(refusal.helps)}  [{_line(refusal.code)}]"), soft_wrap=True)
    for sentence in _became_true(reply):
        console.print(Text(f"  {_line(sentence)}"), soft_wrap=True)
    console.print(Text(f"{kept}  the receipt ({believed})", style="dim"), soft_wrap=True)
    return 0 if allowed else FAILED


def _became_true(reply: Reply) -> list[str]:
    if not reply.entry:
        return []
    entry = read_entry(reply.entry)
    return [] if entry.kind != "action" else [in_words(event) for event in decision_of(entry).events]


def _line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
