"""holdgate verify: check the package of a job, with keys of one's own. Loads no law, no store and no server."""

import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from holdgate.audit.trust import Trust
from holdgate.ledger.note import Vkey, parse_vkey
from holdgate.package.verify import Verdict, verify
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.instant import show
from holdgate.terms.limits import PACKAGE_BYTES_MAX, TRUST_BYTES_MAX

FAULTS_SHOWN: Final = 20
WIDTH: Final = 26


def verify_package(package: Path, /, *, trust: Path, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Check the package of a job: signatures, proofs, cosignatures, digests, and the report that the client answered.

    It needs no network, no record and no running shop, and makes no decision again: holdgate audit does that, from whole logs.

    Parameters
    ----------
    package
        The file that holdgate package wrote.
    trust
        The keys that you trust (trust.json), from somewhere else than from whoever gave you the package.
    json
        One JSON document.
    """
    found, witnesses = _trusted(trust)
    verdict = verify(_bytes(package, PACKAGE_BYTES_MAX), found.roots, witnesses, found.rotations)
    if json:
        sys.stdout.write(msgspec.json.encode(verdict).decode() + "\n")
    else:
        _tell(package, verdict)
    return 1 if verdict.faults else 0


def _trusted(path: Path) -> tuple[Trust, tuple[Vkey, ...]]:
    raw = _bytes(path, TRUST_BYTES_MAX)
    if len(raw) > TRUST_BYTES_MAX:
        raise Malformed(f"{path} is no trust file: at most {TRUST_BYTES_MAX} bytes are read; name the one of this shop")
    try:
        found = msgspec.json.decode(raw, type=Trust)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{path} is no trust file: {error}") from None
    return found, tuple(parse_vkey(text) for text in found.witnesses)


def _bytes(path: Path, most: int) -> bytes:
    """A file's bytes, and one more than the most where it is longer."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error


def _tell(package: Path, verdict: Verdict) -> None:
    manifest = verdict.manifest
    say = sys.stdout.write
    say(
        f"{package}: job {manifest.job} of order {manifest.order}, {manifest.org}; newest entry {show(manifest.until)}\n"
    )
    for check in verdict.checked:
        say(f"  {check.what:<{WIDTH}} {check.found}\n")
    for sentence in manifest.missing:
        say(f"  {'not in it':<{WIDTH}} {sentence}\n")
    for place in manifest.withheld:
        say(f"  {'not in it':<{WIDTH}} {place}: it is not for whoever was to get this package\n")
    for sentence in verdict.not_checked:
        say(f"  {'not checked':<{WIDTH}} {sentence}\n")
    for fault in verdict.faults[:FAULTS_SHOWN]:
        say(f"  {'FOUND':<{WIDTH}} {fault.part}: {fault.what}\n")
    rest = len(verdict.faults) - FAULTS_SHOWN
    if rest > 0:
        say(f"  {'FOUND':<{WIDTH}} and {rest} more\n")
    say("This package does not hold.\n" if verdict.faults else "Everything that is in this package holds.\n")
