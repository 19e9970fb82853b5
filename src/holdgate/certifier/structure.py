"""The certificate of this law version: what was checked of a contract's structure, and that it held.

It proves no behaviour, and says so. The checks, in order:

1. complete: heads, steps, windows, limits and money hang together (`law.completeness`);
2. named: whatever a step asks for (areas, competencies, equipment, materials) has a name, rules have ids of their own;
3. bound: the order template names exactly this technique by its hash;
4. canonical: both documents are read back from their bytes as the same documents;
5. same-meaning: each rule's text, parsed and type-checked anew over the facts that the law lays before it, gives
   exactly the normal form that the document carries and that the nodes will run;
6. data-flow: a rule that is asked at the start reads no reading and no result, which do not exist then;
7. ready: the law can make the technique ready for decisions.

One finding is enough: then there is no certificate, and the sentence lists all findings.
"""

from collections.abc import Iterator
from importlib import metadata
from typing import Final

from holdgate.certifier.cel import Schema, parse_rule
from holdgate.certifier.facts import KNOWN_AT_SIGNATURE, RULE_FACTS
from holdgate.crypto.hashes import digest
from holdgate.law.certificate import CERTIFICATE, HOLDS, Certificate, Check, RuleDigest
from holdgate.law.completeness import incomplete
from holdgate.law.contract import (
    NOTATION,
    Document,
    SmartClientPO,
    SmartSP,
    Step,
    StepRule,
    document_digest,
    encode_document,
    read_document,
)
from holdgate.law.decision import SEMANTICS
from holdgate.law.rules import normal
from holdgate.law.rules.nodes import Node, paths
from holdgate.law.technique import prepare
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id

SCOPE: Final = "structure only: no proof of behaviour"

_Parsed = tuple[Step, StepRule, Node]


def certify(template: SmartClientPO, technique: SmartSP) -> bytes:
    """The certificate of a contract, as canonical JSON; the same contract gives the same bytes.

    Args:
        template: untrusted.
        technique: untrusted.

    Raises:
        Malformed: at least one check does not hold; the sentence lists every finding.
    """
    findings, certificate = examine(template, technique)
    if findings:
        raise Malformed(f"{template.id} version {template.version} cannot be certified: {'; '.join(findings)}")
    return canon.encode(certificate)


def examine(template: SmartClientPO, technique: SmartSP) -> tuple[list[str], Certificate]:
    """Every finding about a contract's structure, and the certificate that holds where there is none."""
    rules, meaning = _rules(technique)
    found: dict[str, list[str]] = {
        "complete": incomplete(template, technique),
        "named": [*_nameless(technique)],
        "bound": [*_unbound(template, technique)],
        "canonical": [*_unreadable(template), *_unreadable(technique)],
        "same-meaning": meaning,
        "data-flow": [*_too_early(rules)],
    }
    if not any(found.values()):
        found["ready"] = [*_unready(technique)]
    findings = [sentence for sentences in found.values() for sentence in dict.fromkeys(sentences)]
    return findings, _certificate(template, technique, rules, (*found,))


def _certificate(
    template: SmartClientPO, technique: SmartSP, rules: list[_Parsed], checks: tuple[str, ...]
) -> Certificate:
    return Certificate(
        holdgate=CERTIFICATE,
        scope=SCOPE,
        contract=template.id,
        version=template.version,
        template=document_digest(template),
        technique=document_digest(technique),
        notation=NOTATION,
        profile=technique.profile,
        semantics=SEMANTICS,
        facts=digest(canon.encode(RULE_FACTS)),
        parser=f"cel-expr-python {metadata.version('cel-expr-python')}",
        checks=tuple(Check(name=name, verdict=HOLDS) for name in checks),
        rules=tuple(
            RuleDigest(step=step.id, rule=rule.id, when=rule.when, sha256=normal.digest(node))
            for step, rule, node in rules
        ),
    )


def _rules(technique: SmartSP) -> tuple[list[_Parsed], list[str]]:
    """Every rule's text parsed anew, and where that is impossible or differs from what the document carries."""
    schema, rules, findings = Schema(RULE_FACTS), [], []
    for step in technique.steps:
        for rule in step.rules:
            try:
                node = parse_rule(rule.cel, schema)
            except Malformed as error:
                findings.append(f"rule {rule.id} of {step.id}: {error}")
                continue
            rules.append((step, rule, node))
            if canon.encode(node) != bytes(rule.normal):
                findings.append(
                    f"rule {rule.id} of {step.id}: its text says {normal.unparse(node)!r}, but its normal form says "
                    "something else; make the document anew from the text"
                )
    return rules, findings


def _nameless(technique: SmartSP) -> Iterator[str]:
    for step in technique.steps:
        if not step.name.strip():
            yield f"step {step.id} has no name"
        if not step.role.strip():
            yield f"step {step.id} names no role"
        asked = {
            "an area": step.zones,
            "a competency": step.credentials,
            "an equipment class": step.equipment_classes,
            "a material": step.material_kinds,
        }
        for kind, names in asked.items():
            if any(not name.strip() for name in names):
                yield f"step {step.id} asks for {kind} without a name"
        yield from _nameless_rules(step)


def _nameless_rules(step: Step) -> Iterator[str]:
    ids = [rule.id for rule in step.rules]
    for rule in step.rules:
        try:
            check_id(rule.id, f"the rule of {step.id}")
        except Malformed as error:
            yield str(error)
        if ids.count(rule.id) > 1:
            yield f"rule {rule.id} of {step.id} is there twice"
        if not rule.say.strip():
            yield f"rule {rule.id} of {step.id} has no sentence for its denial"


def _unbound(template: SmartClientPO, technique: SmartSP) -> Iterator[str]:
    if template.process != document_digest(technique):
        yield "the order template names another technique than this one by its hash"


def _unreadable(document: Document) -> Iterator[str]:
    try:
        same = read_document(encode_document(document)) == document
    except Malformed as error:
        yield str(error)
        return
    if not same:
        yield f"the {type(document).__name__} is not what its bytes say"


def _too_early(rules: list[_Parsed]) -> Iterator[str]:
    for step, rule, node in rules:
        early = [fact for fact in KNOWN_AT_SIGNATURE if rule.when == "start" and fact in paths(node)]
        if early:
            yield f"rule {rule.id} of {step.id} is asked at the start, where there is no {' and no '.join(early)} yet"


def _unready(technique: SmartSP) -> Iterator[str]:
    try:
        prepare(technique, document_digest(technique))
    except Malformed as error:
        yield str(error)
