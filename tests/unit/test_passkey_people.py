"""People who sign with passkeys, at a real site: enrolled, believed, held to what their key proves, and audited."""

from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from msgspec.structs import replace
from typing_extensions import override

from holdgate.crypto.envelope import PAYLOAD_TYPE, Envelope, Signature, open_envelope, seal, verify_all
from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import key_id
from holdgate.crypto.passkeys import ALGORITHMS, EDDSA, Assertion, Passkey
from holdgate.engine.answer import Answer
from holdgate.identity.charter import CHARTER_TYPE, open_charter
from holdgate.law import command as c
from holdgate.law.chronicle import Draft
from holdgate.law.contract import document_digest
from holdgate.law.denial import sentence
from holdgate.sites.site import Site
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import DENIAL_VALUES_BYTES_MAX
from tests.builders import ROOT, charter, hub, hub_log
from tests.passkey import P256_ORDER, UP, SoftPasskey, authenticator_data
from tests.unit.test_sites import FLOOR, HUB, LIMITS, NODE, TEMPLATE, House, governed, settled, staged, told
from tests.unit.test_submit import actions, at_hub, attempts, written
from tests.unit.test_submit import rows_of as parts_of

NEW: Final = "NEW"


def enrolment(house: House, key: bytes, kind: str = "webauthn", **changes: Any) -> c.EnrolIdentity:
    """Two officers enrol somebody, who signs with the key."""
    head = house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), c.Signer(id=NEW, role="newcomer", kind=kind))
    fields: dict[str, Any] = {"id": NEW, "name": "New", "org": "LAB", "kind": "person", "roles": ("receiving",)}
    return c.EnrolIdentity(**head, **(fields | {"key": key} | changes))


async def joined(house: House, key: SoftPasskey) -> None:
    house.desk.take(NEW, key)
    answer = await house.ask(HUB, enrolment(house, key.public))
    assert answer.decision.allowed, answer.decision


def act(house: House, batch: str = "B-1", kind: str = "webauthn") -> c.RegisterMaterial:
    return replace(house.material(batch), signers=(c.Signer(id=NEW, role="receiving", kind=kind),))


# ---- they are believed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_person_with_a_passkey_is_enrolled_and_acts(tmp_path: Path, alg: int) -> None:
    async def story(house: House, hub: Site) -> None:
        key = SoftPasskey(NEW, alg=alg)
        await joined(house, key)
        answer = await house.ask(HUB, act(house))
        assert answer.decision.allowed, answer.decision
        assert hub.chronicle.state.identities[NEW].key == key.public
        assert "B-1" in hub.chronicle.state.materials

    at_hub(tmp_path, story)


def test_a_second_spelling_of_a_signature_makes_no_second_act(tmp_path: Path) -> None:
    """Of every ECDSA signature (r, s) anybody can make (r, n - s), which holds too. The act stays one act."""

    async def story(house: House, hub: Site) -> None:
        await joined(house, SoftPasskey(NEW))
        raw = house.sign(act(house))
        first = await hub.submit(raw)
        again = await hub.submit(respelled(raw))
        assert first.decision.allowed
        assert (again.seq, again.resent) == (first.seq, True)
        assert len(actions(hub)) == 2

    at_hub(tmp_path, story)


def respelled(raw: bytes) -> bytes:
    """The same envelope with the other ECDSA signature that holds."""
    plain = parts_of(raw)
    opened = msgspec.json.decode(open_envelope(raw).signatures[0].sig, type=Assertion)
    r, s = decode_dss_signature(opened.signature)
    other = replace(opened, signature=encode_dss_signature(r, P256_ORDER - s))
    row = {"keyid": NEW, "sig": canon.encode(other)}
    changed = written({**plain, "signatures": [row]})
    assert changed != raw
    verify_all(open_envelope(changed), [(NEW, SoftPasskey(NEW).public)])
    return changed


def test_a_step_that_a_passkey_signed_at_a_node_counts_at_the_hub(tmp_path: Path) -> None:
    """The node hears of the passkey with the law, the hub checks the signature again on import, and the audit once more."""
    step: dict[str, Any] = {"order": "PO-1", "job": "J-1", "step": "S10", "contract": document_digest(TEMPLATE)}
    reading: dict[str, Any] = {"characteristic": "forceatbreak", "value": LIMITS[0], "unit": "kN", "capture": "manual"}

    async def story(house: House) -> None:
        key = SoftPasskey(NEW)
        house.desk.take(NEW, key)
        assert (await house.ask(HUB, enrolment(house, key.public, roles=("technician",)))).decision.allowed
        await staged(house)
        assert (await house.ask(FLOOR, house.arrival("PO-1", "SCN-1", 1, ("S1",)))).decision.allowed
        await settled(house.shop)
        by_touch = c.Auth(components=("key", "user_verification"), session="bench-1")
        new = c.Signer(id=NEW, role="technician", kind="webauthn", meaning="performed and accepted", auth=by_touch)

        def head() -> dict[str, Any]:
            return house.head(NODE, new, place="WS-1")

        node = house.shop.sites[NODE]
        for command in (
            replace(house.start("PO-1", "J-1"), signers=(new,)),
            c.StartStep(**head(), **step, equipment=(), materials=()),
            c.RecordReading(**head(), **step, **reading),
            c.SignStep(**head(), **step, result="pass"),
        ):
            answer = await house.ask(NODE, house.desk.shown(command, node.chronicle.state))
            assert answer.decision.allowed, answer.decision
        await settled(house.shop)
        assert house.shop.sites[HUB].chronicle.state.jobs["PO-1/J-1"].signers == (NEW,)

    told(story, governed(tmp_path))


# ---- and held to what their key proves -----------------------------------------------------------------------------


async def refused(house: House, hub: Site, command: c.AnyCommand, *codes: str) -> Answer:
    answer = await house.ask(HUB, command)
    assert answer.decision.codes == codes, answer.decision
    return answer


def test_who_says_another_kind_of_key_than_they_have_is_refused_on_the_record(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        await joined(house, SoftPasskey(NEW))
        answer = await refused(house, hub, act(house, kind="ed25519"), "SIGNATURE_AUTH_FAILED")
        assert "of the kind webauthn" in sentence(answer.decision.denials[0])
        by_badge = replace(house.material("B-2"), signers=(c.Signer(id="ADM", role="admin", kind="webauthn"),))
        answer = await refused(house, hub, by_badge, "SIGNATURE_AUTH_FAILED")
        assert "of the kind ed25519" in sentence(answer.decision.denials[0])
        assert not hub.chronicle.state.materials
        assert not attempts(hub), "the signatures hold: these are denials, not attempts"

    at_hub(tmp_path, story)


def test_a_newcomer_says_which_kind_of_key_they_bring(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        key = SoftPasskey(NEW)
        house.desk.take(NEW, key)
        await refused(house, hub, enrolment(house, key.public, "ed25519"), "SIGNATURE_AUTH_FAILED")
        await joined(house, key)

    at_hub(tmp_path, story)


def test_an_answer_without_user_verification_is_an_attempt(tmp_path: Path) -> None:
    class Touched(SoftPasskey):
        """An authenticator that only asks for a touch: whoever holds it could sign."""

        @override
        def sign(self, message: bytes) -> bytes:
            return canon.encode(self.assertion(message, authenticator=authenticator_data(flags=UP)))

    async def story(house: House, hub: Site) -> None:
        await joined(house, SoftPasskey(NEW))
        house.desk.take(NEW, Touched(NEW))
        await refused(house, hub, act(house), "SIGNATURE_AUTH_FAILED")
        assert len(attempts(hub)) == 1
        assert not hub.chronicle.state.materials

    at_hub(tmp_path, story)


def test_one_key_is_not_enrolled_twice_in_two_forms(tmp_path: Path) -> None:
    """TEC's own Ed25519 key, dressed up as a passkey; and a passkey for a second relying party."""

    async def story(house: House, hub: Site) -> None:
        dressed = canon.encode(Passkey(alg=EDDSA, key=house.desk.public("TEC"), rp_id="hub.floor.lan"))
        plain = house.desk.sign_only(command := enrolment(house, dressed), ["ADM", "QAM"])
        row = {"keyid": NEW, "sig": SoftPasskey(NEW).sign(canon.encode(command))}
        answer = await hub.submit(written({**parts_of(plain), "signatures": [*parts_of(plain)["signatures"], row]}))
        assert answer.decision.codes == ("SIGNATURE_AUTH_FAILED",)
        await joined(house, SoftPasskey(NEW))
        second = SoftPasskey(NEW, "other.lan")
        house.desk.take("NEW-2", second)
        named = replace(
            enrolment(house, second.public, id="NEW-2"),
            signers=(
                c.Signer(id="ADM", role="admin"),
                c.Signer(id="QAM", role="qa"),
                c.Signer(id="NEW-2", role="newcomer", kind="webauthn"),
            ),
        )
        answer = await refused(house, hub, named, "KEY_NOT_ACCEPTED")
        assert "enrolled as NEW" in sentence(answer.decision.denials[0])

    at_hub(tmp_path, story)


# ---- the gates -----------------------------------------------------------------------------------------------------

TECH: Final = SoftPasskey("TECH")


@pytest.mark.parametrize("components", [("badge", "pin"), ("key",), ("user_verification",), ("key", "pin"), ()])
def test_a_passkey_says_both_of_its_components(components: tuple[str, ...]) -> None:
    """Also where the session is fresh, and the PIN of a badge would do."""
    world = hub()
    world.state.identities["BUYER"].key = TECH.public
    world.proposed()
    world.release()

    def asked(*named: str) -> tuple[str, ...]:
        one = world.ask(c.AcceptTerms, auth=c.Auth(components=named, session="s"))
        signer = replace(one.command.signers[0], kind="webauthn")
        return one._replace(command=replace(one.command, signers=(signer,))).decide().codes

    assert asked("key", "user_verification") == asked("user_verification", "key") == ()
    assert asked(*components) == ("SIGNATURE_AUTH_FAILED",)


# ---- the charter ---------------------------------------------------------------------------------------------------


def test_a_founder_who_is_a_person_may_have_a_passkey_and_a_device_may_not() -> None:
    def founded(name: str) -> bytes:
        plain = charter()
        founders = tuple(replace(f, key=TECH.public) if f.id == name else f for f in plain.founders)
        return seal(canon.encode(replace(plain, founders=founders)), [(key_id(ROOT.public), ROOT)], CHARTER_TYPE)

    assert open_charter(founded("QA"), (ROOT.public,)).founders[1].key == TECH.public
    with pytest.raises(Malformed, match="only people"):
        open_charter(founded("WS-OFFICE"), (ROOT.public,))


# ---- sizes ---------------------------------------------------------------------------------------------------------


def test_the_longest_envelope_with_the_longest_denial_fits_its_entry() -> None:
    """An entry that came about and does not fit would stop the site: state and log would be apart."""
    log = hub_log()
    crowd = tuple(c.Signer(id=f"{n}".ljust(64, "x"), role="r" * 400, kind="k" * 120) for n in range(16))
    command = log.ask(c.RegisterMaterial).command
    assert isinstance(command, c.RegisterMaterial)
    command = replace(command, signers=crowd)
    filler = limits.PAYLOAD_BYTES_MAX - len(canon.encode(command)) + len(command.material_kind)
    command = replace(command, material_kind="m" * min(filler, limits.TEXT_CHARS_MAX))
    payload = canon.encode(command)
    long = [Signature(signer.id, b"{" + bytes(limits.SIGNATURE_BYTES_MAX - 1)) for signer in crowd[:4]]
    rows = [*long, *(Signature(signer.id, bytes(64)) for signer in crowd[4:])]
    raw = canon.encode(Envelope(payload, PAYLOAD_TYPE, rows))
    open_envelope(raw)
    draft = log.chronicle.act(raw, c.parse_command(payload), sha256(payload), log.now)
    assert isinstance(draft, Draft)
    assert limits.PAYLOAD_BYTES_MAX - 64 <= len(payload) <= limits.PAYLOAD_BYTES_MAX
    rest = DENIAL_VALUES_BYTES_MAX + 8_000 - len(canon.encode(draft.decision))
    assert len(draft.body) + rest <= limits.ENTRY_BYTES_MAX
