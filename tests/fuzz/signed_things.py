"""Fuzz targets: whatever is signed, and what travels with it."""

from functools import cache
from typing import Any, Final

from holdgate.adapters.epcis import read_object_event
from holdgate.adapters.http_epcis import envelope_in
from holdgate.audit.bundle import Bundle, write_bundle
from holdgate.crypto import keyfile, passkeys
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest
from holdgate.engine.verify import Unauthentic, Verified, verify
from holdgate.gate.permit import Permit, Recorded, Refusal, Unmet, open_answer, seal_answer
from holdgate.identity.charter import open_charter
from holdgate.law.command import parse_command
from holdgate.law.segments import prove
from holdgate.ledger.entry import encode_entry, read_entry
from holdgate.ledger.merkle import inclusion_path, root_of
from holdgate.ledger.note import Notary
from holdgate.package import manifest as m
from holdgate.package.archive import pack, unpack
from holdgate.package.verify import verify as verify_package
from holdgate.reader import broadcast, receipt
from holdgate.terms import canon
from holdgate.terms.errors import Tampered
from tests.builders import NODE, ROOT, charter, charter_envelope, key_of
from tests.fuzz import seeds as s
from tests.fuzz.target import target

WORDS: Final = (
    "payload payloadType signatures keyid sig application/vnd.holdgate.action.v1+json act at nonce signers role site place order "
    "job HUB FLOOR NODE-1 TECH QA ADMIN part.arrival step.sign serials reader_seq null true AAAA ===="
)

# ---- acts and envelopes ------------------------------------------------------------------------------------------------


@target(s.acts, WORDS)
def envelope(raw: bytes) -> object:
    found = open_envelope(raw)
    assert open_envelope(canon.encode(found)) == found
    return found


@target(s.payloads, WORDS)
def command(raw: bytes) -> object:
    found = parse_command(raw)
    assert canon.encode(found) == raw
    return found


@cache
def signed_payloads() -> frozenset[bytes]:
    return frozenset(s.payloads())


@target(s.acts, WORDS)
def submission(raw: bytes) -> object:
    """Nothing is believed but what was signed, whatever its envelope looks like; what is believed is kept in one spelling."""
    found = verify(raw, s.people(), "fuzz")
    if isinstance(found, Verified):
        opened = open_envelope(raw)
        assert opened.payload in signed_payloads(), "a forged act was believed"
        assert canon.encode(opened) == found.envelope
        return found
    assert isinstance(found, Unauthentic)
    raise Tampered(f"{found.attempt.code}: {found.attempt.why}")


@target(lambda: [charter_envelope()], WORDS, share=2)
def shop_charter(raw: bytes) -> object:
    found = open_charter(raw, (ROOT.public,))
    assert found == charter(), "a charter that nobody signed was believed"
    return found


@target(
    s.entries,
    WORDS + " kind seq prev subject decision verdict allow deny denials events pins law semantics record epoch",
)
def entry(raw: bytes) -> object:
    found = read_entry(raw)
    assert encode_entry(found) == raw
    return prove(raw, s.people()).decision


# ---- readers, modules, people's keys -----------------------------------------------------------------------------------


@target(lambda: [s.broadcast_envelope(), s.broadcast_envelope(order=None, reader_seq=8)], WORDS, share=4)
def reader_broadcast(raw: bytes) -> object:
    found = broadcast.read(raw)
    assert canon.encode(found) == open_envelope(raw).payload
    return found


@target(s.cloud_events, WORDS + " specversion data data_base64 dsse event epcList eventTime readPoint", share=4)
def cloud_event(raw: bytes) -> object:
    found = envelope_in(read_object_event)(raw)
    return open_envelope(found) if found != raw else found


ASKED: Final = {"permit": "P-1", "module": "M-1", "deed": "pump", "order": "PO-1", "job": "J-1", "step": "S20"}


@cache
def answers() -> list[bytes]:
    """What a site answers modules."""
    head: dict[str, Any] = {**ASKED, "site": NODE, "entry": "cd" * 32}
    unmet = Unmet(code="X", sentence="It is not so.", remedy="Do it.")
    made = (
        Permit(**head, contract="ab" * 32, issued_at=1, until=2, operator="TECH"),
        Refusal(**head, at=1, unmet=(unmet,)),
        Recorded(**head, at=1),
    )
    return [seal_answer(one, key_of(NODE)) for one in made]


@target(answers, WORDS + " permit module deed issued_at until contract unmet", share=4)
def gate_answer(raw: bytes) -> object:
    found = open_answer(raw, NODE, key_of(NODE).public)
    assert raw in answers(), "an answer that the site did not sign was believed"
    return found


@cache
def hub_answers() -> list[bytes]:
    """What a floor hub would answer a reader; the receipts are of the business hub's entries here."""
    bodies = s.shop().hub.bodies()
    spelled = [canon.encode({"entry": bodies[at], "receipt": s.receipts()[at].decode()}) for at in (0, 1)]
    return [*spelled, canon.encode({"entry": b"", "receipt": ""})]


@target(hub_answers, "receipt entry index c2sp.org/tlog-proof@v1", share=2)
def reader_receipt(raw: bytes) -> object:
    return receipt.prove(raw, s.acts()[0], s.LOG)


@target(lambda: [key.public for key in s.passkeys()], "alg key rp_id -7 -8 -257 localhost", share=2)
def passkey(raw: bytes) -> object:
    found = passkeys.parse_passkey(raw)
    assert canon.encode(found) == raw
    return found


MESSAGE: Final = b"DSSEv1 4 type 7 payload"


@cache
def assertions() -> list[bytes]:
    return [key.sign(MESSAGE) for key in s.passkeys()]


@target(assertions, "authenticator_data client_data signature webauthn.get", share=2)
def assertion(raw: bytes) -> object:
    """Under the passkey of each kind; what holds was made of the same client data and authenticator data."""
    held = [passkeys.verify(key.public, MESSAGE, raw) for key in s.passkeys()]
    if any(held):
        said = canon.decode(raw, passkeys._ASSERTION, "it")
        made = [canon.decode(one, passkeys._ASSERTION, "it") for one in assertions()]
        assert any(
            (said.client_data, said.authenticator_data) == (one.client_data, one.authenticator_data) for one in made
        )
        return held
    raise Tampered("it does not hold")


@cache
def key_files() -> list[bytes]:
    return [keyfile.seal_key(key_of("TECH"), "four words that rhyme", "TECH", keyfile.LEAST)]


@target(key_files, "derivation passes memory salt argon2id nonce sealed", share=1)
def key_file(raw: bytes) -> object:
    return keyfile.read_key_file(raw)


# ---- records and packages ----------------------------------------------------------------------------------------------


@target(s.bundles, "line head entry blob checkpoint cosignatures leaf body", share=3)
def bundle(raw: bytes) -> object:
    """A bundle that is read says the same once it is written again."""
    found = Bundle(raw.splitlines(keepends=True))
    blobs = [blob for key, blob in found._blobs.items() if digest(blob) == key]
    again = Bundle(write_bundle(found, blobs))
    assert list(again.bodies()) == list(found.bodies())
    assert (again.checkpoint(), again.cosignatures()) == (found.checkpoint(), found.cosignatures())
    return list(found.bodies())


def listed(held: dict[str, bytes]) -> bytes:
    """The list of these parts."""
    rows = m.listed({name: body for name, body in held.items() if name != m.MANIFEST})
    return canon.encode(
        m.Manifest(org="LAB", order="PO-1", job="J-1", scope=m.WHOLE, until=s.T_S, withheld=(), missing=(), parts=rows)
    )


@cache
def parts() -> dict[str, bytes]:
    """A package of the first entries of one log: not whole, but what is there is in order."""
    size = 12
    leaves, bodies = s.leaves()[:size], s.shop().hub.bodies()
    lines = [m.Line(entry=bodies[at], index=at, path=tuple(inclusion_path(leaves, at))) for at in range(size)]
    held = {
        m.README: b"A package.\n",
        m.EVIDENCE: b"[]",
        "logs/HUB/checkpoint": Notary(s.ORIGIN, s.LOG_KEY).checkpoint(size, root_of(leaves)),
        "logs/HUB/entries.jsonl": m.write_lines(lines),
    }
    return held | {m.MANIFEST: listed(held)}


@target(lambda: [pack(parts())], "PK README.txt ../ / manifest.json", share=3)
def package(raw: bytes) -> object:
    found = unpack(raw)
    assert pack(found) == raw
    return found


@target(lambda: list(parts().values()), "parts name sha256 size entry index path withheld scope client format", share=2)
def package_part(raw: bytes) -> object:
    """An altered part in each part's place, with the list of parts made to fit: never a package without a fault."""
    names = sorted(parts())
    altered = parts() | {names[len(raw) % len(names)]: raw}
    if altered[m.MANIFEST] != raw:
        altered[m.MANIFEST] = listed(altered)
    verdict = verify_package(pack(altered), (ROOT.public,), (s.WITNESS,))
    assert verdict.faults, "half a package has no fault"
    return verdict.faults
