"""holdgate root next, ready, history: the roots are exchanged, and those who audit from outside hear of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from holdgate.adapters.new_file import write_new
from holdgate.bootstrap import read_premises, read_trust
from holdgate.cli.act_words import Row, root_rows
from holdgate.cli.key_files import public_bytes, read_public
from holdgate.cli.reading import open_logs
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import key_id
from holdgate.identity.charter import signed_under
from holdgate.query.exchanges import Version, keeps_law, versions
from holdgate.query.words import moment
from holdgate.rotating import Drawn, draw_up, handed_in, merged
from holdgate.terms import canon
from holdgate.terms.errors import Malformed

INDENT: Final = 12


def next_roots(
    directory: Path,
    /,
    *,
    out: Path,
    root: tuple[Path, ...],
    threshold: int | None = None,
) -> int:
    """Draw up the exchange of a shop's roots, for old and new keepers to sign. Nothing is signed or recorded.

    Parameters
    ----------
    directory
        The shop's directory, with the business hub's record.
    out
        The new file.
    root
        The public key of a keeper from then on (FILE.key.pub), also of one who stays; once for each.
    threshold
        How many of them have to sign from then on (default: more than half).
    """
    keys = [public_bytes(read_public(path).public, str(path)) for path in root]
    last = _versions(directory)[-1]
    org = read_premises(directory).charter.org
    signing = len(keys) // 2 + 1 if threshold is None else threshold
    drawn = draw_up(out, last.document.payload, last.roots, org, keys, signing)
    console = Console(highlight=False)
    tell(console, drawn)
    told = f"{out}: old and new keepers sign it, each on a machine of their own: holdgate root sign {out} --key FILE"
    console.print(told, soft_wrap=True, markup=False)
    return 0


def ready(file: Path, /, *copies: Path, out: Path) -> int:
    """Put together what the keepers signed, and write what two officers hand in (the act root.rotate).

    Parameters
    ----------
    file
        The exchange, as holdgate root next drew it up.
    copies
        The copies that keepers signed apart from each other.
    out
        The new file: the act's field document, for holdgate act prepare root.rotate --fields.
    """
    drawn = merged(file, copies)
    document = handed_in(drawn)
    write_new(out, msgspec.json.encode({"document": document}))
    console = Console(highlight=False)
    tell(console, drawn)
    told = f"{out}: two officers hand it in: holdgate act prepare root.rotate --fields {out} reason=… --with ID:ROLE …"
    console.print(told, soft_wrap=True, markup=False)
    return 0


def history(
    path: Path,
    /,
    *,
    trust: Path | None = None,
    out: Path | None = None,
) -> int:
    """List which roots a shop had and since when; on request, write a trust file that knows of every exchange.

    Parameters
    ----------
    path
        The shop's directory, or the business hub's record.
    trust
        The trust file of whoever asks (default: trust.json in PATH). Where it knows of exchanges, they have to be those on record.
    out
        The new trust file: the old one, and every root document since.
    """
    found = _versions(path)
    console = Console(highlight=False)
    for version in found:
        _tell_version(console, version)
    if out is None:
        return 0
    known = read_trust(path / "trust.json" if trust is None else trust)
    documents = tuple(version.document for version in found[1:])
    if tuple(one.payload for one in known.rotations) != tuple(one.payload for one in documents[: len(known.rotations)]):
        raise Malformed(
            "the trust file knows of other exchanges than the record holds; ask the keepers which ones they signed"
        )
    after = replace(known, rotations=documents)
    after.charter(canon.encode(found[0].document))
    write_new(out, msgspec.json.format(msgspec.json.encode(after)))
    told = f"{out}  what an auditor must trust from now on: give a copy to whoever audits from outside"
    console.print(told, soft_wrap=True, markup=False)
    return 0


def _versions(path: Path) -> list[Version]:
    """Every version of the roots, from the business hub's record at a place.

    Raises:
        Unavailable: there is no record. Malformed: none of them is the business hub's.
    """
    with open_logs(path) as logs:
        hubs = [log for log in logs if keeps_law(log)]
        if not hubs:
            raise Malformed(f"{path} holds no record of the business hub, which alone says which roots there were")
        return list(versions(hubs[0]))


def tell(console: Console, drawn: Drawn) -> None:
    """An exchange in words: what goes, what comes, who signed."""
    for head, said in _rows(drawn):
        console.print(Text.assemble((f"{head:<{INDENT}}", "dim"), said), soft_wrap=True)


def _rows(drawn: Drawn) -> Iterator[Row]:
    document, before, envelope = drawn.document, drawn.before, drawn.file.document
    signed = signed_under(envelope, tuple(dict.fromkeys((*before.keys, *document.roots))), "the root document")
    yield from root_rows(document)
    for position, key in enumerate(before.keys):
        stays = "stays" if key in document.roots else "GOES"
        yield "before" if not position else "", f"{key.hex()}  (key id {key_id(key)})  {stays}{_did(key, signed)}"
    coming = [key for key in document.roots if key not in before.keys]
    for position, key in enumerate(coming):
        yield "comes" if not position else "", f"{key.hex()}  (key id {key_id(key)}){_did(key, signed)}"
    old, new = drawn.missing
    yield (
        "signatures",
        f"{old} more of the {before.threshold} old ones; {new} more of the {document.threshold} new ones",
    )
    yield "digest", digest(envelope.payload)


def _did(key: bytes, signed: tuple[bytes, ...]) -> str:
    return "  [signed]" if key in signed else "  [has not signed yet]"


def _tell_version(console: Console, version: Version) -> None:
    roots = version.roots
    by = "the charter" if roots.version == 1 else f"entry {version.seq}"
    console.print(
        Text(f"version {roots.version}, {by}, {moment(version.at)}: {roots.threshold} of {len(roots.keys)} sign")
    )
    for key in roots.keys:
        console.print(Text(f"  {key.hex()}  (key id {key_id(key)})"), soft_wrap=True)
    console.print(Text(f"  digest {roots.history[-1]}"), soft_wrap=True)
