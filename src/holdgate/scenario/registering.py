"""Scenario actions that put people, sites, equipment, batches and standards on the register, as commands.

These are the project's own additions to the scenario vocabulary: `scenarios/README.md` lists them.
"""

from msgspec.structs import replace

from holdgate.crypto.commitments import commit, is_reference
from holdgate.crypto.envelope import seal
from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey, key_id
from holdgate.crypto.sealed import SealingKey
from holdgate.identity.roots import ROOT_TYPE, RootDocument
from holdgate.law import command as c
from holdgate.scenario.draft import DOMAIN, FIRST_ROOT, SEED, Draft
from holdgate.terms import canon


def enrol(d: Draft, site: str) -> c.AnyCommand:
    """Enrol somebody; who is named in `person` proves by a signature that they hold the key."""
    i = d.inputs
    person = i["person"]
    command = c.EnrolIdentity(
        **d.header(site),
        id=person,
        name=i.get("name") or person,
        org=i.get("org") or "LAB",
        kind=i["kind"],
        key=_key(d, person, i.get("key_of") or person),
        roles=d.texts("roles"),
    )
    d.scene.roles.setdefault(person, command.roles)
    return replace(command, signers=(*command.signers, c.Signer(id=person, role="newcomer")))


def rekey(d: Draft, site: str) -> c.AnyCommand:
    """Give somebody another key, which signs too, unless they sign as an officer themselves: nobody signs twice."""
    i = d.inputs
    person = i["person"]
    key = SigningKey.from_seed(sha256(f"{SEED}|{i.get('key_of') or f'{person} {d.nonce}'}".encode()))
    command = c.RekeyIdentity(**d.header(site), id=person, key=key.public, reason=d.reason())
    if any(signer.id == person for signer in command.signers):
        return command
    d.keys[person] = key
    return replace(command, signers=(*command.signers, c.Signer(id=person, role="newcomer")))


def enrol_site(d: Draft, site: str) -> c.AnyCommand:
    """Let a node join; it proves by a signature that it holds its key. Left out, everything about it is as it should be."""
    i = d.inputs
    node = i["site"]
    origin = f"{DOMAIN}/{i.get('origin') or node}"
    sealed = sha256(f"{SEED}|sealing {i.get('sealed_to') or node}".encode())
    command = c.EnrolSite(
        **d.header(site),
        id=node,
        kind=i.get("kind") or "node",
        origin=origin,
        key=_key(d, node, i.get("key_of") or node),
        sealing_key=bytes(32) if i.get("sealed_to") == "nobody" else SealingKey(sealed).public,
    )
    return replace(command, signers=(*command.signers, c.Signer(id=node, role="newcomer")))


def retire_site(d: Draft, site: str) -> c.AnyCommand:
    """Let a node leave."""
    i = d.inputs
    return c.RetireSite(**d.header(site), id=i["site"], reason=d.reason(), lost=i.get("lost") == "true")


def rotate_roots(d: Draft, site: str) -> c.AnyCommand:
    """Exchange the roots by a document that `signed_by` signed; or by the one of an earlier step once more (`document_of`)."""
    i = d.inputs
    number = i.get("document_of")
    document = _root_document(d) if number is None else d.scene.documents.get(int(number), b"")
    d.scene.documents[d.step.n] = document
    return c.RotateRoots(**d.header(site), document=document, reason=d.reason())


def _root_document(d: Draft) -> bytes:
    hub = d.scene.hub
    if hub is None:
        return b""
    i, state = d.inputs, hub.chronicle.state
    document = RootDocument(
        org=i.get("org") or state.charter.org,
        version=int(i.get("version") or state.roots.version + 1),
        before=state.roots.history[-1],
        roots=tuple(_keeper(name).public for name in d.texts("keepers")),
        threshold=int(i["threshold"]),
    )
    signers = [_keeper(name) for name in d.texts("signed_by")]
    return seal(canon.encode(document), [(key_id(key.public), key) for key in signers], ROOT_TYPE)


def _keeper(name: str) -> SigningKey:
    """A keeper's key; `FOUNDER` keeps the shop's first root, and whoever works in the shop has the key of their badge."""
    return SigningKey.from_seed(FIRST_ROOT if name == "FOUNDER" else sha256(f"{SEED}|{name}".encode()))


def _key(d: Draft, person: str, whose: str) -> bytes:
    """The newcomer's public key; the desk signs with it from now on. `whose`: the person whose key it really is."""
    return d.scene.desk.add(person, SigningKey.from_seed(sha256(f"{SEED}|{whose}".encode()))).public


def equipment(d: Draft, site: str) -> c.AnyCommand:
    """Put an instrument or machine on the register."""
    i = d.inputs
    return c.RegisterEquipment(
        **d.header(site),
        id=i["equipment"],
        equipment_class=i["class"],
        cal_from=d.moment("last_cal") or 0,
        cal_until=d.moment("cal_due") or 0,
        in_service=i.get("in_service") != "false",
        from_file=i.get("from_file"),
    )


def material(d: Draft, site: str) -> c.AnyCommand:
    """Put a batch on the register."""
    i = d.inputs
    return c.RegisterMaterial(
        **d.header(site),
        batch=i["batch"],
        material_kind=i["kind"],
        until=d.moment("expiry") or 0,
        approved=i["approved"] == "true",
        from_file=i.get("from_file"),
    )


def standard(d: Draft, site: str) -> c.AnyCommand:
    """Adopt an edition of a standard."""
    i = d.inputs
    return c.AdoptStandard(
        **d.header(site),
        standard=i["standard"],
        edition=i["edition"],
        until=d.moment("valid_to") or 0,
        evidence=i.get("evidence"),
        from_file=i.get("from_file"),
    )


def keep(d: Draft, site: str) -> c.AnyCommand:
    """Put a payload on the record. `payload`: the text that it holds; the commitment is made here."""
    i = d.inputs
    return c.KeepPayload(**d.header(site), commitment=_commitment(i["payload"]), kind=i["kind"], subject=i.get("about"))


def erase(d: Draft, site: str) -> c.AnyCommand:
    """Have a payload erased; `payload`: a text that a commitment is made of, or the commitment or digest itself."""
    i = d.inputs
    given = i["payload"]
    reference = given if is_reference(given) else _commitment(given)
    return c.ErasePayload(**d.header(site), commitment=reference, reason=d.reason())


def place_hold(d: Draft, site: str) -> c.AnyCommand:
    """Place a legal hold."""
    return c.PlaceHold(**d.header(site), subject=d.inputs["about"], reason=d.reason())


def lift_hold(d: Draft, site: str) -> c.AnyCommand:
    """Lift a legal hold."""
    return c.LiftHold(**d.header(site), subject=d.inputs["about"], reason=d.reason())


def _commitment(text: str) -> str:
    """The commitment to a text, under a salt that is the same in every run."""
    return commit(sha256(f"{SEED}|salt {text}".encode()), text.encode())
