"""holdgate witness: for a client or registrar outside the shop, who cosigns what the shop's logs say and remembers it."""

import asyncio
import re
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import App, Parameter
from msgspec import Struct
from rich.console import Console

from holdgate.adapters.host import HostClock
from holdgate.adapters.http_serve import LOOPBACK, Limits, serving
from holdgate.adapters.http_witness import WitnessApp
from holdgate.adapters.new_file import write_new
from holdgate.adapters.sqlite_witness import SqliteWitness
from holdgate.bootstrap import read_policy
from holdgate.crypto.keys import SigningKey
from holdgate.engine.address import bracketed, host_and_port
from holdgate.ledger.note import Vkey, parse_checkpoint, parse_vkey, verify_cosignature
from holdgate.ledger.policy import parse_policy
from holdgate.ledger.witness import Cosigner, Evidence, Witness
from holdgate.sites.vault_face import WitnessFace
from holdgate.terms import instant
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import WITNESS_REQUEST_BYTES_MAX

KEY, LOGS, STORE, VKEY = "witness.key", "logs.policy", "witness.db", "witness.vkey"
PORT: Final = 8420

witness = App(name="witness", help="Be a witness of a shop's logs, outside the shop.", result_action="return_value")


class _Key(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of the witness's key."""

    name: str
    signing: bytes


@witness.command
def init(directory: Path, /, *, name: str, log: tuple[str, ...] = ()) -> int:
    """Make a witness: its own key, and the list of the logs that it watches.

    Parameters
    ----------
    directory
        Where it lives; must not hold a witness yet.
    name
        Its name, such as client.example/witness; it stands in every cosignature.
    log
        A log to watch: its key (vkey), or a file that holds it, such as log.vkey of an export; repeat for each. More can be added
        to logs.policy later.
    """
    key = SigningKey.generate()
    cosigner = Cosigner(name, key)
    lines = [f"log {_vkey(text)}" for text in log]
    text = "\n".join(["# The logs that this witness watches: log <vkey>, one a line.", *lines, "quorum none", ""])
    parse_policy(text.encode())
    if (directory / KEY).exists():
        raise Malformed(f"{directory} holds a witness already; choose another directory")
    write_new(directory / LOGS, text.encode())
    write_new(directory / VKEY, f"{cosigner.vkey}\n".encode())
    write_new(directory / KEY, msgspec.json.encode(_Key(name=name, signing=key.seed)), private=True)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(cosigner.vkey)
    console.print(
        f"Give this key to everybody who audits. {len(lines)} logs are watched; the list is {directory / LOGS}."
    )
    return 0


def _vkey(text: str) -> str:
    """A log's key, from itself or from its file."""
    path = Path(text)
    return path.read_text(encoding="utf-8").strip() if len(text) < 512 and path.is_file() else text


@witness.command
def run(directory: Path, /, *, listen: str = f"{LOOPBACK}:{PORT}") -> int:
    """Take checkpoints, cosign those that continue what was cosigned before, and show what was cosigned. Until it is stopped.

    Parameters
    ----------
    directory
        Of the witness (holdgate witness init).
    listen
        Address and port. There is no TLS here: to be reached from elsewhere, put a proxy with a certificate before it.
    """
    host, port = host_and_port(listen)
    cosigner, logs = _cosigner(directory), _logs(directory)
    if not logs:
        raise Malformed(f"{directory / LOGS} names no log; add a line: log <vkey>")
    with closing(SqliteWitness(directory / STORE)) as store:
        face = WitnessFace(Witness(logs, store, cosigner), HostClock())
        asyncio.run(_serve(face, host, port, lambda at: _say(f"{cosigner.name} watches {len(logs)} logs at {at}")))
    return 0


async def _serve(face: WitnessFace, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve until the process is told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    limits = Limits(body_bytes=2 * WITNESS_REQUEST_BYTES_MAX)
    async with serving(WitnessApp(face).app, host, port, limits) as taken:
        tell(f"http://{bracketed(host)}:{taken}")
        await stop.wait()


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


@witness.command
def checkpoints(
    directory: Path, /, *, out: Path | None = None, json: Annotated[bool, Parameter(negative=())] = False
) -> int:
    """List what was cosigned last of each log; with --out, write it down for an audit (holdgate audit --cosigned).

    Parameters
    ----------
    directory
        Of the witness.
    out
        Write the cosigned checkpoints here, one file a log and size.
    json
        One JSON document on stdout.
    """
    cosigner, logs = _cosigner(directory), _logs(directory)
    notes = {origin: note for origin in sorted(logs) if (note := _latest(directory, origin)) is not None}
    told = [_Told(origin, note, verify_cosignature(note, parse_vkey(cosigner.vkey))) for origin, note in notes.items()]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for item in told:
            path = out / item.file
            if not path.exists():
                write_new(path, item.note)
    if json:
        rows = [{"origin": t.origin, "size": t.size, "root": t.root, "at_s": t.at_s, "note": t.note} for t in told]
        sys.stdout.write(msgspec.json.encode({"checkpoints": rows}).decode() + "\n")
        return 0
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for item in told:
        written = "" if out is None else f"  {out / item.file}"
        console.print(f"{item.origin}  {item.size} entries, cosigned {instant.show(item.at_s * SECOND_US)}{written}")
    for origin in sorted(logs.keys() - notes.keys()):
        console.print(f"{origin}  nothing was handed in yet")
    return 0


class _Told:
    """A cosigned checkpoint as it is listed."""

    def __init__(self, origin: str, note: bytes, at_s: int) -> None:
        checkpoint = parse_checkpoint(note)
        self.origin, self.note, self.at_s = origin, note, at_s
        self.size, self.root = checkpoint.size, checkpoint.root.hex()
        self.file = f"{re.sub('[^A-Za-z0-9.-]', '_', origin)}-{self.size}.note"


def _latest(directory: Path, origin: str) -> bytes | None:
    if not (directory / STORE).is_file():
        return None
    with closing(SqliteWitness(directory / STORE, read_only=True)) as kept:
        return kept.latest(origin)


@witness.command
def evidence(
    directory: Path, /, *, export: Path | None = None, json: Annotated[bool, Parameter(negative=())] = False
) -> int:
    """Tell in plain words what a log signed that does not fit what it signed before. Exit 1 where something is open.

    Parameters
    ----------
    directory
        Of the witness.
    export
        Write the signed checkpoints of each contradiction here, byte for byte.
    json
        One JSON document on stdout.
    """
    store = directory / STORE
    if not store.is_file():
        _cosigner(directory)
    found: list[Evidence] = []
    if store.is_file():
        with closing(SqliteWitness(store, read_only=True)) as kept:
            found = kept.evidence()
    if export is not None:
        _export(found, export)
    if json:
        sys.stdout.write(msgspec.json.encode({"evidence": found}).decode() + "\n")
    else:
        _tell(found)
    return 1 if any(not item.settled for item in found) else 0


def _tell(found: list[Evidence]) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for number, item in enumerate(found, start=1):
        held, seen = parse_checkpoint(item.held), parse_checkpoint(item.seen)
        console.print(f"{number}. {item.origin}, seen {instant.show(item.at_s * SECOND_US)}")
        console.print(f"   cosigned before  {held.size} entries, root {held.root.hex()}")
        console.print(f"   signed as well   {seen.size} entries, root {seen.root.hex()}")
        for sentence in _SENTENCES["settled" if item.settled else item.why]:
            console.print(f"   {sentence}")
    if not found:
        console.print("Nothing contradicts what was cosigned.")


_SENTENCES: Final = {
    "two_roots": (
        "The log's key signed two histories of the same length. These two notes prove it to anybody with the log's key.",
        "Keep them (--export), stop relying on this log, and ask the shop in writing which of the two it stands by.",
    ),
    "other_entries": (
        "The entries that lead to what was cosigned give another root at that length: the log's key signed two histories.",
        "Keep both notes and the mirrored entries, and ask the shop in writing which history it stands by.",
    ),
    "not_continued": (
        "The proof that was handed in does not show that the one continues the other. This alone proves nothing: whoever",
        "handed it in wrote the proof. Ask the shop for a proof from the first to the second; if it has none, it forked.",
    ),
    "settled": ("Settled: a proof for this checkpoint held later.",),
}


def _export(found: list[Evidence], out: Path) -> None:
    """The notes as files; those that are there already are left as they are."""
    out.mkdir(parents=True, exist_ok=True)
    for number, item in enumerate(found, start=1):
        for name, note in (("before", item.held), ("as-well", item.seen)):
            path = out / f"{number}-{item.why}-{name}.note"
            if not path.exists():
                write_new(path, note)


def _cosigner(directory: Path) -> Cosigner:
    """The witness's name and key.

    Raises:
        Unavailable: there is none. Malformed: others can read the key, or it is none.
    """
    path = directory / KEY
    try:
        if path.stat().st_mode & 0o077:
            raise Malformed(f"others can read {path}; make it yours alone: chmod 600 {path}")
        key = msgspec.json.decode(path.read_bytes(), type=_Key)
    except OSError as error:
        raise Unavailable(
            f"{directory} holds no witness: {error.strerror or error}; make one: holdgate witness init"
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{path} is no key of a witness: {error}") from None
    return Cosigner(key.name, SigningKey.from_seed(key.signing))


def _logs(directory: Path) -> dict[str, Vkey]:
    return {party.vkey.name: party.vkey for party in read_policy(directory / LOGS).logs}
