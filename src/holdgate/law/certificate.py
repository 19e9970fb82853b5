"""The certificate of a contract version: what the validators sign, and what the business hub reads of it.

The prover stands beside the law. The hub proves nothing again: it holds the certificate against the documents of the
version that it is said to vouch for. Fields and checks that this law version does not know are left alone; a check that
does not hold, of whatever name, is an objection.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from holdgate.law.contract import NOTATION, SmartClientPO, SmartSP, document_digest
from holdgate.law.decision import SEMANTICS
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed

CERTIFICATE: Final = "holdgate-certificate/1"
HOLDS: Final = "holds"
STRUCTURE: Final = ("complete", "named", "bound", "canonical", "same-meaning", "data-flow", "ready")
"""The checks that no certificate may leave out (`holdgate.certifier.structure` says what each means)."""


class Check(Struct, frozen=True, kw_only=True):
    """One check and its verdict."""

    name: str
    verdict: str


class RuleDigest(Struct, frozen=True, kw_only=True):
    """The identity of one rule's normal form (SHA-256 over profile and tree)."""

    step: str
    rule: str
    when: str
    sha256: str


class Proof(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One property, its verdict, and the SHA-256 of each solver's question that it rests on (none: found by search)."""

    name: str
    verdict: str
    queries: tuple[str, ...] = ()


class WitnessRun(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Runs on a real engine that came out as predicted. `deeds`: how many acts; `sha256`: of the acts and their predictions.

    `left_out`: what the graph of the contract knows and no run could show, by name.
    """

    deeds: int
    sha256: str
    left_out: tuple[str, ...] = ()


class Certificate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the validators sign and the contract's version carries.

    `scope`: what it vouches for, in words. `template`, `technique`: SHA-256 of the documents. `semantics`: of the engine. `facts`:
    SHA-256 of the schema that the rules were checked against. `parser`: the CEL parser and its version. `proofs`, `solvers`,
    `witness`: of a certificate that proves behaviour; one of structure alone has none.
    """

    holdgate: str
    scope: str
    contract: str
    version: str
    template: str
    technique: str
    notation: str
    profile: str
    semantics: int
    facts: str
    parser: str
    checks: tuple[Check, ...]
    rules: tuple[RuleDigest, ...]
    proofs: tuple[Proof, ...] = ()
    solvers: tuple[str, ...] = ()
    witness: WitnessRun | None = None


_PLAIN: Final[msgspec.json.Decoder[dict[str, Any]]] = msgspec.json.Decoder(dict[str, Any])


def read_certificate(raw: bytes) -> Certificate:
    """Read untrusted bytes as a certificate; more fields than the known ones are allowed, fewer are not.

    Raises:
        Malformed: too large, not canonical JSON, or a known field is missing or of another type.
    """
    if len(raw) > limits.BLOB_BYTES_MAX:
        raise Malformed(f"the certificate is longer than {limits.BLOB_BYTES_MAX} bytes")
    plain = canon.decode(raw, _PLAIN, "the certificate")
    try:
        return msgspec.convert(plain, Certificate)
    except msgspec.ValidationError as error:
        raise Malformed(f"the certificate cannot be read: {error}") from None


def objections(certificate: Certificate, template: SmartClientPO, technique: SmartSP) -> Iterator[str]:
    """Why a certificate does not vouch for exactly these two documents under this law, as sentences; none: it does."""
    said = {
        "kind of certificate": (certificate.holdgate, CERTIFICATE),
        "contract": (certificate.contract, template.id),
        "version": (certificate.version, template.version),
        "order template": (certificate.template, document_digest(template)),
        "technique": (certificate.technique, document_digest(technique)),
        "notation": (certificate.notation, NOTATION),
        "profile": (certificate.profile, technique.profile),
        "semantics": (str(certificate.semantics), str(SEMANTICS)),
    }
    for what, (found, wanted) in said.items():
        if found != wanted:
            yield f"its certificate is about the {what} {found[:16]!r}, not {wanted[:16]!r}"
    named = [check.name for check in certificate.checks]
    for name in STRUCTURE:
        if name not in named:
            yield f"its certificate does not say that it is {name}"
    said_of: list[Check | Proof] = [*certificate.checks, *certificate.proofs]
    for check in said_of:
        if check.verdict != HOLDS:
            yield f"its certificate says of {check.name[:40]!r}: {check.verdict[:40]!r}"
