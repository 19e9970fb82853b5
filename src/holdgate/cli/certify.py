"""holdgate certify: prove a contract, run its witnesses, and write the certificate; or say what stands against it, and how."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from holdgate.certifier.facts import rule_parser
from holdgate.certifier.findings import Defect
from holdgate.crypto.hashes import digest
from holdgate.law.certificate import read_certificate
from holdgate.law.families import Bundle
from holdgate.law.notation import read_bundle
from holdgate.scenario.certification import Certification, certification
from holdgate.terms.errors import Unavailable


def certify(
    contract: Path,
    /,
    *,
    second_solver: Annotated[bool, Parameter(negative=())] = False,
    out: Path | None = None,
    queries: Path | None = None,
    check: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Prove a contract for every value of facts and adaptable parameters, run its witnesses on real sites, and certify it.

    Parameters
    ----------
    contract
        A contract in YAML.
    second_solver
        Ask cvc5 every question too; both solvers have to agree.
    out
        Where to write the certificate.
    queries
        A folder for the questions that were asked, each as SMT-LIB text under its SHA-256.
    check
        A certificate that somebody else made: it has to be, byte for byte, what is proved here.
    json
        One JSON document on stdout.
    """
    held = None if check is None else _held(check)
    found = certification(read_contract(contract), second=second_solver)
    if queries is not None:
        queries.mkdir(parents=True, exist_ok=True)
        for query in found.queries:
            (queries / f"{query.sha256}.smt2").write_text(f"; {query.name}\n{query.text}", encoding="utf-8")
    if out is not None and found.certificate is not None:
        out.write_bytes(found.certificate)
    console = Console(highlight=False, soft_wrap=True)
    if json:
        sys.stdout.write(msgspec.json.encode(_document(found, held)).decode() + "\n")
    elif found.certificate is None:
        _refuse(console, found)
    else:
        _tell(console, found, out)
    differs = () if held is None or found.certificate is None else _differences(held, found.certificate)
    if differs and not json:
        console.print(Text(f"{check} is another certificate: it differs in {', '.join(differs)}.", style="bold red"))
    return 0 if found.certificate is not None and not differs else 1


def _held(path: Path) -> bytes:
    """A certificate to be compared.

    Raises:
        Unavailable: it cannot be read. Malformed: it is none.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
    read_certificate(raw)
    return raw


def _differences(held: bytes, made: bytes) -> tuple[str, ...]:
    """The fields in which two certificates differ; other solvers prove the same by other versions."""
    left, right = (msgspec.json.decode(raw, type=dict[str, object]) for raw in (held, made))
    return tuple(name for name in dict.fromkeys((*left, *right)) if left.get(name) != right.get(name))


def read_contract(path: Path) -> Bundle:
    """A contract and everything that it names, from its file and those beside it.

    Raises:
        Malformed: it cannot be read; the sentence says where. Unavailable: a file that it names is not there.
    """

    def neighbour(name: str) -> str:
        try:
            return (path.parent / name).read_text(encoding="utf-8")
        except OSError as error:
            raise Unavailable(f"{name}, which the contract names, cannot be read: {error.strerror}") from error

    return read_bundle(path.read_text(encoding="utf-8"), rule_parser(), neighbour)


def _tell(console: Console, found: Certification, out: Path | None) -> None:
    console.print(Text(f"{found.contract} version {found.version} is certified.", style="bold green"))
    for proof in found.proofs:
        asked = _asked(len(proof.queries))
        console.print(Text.assemble("  ", ("\u2713 ", "green"), proof.name.replace("-", " "), (f"  {asked}", "dim")))
    if found.plan is not None:
        console.print(f"  {len(found.plan.deeds)} acts were run on real sites; each came out as predicted.")
        for told in found.plan.left_out:
            console.print(Text(f"  not run: {told}", style="yellow"))
    for note in found.notes:
        console.print(Text(f"  note: {note}", style="yellow"))
    if found.certificate is not None:
        console.print(f"  certificate {digest(found.certificate)}" + ("" if out is None else f" in {out}"))


def _asked(count: int) -> str:
    return "by search" if not count else f"{count} question{'s' if count > 1 else ''}"


def _refuse(console: Console, found: Certification) -> None:
    count = f"{len(found.defects)} defect{'s' if len(found.defects) > 1 else ''}"
    console.print(Text(f"{found.contract} version {found.version} cannot be certified: {count}.", style="bold red"))
    for defect in found.defects:
        console.print(Text.assemble("\n", (defect.proof.replace("-", " "), "bold"), f"\n  {defect.sentence()}"))
        console.print(_path(defect), end="")


def _path(defect: Defect) -> str:
    """The acts that lead there, numbered, as a person reads them."""
    return "".join(f"    {number}. {words}\n" for number, words in enumerate(defect.path, start=1))


def _document(found: Certification, held: bytes | None) -> dict[str, object]:
    compared = None if held is None or found.certificate is None else _differences(held, found.certificate)
    return {
        "differs_in": compared,
        "contract": found.contract,
        "version": found.version,
        "certified": found.certificate is not None,
        "certificate": None if found.certificate is None else digest(found.certificate),
        "defects": found.defects,
        "notes": found.notes,
        "proofs": found.proofs,
        "deeds": 0 if found.plan is None else len(found.plan.deeds),
        "left_out": () if found.plan is None else found.plan.left_out,
    }
