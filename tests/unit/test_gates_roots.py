"""Gates of the roots: who hands an exchange in, and which document is one."""

from collections.abc import Sequence
from typing import Any, Final

import pytest

from holdgate.crypto.keys import SigningKey
from holdgate.identity.roots import Roots, founding_roots
from holdgate.law import command as c
from tests.builders import ROOT, charter, hub, key_of
from tests.gate_cases import Pair, Row, case, checked, rows_of, two
from tests.rotations import KEEPERS, drawn, sealed

FIRST: Final = founding_roots(charter())


def given(keys: Sequence[SigningKey], threshold: int, signers: Sequence[SigningKey], **changes: Any) -> bytes:
    return sealed(drawn(FIRST, keys, threshold, **changes), signers)


def handed(document: bytes) -> Pair:
    return two(hub(), c.RotateRoots, document=document)


@case("roots.officers", "SELF_APPROVAL")
def an_exchange_that_one_officer_hands_in() -> Pair:
    return two(hub(), c.RotateRoots, others=())


@case("roots.officers", "SELF_APPROVAL")
def an_exchange_with_a_colleague_for_an_officer() -> Pair:
    return two(hub(), c.RotateRoots, others=(("TECH", "technician"),))


@case("people.role", "ROLE_NOT_AUTHORISED")
def an_exchange_that_a_technician_hands_in() -> Pair:
    return two(hub(), c.RotateRoots, by="TECH", others=(("ADMIN", "admin"), ("QA", "qa")))


@case("entries.reason", "REASON_REQUIRED")
def an_exchange_without_a_reason() -> Pair:
    return two(hub(), c.RotateRoots, reason=" ")


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def no_document() -> Pair:
    return handed(b"{}")


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def new_roots_that_only_new_roots_signed() -> Pair:
    return handed(given(KEEPERS[:3], 2, KEEPERS[:3]))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def new_roots_that_only_the_old_root_signed() -> Pair:
    return handed(given(KEEPERS[:3], 2, (ROOT,)))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def new_roots_one_short_of_their_own_threshold() -> Pair:
    return handed(given(KEEPERS[:3], 2, (ROOT, KEEPERS[0])))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def roots_with_a_signature_of_somebody_else() -> Pair:
    return handed(given(KEEPERS[:3], 2, (ROOT, *KEEPERS[:2], KEEPERS[8])))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def roots_of_another_shop() -> Pair:
    return handed(given(KEEPERS[:3], 2, (ROOT, *KEEPERS[:2]), org="OTHER"))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def roots_after_another_charter() -> Pair:
    return handed(given(KEEPERS[:3], 2, (ROOT, *KEEPERS[:2]), before="0" * 64))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def a_version_left_out() -> Pair:
    return handed(given(KEEPERS[:3], 2, (ROOT, *KEEPERS[:2]), version=3))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def the_same_key_in_two_hands() -> Pair:
    return handed(given((KEEPERS[0], KEEPERS[0], KEEPERS[1]), 2, (ROOT, *KEEPERS[:2])))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def a_root_of_small_order() -> Pair:
    weak = (KEEPERS[0].public, KEEPERS[1].public, bytes(32))
    return handed(given(KEEPERS[:3], 2, (ROOT, *KEEPERS[:2]), roots=weak))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def a_threshold_that_nobody_can_meet() -> Pair:
    return handed(given(KEEPERS[:3], 4, (ROOT, *KEEPERS[:3])))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def a_threshold_of_none() -> Pair:
    return handed(given(KEEPERS[:3], 0, (ROOT, *KEEPERS[:3])))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def an_exchange_that_changes_nothing() -> Pair:
    return handed(given((ROOT,), 1, (ROOT,)))


@case("roots.follow", "ROOTS_NOT_ACCEPTED")
def the_same_exchange_a_second_time() -> Pair:
    world = hub()
    world.do(c.RotateRoots)
    return world.ask(c.RotateRoots), hub().ask(c.RotateRoots)


@case("roots.apart", "ROOTS_NOT_ACCEPTED")
def a_root_that_somebody_works_with() -> Pair:
    keys = (*KEEPERS[:2], key_of("TECH"))
    return handed(given(keys, 2, (ROOT, *keys)))


@case("roots.apart", "ROOTS_NOT_ACCEPTED")
def a_root_that_a_site_signs_with() -> Pair:
    keys = (*KEEPERS[:2], key_of("HUB"))
    return handed(given(keys, 2, (ROOT, *keys)))


@case("seats.fits", "SITE_NOT_ACCEPTED")
def a_site_with_a_key_that_became_a_root() -> Pair:
    world = hub()
    world.do(c.RotateRoots)
    return two(world, c.EnrolSite, key=KEEPERS[2].public)


@pytest.mark.parametrize("row", rows_of(__file__), ids=lambda row: row.name)
def test_refused_and_its_neighbour_not(row: Row) -> None:
    checked(row)


def test_the_roots_after_an_exchange() -> None:
    world = hub()
    world.do(c.RotateRoots)
    roots = world.state.roots
    assert (roots.version, roots.threshold) == (2, 2)
    assert roots.keys == tuple(key.public for key in KEEPERS[:3])
    assert roots.former == (ROOT.public,)
    assert world.state.charter.roots == (ROOT.public,), "the charter stays as it was signed"
    assert isinstance(roots, Roots)
