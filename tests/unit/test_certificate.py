"""The hub's reading of a certificate: what it must say, what it may say besides, and what it does not vouch for."""

from typing import Any

import msgspec
import pytest

from holdgate.law.certificate import HOLDS, PROVED, STRUCTURE, Check, objections, read_certificate
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import BLOB_BYTES_MAX
from tests.builders import certificate, documents


def tree(**changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.json.decode(certificate(*documents()))
    return {**said, **changes}


def said(template_version: str = "1", **changes: Any) -> list[str]:
    template, technique = documents(None, template_version)
    return [*objections(read_certificate(canon.encode(tree(**changes))), template, technique)]


def test_a_certificate_of_exactly_these_documents_is_not_objected_to() -> None:
    assert said() == []


def test_more_fields_and_checks_than_the_known_ones_are_allowed() -> None:
    """A later certifier proves more, and says so."""
    checks = [{"name": name, "verdict": HOLDS} for name in (*STRUCTURE, "never")]
    checks[-1]["query"] = "0" * 64
    assert said(checks=checks, limits={"never": 3}) == []


def test_a_further_check_that_does_not_hold_is_an_objection() -> None:
    checks = [{"name": name, "verdict": HOLDS} for name in STRUCTURE]
    (why,) = said(checks=[*checks, {"name": "never", "verdict": "unknown"}])
    assert "'never'" in why


@pytest.mark.parametrize("name", STRUCTURE)
def test_no_check_of_structure_is_left_out(name: str) -> None:
    (why,) = said(checks=[{"name": other, "verdict": HOLDS} for other in STRUCTURE if other != name])
    assert why.endswith(name)


def test_a_check_that_stands_there_twice_holds_twice() -> None:
    checks = [Check(name=name, verdict=HOLDS) for name in STRUCTURE]
    assert said(checks=[*checks, Check(name="complete", verdict="fails")])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("holdgate", "holdgate-certificate/9"),
        ("contract", "SP-2"),
        ("version", "2"),
        ("template", "0" * 64),
        ("technique", "0" * 64),
        ("notation", "holdgate-contract/2"),
        ("profile", "holdgate-cel/2"),
        ("semantics", 0),
    ],
)
def test_a_certificate_about_something_else_is_objected_to(field: str, value: Any) -> None:
    assert len(said(**{field: value})) == 1


def test_a_certificate_of_another_revision_is_objected_to() -> None:
    assert len(said(template_version="2")) == 3, "version, order template and technique"


@pytest.mark.parametrize("field", sorted(tree()))
def test_no_known_field_is_missing(field: str) -> None:
    whole = tree()
    whole.pop(field)
    with pytest.raises(Malformed, match="cannot be read"):
        read_certificate(canon.encode(whole))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        canon.encode(tree()) + b"\n",
        canon.encode(tree(semantics="1")),
        canon.encode(tree(checks="x")),
    ],
)
def test_what_is_no_certificate_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_certificate(raw)


def test_a_certificate_beyond_every_bound_is_not_read() -> None:
    with pytest.raises(Malformed, match="longer than"):
        read_certificate(canon.encode(tree(scope="x" * BLOB_BYTES_MAX)))


# ---- a shop that asks for proofs


def lacks(**changes: Any) -> list[str]:
    template, technique = documents()
    proved = {
        "proofs": [{"name": name, "verdict": HOLDS} for name in PROVED],
        "solvers": ["z3 4"],
        "witness": {"deeds": 1, "sha256": "0" * 64},
    }
    raw = canon.encode(tree(**{**proved, **changes}))
    return [*objections(read_certificate(raw), template, technique, proof=True)]


def test_proofs_and_runs_are_what_such_a_shop_asks_for() -> None:
    assert lacks() == []


@pytest.mark.parametrize("missing", PROVED)
def test_a_proof_that_is_left_out_is_named(missing: str) -> None:
    (why,) = lacks(proofs=[{"name": name, "verdict": HOLDS} for name in PROVED if name != missing])
    assert missing in why


@pytest.mark.parametrize("without", [{"solvers": []}, {"witness": None}, {"witness": {"deeds": 0, "sha256": "0" * 64}}])
def test_proofs_without_a_solver_or_without_a_run_are_none(without: dict[str, Any]) -> None:
    assert len(lacks(**without)) == 1
