"""Roots that are exchanged: by enough of the old and enough of the new ones, one version after the other, at every site."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from holdgate.audit.replay import PlainChecks, audit_log
from holdgate.audit.trust import Trust
from holdgate.crypto.envelope import Envelope, open_envelope, seal
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import SigningKey, key_id
from holdgate.identity.charter import CHARTER_TYPE
from holdgate.identity.roots import ROOT_TYPE, Roots, follow, follow_all, founding_roots, open_under
from holdgate.law import command as c
from holdgate.law import decide as law
from holdgate.law import event as ev
from holdgate.law.outcomes import OUTCOMES
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.terms import canon
from holdgate.terms.errors import HoldgateError, Malformed, Tampered
from holdgate.terms.limits import ROOTS_MAX
from tests.builders import HUB, NODE, ROOT, Log, charter, charter_envelope, hub_log, key_of, node_log
from tests.rotations import KEEPERS, drawn, sealed

FIRST: Final = founding_roots(charter())
A, B, C, D, E, F, *MORE = KEEPERS


def after(*steps: tuple[Sequence[SigningKey], int]) -> Roots:
    """The roots after exchanges that everybody of both sides signed."""
    roots = FIRST
    before: tuple[SigningKey, ...] = (ROOT,)
    for keys, threshold in steps:
        roots = follow(roots, "LAB", sealed(drawn(roots, keys, threshold), tuple(dict.fromkeys((*before, *keys)))))
        before = tuple(keys)
    return roots


TWO_OF_THREE: Final = after(((A, B, C), 2))


# ---- what a shop's keepers do --------------------------------------------------------------------------------------


def test_several_exchanges_one_after_the_other() -> None:
    roots = after(((A, B, C), 2), ((B, C, D), 2), ((B, C, D, E, F), 3), ((F,), 1))
    assert (roots.version, roots.threshold, roots.keys) == (5, 1, (F.public,))
    assert len(set(roots.history)) == 5
    assert roots.former == tuple(key.public for key in (ROOT, A, B, C, D, E))


@pytest.mark.parametrize("signers", [(A, B), (B, C, D), (A, C), (A, B, C, D)])
def test_a_threshold_of_old_and_of_new_ones_is_enough(signers: Sequence[SigningKey]) -> None:
    """B, C and D from now on, two of them: a signature of B counts on both sides."""
    document = drawn(TWO_OF_THREE, (B, C, D), 2)
    old, new = sum(key in (A, B, C) for key in signers), sum(key in (B, C, D) for key in signers)
    if old >= 2 and new >= 2:
        assert follow(TWO_OF_THREE, "LAB", sealed(document, signers)).version == 3
    else:
        with pytest.raises(Tampered, match="too few signed it"):
            follow(TWO_OF_THREE, "LAB", sealed(document, signers))


def test_a_lost_key_is_replaced_by_the_two_that_are_left() -> None:
    assert follow(TWO_OF_THREE, "LAB", sealed(drawn(TWO_OF_THREE, (A, B, D), 2), (A, B))).former[-1] == C.public


def test_the_threshold_alone_changes() -> None:
    roots = follow(TWO_OF_THREE, "LAB", sealed(drawn(TWO_OF_THREE, (A, B, C), 3), (A, B, C)))
    assert (roots.keys, roots.threshold, roots.former) == (TWO_OF_THREE.keys, 3, TWO_OF_THREE.former)
    with pytest.raises(Tampered, match="too few signed it: 1 more"):
        follow(roots, "LAB", sealed(drawn(roots, (A, B, D), 2), (A, B)))


def test_as_many_roots_as_there_may_be() -> None:
    many = [key_of(f"root {n}") for n in range(2 * ROOTS_MAX + 1)]
    roots = after((many[:ROOTS_MAX], ROOTS_MAX))
    others = many[ROOTS_MAX : 2 * ROOTS_MAX]
    assert follow(roots, "LAB", sealed(drawn(roots, others, ROOTS_MAX), many[: 2 * ROOTS_MAX])).version == 3
    with pytest.raises(Malformed, match="too many"):
        follow(FIRST, "LAB", sealed(drawn(FIRST, many[: ROOTS_MAX + 1], 1), (ROOT, many[0])))


# ---- attacks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "threshold", "signers"),
    [
        ((D, E, F), 2, (A, D, E, F)),
        ((A, D, E), 2, (A, D, E)),
        ((A,), 1, (A,)),
        ((A, B, D), 2, (A, D)),
        ((A, B, C), 1, (A,)),
    ],
    ids=["thieves' keys", "itself and its friends", "itself alone", "a friend for C", "a lower threshold"],
)
def test_one_stolen_key_of_three_exchanges_nothing(
    keys: Sequence[SigningKey], threshold: int, signers: Sequence[SigningKey]
) -> None:
    with pytest.raises(Tampered, match="too few signed it"):
        follow(TWO_OF_THREE, "LAB", sealed(drawn(TWO_OF_THREE, keys, threshold), signers))


def test_one_signature_does_not_count_twice_under_two_names() -> None:
    """The same key under its own id, and under another keeper's."""
    document = canon.encode(drawn(TWO_OF_THREE, (A, B, D), 2))
    for other in (B, C, D):
        raw = seal(document, [(key_id(A.public), A), (key_id(other.public), A)], ROOT_TYPE)
        with pytest.raises(Tampered, match="does not hold"):
            follow(TWO_OF_THREE, "LAB", raw)
    with pytest.raises(Malformed, match="each signer signs once"):
        follow(TWO_OF_THREE, "LAB", seal(document, [(key_id(A.public), A)] * 2, ROOT_TYPE))
    with pytest.raises(Malformed, match="names a root key twice"):
        follow(TWO_OF_THREE, "LAB", sealed(drawn(TWO_OF_THREE, (A, A, B), 2), (A, B)))


def test_an_old_document_is_no_document_any_more() -> None:
    first = sealed(drawn(FIRST, (A, B, C), 2), (ROOT, A, B))
    roots = follow(FIRST, "LAB", first)
    with pytest.raises(Malformed, match="version 2 is in force already"):
        follow(roots, "LAB", first)
    back = drawn(roots, (A, B, C), 2, version=2)
    with pytest.raises(Malformed, match="in force already"):
        follow(after(((A, B, C), 2), ((B, C, D), 2)), "LAB", sealed(back, (ROOT, A, B)))


def test_the_roots_before_authorise_nothing_any_more() -> None:
    """Whoever finds all three old keys later: they neither exchange the new ones, nor come back among them."""
    roots = after(((A, B, C), 2), ((D, E, F), 2))
    with pytest.raises(Tampered, match="none of its roots"):
        follow(roots, "LAB", sealed(drawn(roots, (D, E, MORE[0]), 2), (A, B, C)))
    with pytest.raises(Malformed, match="does not come back"):
        follow(roots, "LAB", sealed(drawn(roots, (D, E, A), 2), (D, E, A)))


def test_a_version_is_not_left_out() -> None:
    middle = drawn(TWO_OF_THREE, (B, C, D), 2)
    last = drawn(follow(TWO_OF_THREE, "LAB", sealed(middle, (B, C))), (C, D, E), 2)
    with pytest.raises(Malformed, match="does not follow version 2"):
        follow(TWO_OF_THREE, "LAB", sealed(last, (C, D, E, B)))
    with pytest.raises(Tampered, match="not what is in force here"):
        follow(TWO_OF_THREE, "LAB", sealed(replace(last, version=3), (B, C, D, E)))


def test_of_two_documents_only_one_follows() -> None:
    """Keepers who signed both: the other one does not follow from the first."""
    one, two = drawn(TWO_OF_THREE, (B, C, D), 2), drawn(TWO_OF_THREE, (B, C, E), 2)
    roots = follow(TWO_OF_THREE, "LAB", sealed(one, (B, C)))
    for changed in (two, replace(two, version=4)):
        with pytest.raises(HoldgateError):
            follow(roots, "LAB", sealed(changed, (B, C)))


@pytest.mark.parametrize(
    "weak",
    [
        bytes(32),
        (1).to_bytes(32, "little"),
        b"\xff" * 32,
        bytes(31),
        b"\xec" + b"\xff" * 30 + b"\x7f",
        A.public + b"x" * 33,
    ],
    ids=["order 4", "order 1", "no canonical point", "short", "order 2", "a passkey's length"],
)
def test_a_weak_key_becomes_no_root(weak: bytes) -> None:
    document = replace(drawn(TWO_OF_THREE, (A, B), 2), roots=(A.public, B.public, weak))
    with pytest.raises(Malformed, match="key"):
        follow(TWO_OF_THREE, "LAB", sealed(document, (A, B)))


@pytest.mark.parametrize(
    "changes", [{"v": 2}, {"org": "OTHER"}, {"threshold": 0}, {"threshold": 4}, {"threshold": -1}, {"version": 2}]
)
def test_other_documents_than_the_next_one(changes: Mapping[str, Any]) -> None:
    with pytest.raises(HoldgateError):
        follow(TWO_OF_THREE, "LAB", sealed(replace(drawn(TWO_OF_THREE, (A, B, D), 2), **changes), (A, B, D)))


def test_a_charter_is_no_root_document_and_the_reverse() -> None:
    document = drawn(FIRST, (A, B, C), 2)
    with pytest.raises(Malformed):
        follow(FIRST, "LAB", charter_envelope())
    with pytest.raises(Malformed):
        follow(FIRST, "LAB", seal(canon.encode(document), [(key_id(ROOT.public), ROOT)], CHARTER_TYPE))
    blanks = sealed(document, (ROOT, A, B)).replace(b'","', b'", "', 1)
    with pytest.raises(Malformed, match="canonical"):
        follow(FIRST, "LAB", blanks)


@given(st.lists(st.sampled_from(KEEPERS), unique=True, max_size=9), st.integers(1, 3), st.data())
@settings(max_examples=60, deadline=None)
def test_whoever_signs_it_takes_both_thresholds(signers: list[SigningKey], threshold: int, data: st.DataObject) -> None:
    keys = data.draw(st.lists(st.sampled_from(KEEPERS), unique=True, min_size=threshold, max_size=5))
    document = drawn(TWO_OF_THREE, keys, threshold)
    changes = ({*keys}, threshold) != ({A, B, C}, 2)
    allowed = {A, B, C, *keys}
    old, new = sum(key in (A, B, C) for key in signers), sum(key in keys for key in signers)
    fits = changes and {*signers} <= allowed and old >= 2 and new >= threshold
    try:
        roots = follow(TWO_OF_THREE, "LAB", sealed(document, signers))
    except (Malformed, Tampered):
        assert not fits
    else:
        assert fits
        assert (roots.keys, roots.threshold) == (tuple(key.public for key in keys), threshold)


# ---- what an auditor brings ----------------------------------------------------------------------------------------


def envelopes(*raws: bytes) -> tuple[Envelope, ...]:
    return tuple(open_envelope(raw, ROOT_TYPE) for raw in raws)


SECOND: Final = sealed(drawn(FIRST, (A, B, C), 2), (ROOT, A, B))
THIRD: Final = sealed(drawn(TWO_OF_THREE, (B, C, D), 2), (B, C))


def test_a_charter_made_later_with_old_roots_is_not_believed() -> None:
    """A thief of all the first roots founds a shop of the same name; whoever knows of the exchange sees that it is another."""
    known = envelopes(SECOND)
    assert open_under(charter_envelope(), (ROOT.public,), known) == charter()
    own = replace(charter(), founders=charter().founders[:1])
    forged = seal(canon.encode(own), [(key_id(ROOT.public), ROOT)], CHARTER_TYPE)
    assert open_under(forged, (ROOT.public,)) == own, "the first roots alone cannot tell"
    with pytest.raises(Tampered, match="do not follow from this charter"):
        open_under(forged, (ROOT.public,), known)


def test_root_documents_that_do_not_follow_each_other_are_no_ground() -> None:
    for row in (envelopes(THIRD), envelopes(THIRD, SECOND), envelopes(SECOND, SECOND)):
        with pytest.raises(Tampered, match="do not follow"):
            open_under(charter_envelope(), (ROOT.public,), row)
    assert follow_all(charter(), envelopes(SECOND, THIRD)).version == 3


class Kept:
    """A log as an auditor finds it."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def bodies(self) -> Any:
        return ((n, draft.leaf, draft.body) for n, draft in enumerate(self._log.drafts))

    def blob(self, key: str) -> bytes | None:
        return self._log.blobs.get(key)

    def checkpoint(self) -> bytes:
        return self._log.checkpoint(len(self._log.drafts))

    def cosignatures(self) -> Mapping[str, bytes]:
        return {}


def audited(log: Log, *known: bytes) -> tuple[int, list[str]]:
    report = audit_log(Kept(log), Trust(roots=(ROOT.public,), rotations=envelopes(*known)), PlainChecks())
    return report.root_version, [finding.what for finding in report.findings]


def test_the_audit_follows_the_exchanges_on_the_record() -> None:
    shop = hub_log()
    shop.allow(c.RotateRoots, document=SECOND)
    shop.allow(c.RotateRoots, document=THIRD)
    node = node_log(shop)
    for known in ((), (SECOND,), (SECOND, THIRD)):
        assert audited(shop, *known) == audited(node, *known) == (3, [])
    assert shop.again() == shop.bodies()


def test_an_auditor_who_knows_another_exchange_is_told() -> None:
    """All old keepers signed two documents of one version: one is on the record, the other with the auditor."""
    shop = hub_log()
    shop.allow(c.RotateRoots, document=SECOND)
    other = sealed(drawn(FIRST, (D, E, F), 2), (ROOT, D, E))
    version, findings = audited(shop, other)
    assert version == 2
    assert "another one than you trust" in findings[0]
    assert audited(hub_log(), SECOND) == (1, []), "a record may end before it"


# ---- on the record, and at every site ------------------------------------------------------------------------------


def test_the_entry_is_linked_to_the_charter_and_to_the_exchange_before_it() -> None:
    shop = hub_log()
    genesis = shop.drafts[0]
    first = shop.allow(c.RotateRoots, document=SECOND)
    second = shop.allow(c.RotateRoots, document=THIRD)
    entries = [read_entry(draft.body) for draft in (first, second)]
    assert [entry.subject for entry in entries] == ["charter", "charter"]
    assert [entry.prev for entry in entries] == [genesis.leaf.hex(), first.leaf.hex()]
    (event,) = decision_of(entries[0]).events
    assert event == ev.RootsRotated(
        version=2,
        roots=(A.public, B.public, C.public),
        threshold=2,
        document=digest(open_envelope(SECOND, ROOT_TYPE).payload),
    )


def test_a_site_that_imports_it_follows_it() -> None:
    shop = hub_log()
    log = node_log(shop)
    shop.allow(c.RotateRoots, document=SECOND)
    shop.allow(c.RotateRoots, document=THIRD)
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    assert log.state.roots == shop.state.roots
    assert log.state.roots.version == 3
    assert log.again() == log.bodies()


def test_whoever_was_enrolled_before_works_on() -> None:
    shop = hub_log()
    log = node_log(shop)
    shop.allow(c.RotateRoots, document=SECOND)
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    log.now = shop.now
    log.worked()
    assert log.state.jobs["PO-1/J-1"].signers


def unguarded(monkeypatch: pytest.MonkeyPatch, *gates: str) -> None:
    """A hub that asks less than the law."""
    asked = dict(law._GATES)
    asked[c.RotateRoots] = tuple(gate for gate in asked[c.RotateRoots] if gate.name not in gates)
    monkeypatch.setattr(law, "_GATES", asked)


def test_a_hub_that_hands_it_in_by_itself_is_believed_by_no_other_site(monkeypatch: pytest.MonkeyPatch) -> None:
    unguarded(monkeypatch, "roots.officers")
    shop = hub_log()
    log = node_log(shop)
    shop.allow(c.RotateRoots, others=())
    with pytest.raises(Tampered, match="too few have signed that"):
        log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    assert log.state.roots.version == 1


def test_a_hub_that_makes_roots_of_its_own_is_believed_by_no_other_site(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its operator and two officers: without the keepers they change nothing, whatever the hub records."""
    own = ev.RootsRotated(version=2, roots=(D.public,), threshold=1, document="0" * 64)
    forged = sealed(drawn(FIRST, (D,), 1), (D,))
    for document, words in ((forged, "too few signed it"), (SECOND, "something else of the roots")):
        shop = hub_log()
        log = node_log(shop)
        with monkeypatch.context() as patched:
            unguarded(patched, "roots.follow", "roots.apart")
            patched.setattr(law, "OUTCOMES", OUTCOMES | {c.RotateRoots: lambda case, command: (own,)})
            shop.allow(c.RotateRoots, document=document)
        with pytest.raises(Tampered, match=words):
            log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
        assert log.state.roots.version == 1
        _, findings = audited(shop)
        assert len(findings) >= 1, "and an audit of the hub's log says so"


def test_one_stretch_with_two_exchanges_is_followed_in_order() -> None:
    shop = hub_log()
    shop.allow(c.RotateRoots, document=SECOND)
    with pytest.raises(AssertionError):
        shop.allow(c.RotateRoots, document=SECOND)
    shop.allow(c.RotateRoots, document=THIRD)
    assert node_log(shop).state.roots.version == 3


def test_a_node_says_nothing_of_roots() -> None:
    log = node_log(hub_log())
    answer = log.act(c.RotateRoots, site=NODE)
    assert not answer.decision.allowed
    assert log.state.roots.version == 1
