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

PROVED: Final = (
    "a-deviation-leaves-a-way",
    "a-failing-result-can-stand",
    "environment-can-be-good",
    "every-declared-condition-is-enforced",
    "every-outcome-can-be-signed",
    "every-state-can-end",
    "every-step-can-pass",
    "limits-leave-room",
    "milestones-are-the-price",
    "model-and-engine-agree",
    "no-alternative-is-dead",
    "no-conjunct-is-redundant",
    "no-final-invoice-without-the-client",
    "no-payout-before-qa-and-compliance",
    "no-report-before-qa",
    "no-test-before-arrival-and-prechecks",
    "nothing-nonconforming-recorded-as-conforming",
    "one-currency",
    "parameters-are-bounded",
    "pay-is-blind-to-results",
    "payouts-can-be-earned",
    "payouts-depend-on-time-and-completeness-alone",
    "payouts-stay-under-their-cap",
    "people-decide-on-what-failed",
    "rules-ask-for-something",
    "rules-can-be-true",
    "rules-can-read-what-the-limits-say",
    "rules-name-what-there-is",
    "silence-leaves-time-to-answer",
    "structure",
    "tuning-never-leaves-its-range",
    "what-is-named-exists",
    "windows-can-be-met",
    "windows-open-before-they-close",
)
"""What a certificate of proof has to prove besides (`holdgate.certifier`; docs/spec/certificate.md says what each means)."""


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


def objections(
    certificate: Certificate, template: SmartClientPO, technique: SmartSP, *, proof: bool = False
) -> Iterator[str]:
    """Why a certificate does not vouch for exactly these two documents under this law, as sentences; none: it does.

    `proof`: the shop takes no certificate of structure alone.
    """
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
    if proof:
        yield from _unproved(certificate)


def _unproved(certificate: Certificate) -> Iterator[str]:
    """What a certificate of proof lacks."""
    proved = [proof.name for proof in certificate.proofs]
    for name in PROVED:
        if name not in proved:
            yield f"this shop asks for proofs, and its certificate has none of {name}"
    if not certificate.solvers:
        yield "this shop asks for proofs, and its certificate names no solver"
    if certificate.witness is None or certificate.witness.deeds < 1:
        yield "this shop asks for witness runs, and its certificate has none"
