"""Gates of keys: whose may be replaced, by whom and by which; and who has a passkey."""

from typing import Any, Final

import pytest
from msgspec.structs import replace

from holdgate.crypto.hashes import sha256
from holdgate.crypto.sealed import SealingKey
from holdgate.law import command as c
from holdgate.law import event as ev
from tests.builders import BENCH, NODE, World, hub, key_of
from tests.gate_cases import Pair, Row, case, checked, rows_of, two
from tests.passkey import SoftPasskey

TECH: Final = SoftPasskey("TECH")
SEALING: Final = SealingKey(sha256(b"sealing")).public
OTHER_SEALING: Final = SealingKey(sha256(b"another sealing")).public


def about(name: str, *others: tuple[str, str], **changes: Any) -> dict[str, Any]:
    """The fields of another key for somebody."""
    sponsors = others or (("QA", "qa"),)
    return {"id": name, "others": (*sponsors, (name, "newcomer")), "key": key_of(f"{name} again").public} | changes


# ---- another key -----------------------------------------------------------------------------------------------------


@case("enrolment.sponsors", "SELF_APPROVAL")
def one_officer_alone_replaces_a_key() -> Pair:
    return two(hub(), c.RekeyIdentity, others=(("TECH", "newcomer"),))


@case("enrolment.sponsors", "SELF_APPROVAL")
def the_second_signer_is_no_officer() -> Pair:
    return two(hub(), c.RekeyIdentity, others=(("TECH2", "technician"), ("TECH", "newcomer")))


@case("enrolment.sponsors", "SELF_APPROVAL")
def an_officer_who_is_one_of_two_for_the_own_key() -> Pair:
    """The admin signs as an officer with the key that is to go, and one other officer joins in."""
    world = hub()
    own = world.ask(c.RekeyIdentity, id="ADMIN", key=key_of("ADMIN again").public, others=(("QA", "qa"),))
    return own, world.ask(c.RekeyIdentity, by="PM", **about("ADMIN"))


@case("enrolment.sponsors", "SELF_APPROVAL")
def a_newcomer_and_one_officer() -> Pair:
    """The new key counts as nobody's approval, whatever roles its holder has."""
    world = hub()
    return world.ask(c.RekeyIdentity, by="PM", **about("QA", ("TECH", "technician"))), world.ask(
        c.RekeyIdentity, by="PM", **about("QA", ("ADMIN", "admin"))
    )


@case("enrolment.sponsors", "KEY_NOT_ACCEPTED")
def the_new_key_does_not_sign() -> Pair:
    return two(hub(), c.RekeyIdentity, others=(("QA", "qa"),))


@case("enrolment.sponsors", "KEY_NOT_ACCEPTED")
def only_the_old_key_signs() -> Pair:
    """A signature in any other role than newcomer is one under the key that there is."""
    return two(hub(), c.RekeyIdentity, others=(("QA", "qa"), ("TECH", "technician")))


@case("enrolment.rekeyed", "UNKNOWN_IDENTITY")
def another_key_for_a_stranger() -> Pair:
    return two(hub(), c.RekeyIdentity, **about("STRANGER"))


@case("enrolment.rekeyed", "IDENTITY_DISABLED")
def another_key_for_somebody_who_was_disabled() -> Pair:
    """De-authorised is for ever: another key is no way back."""
    return hub().fold(ev.IdentityDisabled(id="TECH")).ask(c.RekeyIdentity), hub().ask(c.RekeyIdentity)


@case("enrolment.rekeyed", "KEY_NOT_ACCEPTED")
def another_key_for_a_site() -> Pair:
    world = hub()
    world.state.identities[NODE] = replace(world.state.identities[NODE], sealing_key=None)
    return world.ask(c.RekeyIdentity, **about(NODE)), world.ask(c.RekeyIdentity)


def sealed_device() -> World:
    world = hub()
    world.state.identities["TECH"] = replace(world.state.identities["TECH"], kind="device", sealing_key=SEALING)
    return world


@case("enrolment.rekeyed", "KEY_NOT_ACCEPTED")
def the_sealing_key_stays_behind() -> Pair:
    world = sealed_device()
    return world.ask(c.RekeyIdentity), world.ask(c.RekeyIdentity, sealing_key=OTHER_SEALING)


@case("enrolment.rekeyed", "KEY_NOT_ACCEPTED")
def a_sealing_key_where_there_was_none() -> Pair:
    return two(hub(), c.RekeyIdentity, sealing_key=OTHER_SEALING)


@case("enrolment.rekeyed", "KEY_NOT_ACCEPTED")
def another_sealing_key_that_hides_nothing() -> Pair:
    world = sealed_device()
    return world.ask(c.RekeyIdentity, sealing_key=bytes(32)), world.ask(c.RekeyIdentity, sealing_key=OTHER_SEALING)


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def somebody_elses_key() -> Pair:
    return two(hub(), c.RekeyIdentity, key=key_of("TECH2").public)


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def the_key_that_they_have() -> Pair:
    return two(hub(), c.RekeyIdentity, key=key_of("TECH").public)


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_key_that_was_replaced_before() -> Pair:
    """Also for whoever had it: what was lost stays lost."""
    world = hub()
    world.do(c.RekeyIdentity)
    third = key_of("TECH once more").public
    return world.ask(c.RekeyIdentity, key=key_of("TECH").public), world.ask(c.RekeyIdentity, key=third)


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def another_key_of_small_order() -> Pair:
    return two(hub(), c.RekeyIdentity, key=bytes(32))


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_device_gets_a_passkey() -> Pair:
    return two(hub(), c.RekeyIdentity, **about(BENCH, key=SoftPasskey("WS").public))


@case("people.role", "ROLE_NOT_AUTHORISED")
def no_officer_asks_for_it() -> Pair:
    world = hub()
    others = (("QA", "qa"), ("PM", "project_manager"), ("TECH", "newcomer"))
    return world.ask(c.RekeyIdentity, by="TECH2", others=others), world.ask(c.RekeyIdentity, others=others)


@case("entries.reason", "REASON_REQUIRED")
def another_key_without_a_reason() -> Pair:
    return two(hub(), c.RekeyIdentity, reason=" ")


# ---- passkeys -----------------------------------------------------------------------------------------------------


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_device_with_a_passkey() -> Pair:
    return two(hub(), c.EnrolIdentity, kind="device", key=TECH.public, roles=("workstation",))


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_site_with_a_passkey() -> Pair:
    return two(hub(), c.EnrolSite, key=TECH.public)


@case("enrolment.key", "KEY_NOT_ACCEPTED")
def a_passkey_that_nobody_can_read() -> Pair:
    return two(hub(), c.EnrolIdentity, key=TECH.public.replace(b"hub.floor.lan", b"HUB.floor.lan"))


@case("people.identity", "SIGNATURE_AUTH_FAILED")
def a_key_of_another_kind_than_is_said() -> Pair:
    world = hub()
    before = world.ask(c.RegisterMaterial)
    (signer,) = before.command.signers
    return before._replace(command=replace(before.command, signers=(replace(signer, kind="webauthn"),))), before


@pytest.mark.parametrize("row", rows_of(__file__), ids=lambda row: row.name)
def test_refused_and_its_neighbour_not(row: Row) -> None:
    checked(row)
