"""founding: keys for every site of a new shop, the charter that names them, and what an auditor must trust.

Either at one go with one root (`found`), for a try-out; or as a ceremony: the charter is drawn up unsigned (`propose`), its
keepers sign it on machines of their own, and the shop is founded on what they signed (`merged`, `establish`).

DIR/charter-proposal.json  the charter before it is signed; DIR/charter.json takes its place
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from holdgate.adapters.new_file import write_new
from holdgate.audit.trust import Trust
from holdgate.bootstrap import BUSINESS_HUB, FLOOR_HUB, NO_AREAS, VAULT, SiteKeys
from holdgate.crypto.envelope import Envelope, Signature, add_signature, open_envelope
from holdgate.crypto.keys import SIGNATURE_BYTES, SigningKey, check_enrollable, key_id
from holdgate.crypto.sealed import SealingKey
from holdgate.identity.charter import (
    CHARTER_TYPE,
    Charter,
    Founder,
    Settings,
    SiteSeat,
    check_roots,
    open_charter,
    read_charter,
    signed_by,
)
from holdgate.ledger.note import KIND_COSIGNATURE, make_vkey
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.limits import ENVELOPE_BYTES_MAX

PROPOSAL: Final = "charter-proposal.json"


class Plan(Struct, frozen=True, kw_only=True):
    """What a shop is to be.

    `org`: the organisation that runs it. `domain`: names the logs, as in `example-lab.test/HUB`. `settings`: what it settles for
    itself. `nodes`: the ids of its nodes. `founders`: officers and workstations that exist from the beginning. `areas`: node →
    area, where there are so many nodes that not every node should hear of every order.
    """

    org: str
    domain: str
    settings: Settings
    nodes: tuple[str, ...]
    founders: tuple[Founder, ...]
    areas: Mapping[str, str] = NO_AREAS


class _Drawn(NamedTuple):
    """A charter, unsigned, and the sites' private keys that belong to it."""

    envelope: Envelope
    keys: dict[str, SiteKeys]


def found(
    directory: Path,
    org: str,
    domain: str,
    settings: Settings,
    nodes: Sequence[str],
    founders: Sequence[Founder],
    root: SigningKey,
    areas: Mapping[str, str] = NO_AREAS,
) -> None:
    """Found a shop at one go, with one root.

    Args:
        directory: where; must not hold a shop yet.
        org: see `Plan`, as the next four.
        domain: names the logs.
        settings: what the shop settles for itself.
        nodes: the ids of its nodes.
        founders: officers and workstations.
        root: the root of trust; kept by the owner, not in the directory.
        areas: node → area.

    Raises:
        Malformed: there is a shop already, or there are more nodes than one charter can name.
    """
    plan = Plan(org=org, domain=domain, settings=settings, nodes=tuple(nodes), founders=tuple(founders), areas=areas)
    drawn = _draw_up(directory, plan, (root.public,), 1)
    _lay_out(directory, drawn.keys)
    establish(directory, add_signature(drawn.envelope, key_id(root.public), root))


def propose(directory: Path, plan: Plan, roots: Sequence[bytes], threshold: int) -> Envelope:
    """Make the sites' keys, and draw up the charter for its keepers to sign. Nothing is founded yet.

    Args:
        directory: where; must not hold a shop, or the proposal of one.
        plan: what the shop is to be.
        roots: the keepers' public keys.
        threshold: how many of them sign.

    Raises:
        Malformed: there is something already; a root is no good key, or there twice; the threshold cannot be met; or one charter
            cannot name so many nodes.
    """
    for root in roots:
        check_enrollable(root)
    drawn = _draw_up(directory, plan, tuple(roots), threshold)
    _lay_out(directory, drawn.keys)
    write_new(directory / PROPOSAL, canon.encode(drawn.envelope))
    return drawn.envelope


def read_proposal(path: Path) -> tuple[Envelope, Charter]:
    """A proposal, signed by nobody yet, by some, or by all of its keepers. What it says is proven by nothing.

    Raises:
        Unavailable: it cannot be read. Malformed: it is none. Tampered: a signature does not hold, or is no keeper's.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(ENVELOPE_BYTES_MAX + 1)
    except OSError as error:
        raise Unavailable(f"the proposal {path} cannot be read: {error.strerror or error}") from error
    envelope = open_envelope(raw, CHARTER_TYPE, least=0)
    charter = read_charter(envelope.payload)
    check_roots(charter)
    signed_by(envelope, charter)
    return envelope, charter


def merged(directory: Path, signed: Sequence[Path]) -> Envelope:
    """The proposal of a directory with every signature that its copies bring.

    Raises:
        Unavailable: a file cannot be read. Malformed: it is no proposal. Tampered: a copy says something else than what was drawn
            up here, or carries a signature that does not hold.
    """
    envelope, _ = read_proposal(directory / PROPOSAL)
    for path in signed:
        copy, _ = read_proposal(path)
        if copy.payload != envelope.payload:
            raise Tampered(
                f"{path} is not the charter that was drawn up in {directory}: somebody altered it on its way, or it is another "
                "one. Found nothing on it; let the keepers sign the one from here"
            )
        held = {row.keyid for row in envelope.signatures}
        more = [row for row in copy.signatures if row.keyid not in held]
        envelope = Envelope(envelope.payload, envelope.payloadType, [*envelope.signatures, *more])
    return envelope


def establish(directory: Path, envelope: Envelope) -> Charter:
    """Found the shop on a signed charter: the charter and the trust file are written, and the proposal goes.

    Raises:
        Malformed: there is a shop already. Tampered: too few of its roots signed. Unavailable: the key of one of its sites is
            not here, or is another one.
    """
    wanted = read_charter(envelope.payload)
    check_roots(wanted)
    signed = len(signed_by(envelope, wanted))
    if signed < wanted.threshold:
        raise Tampered(
            f"{signed} of the {len(wanted.roots)} roots signed this charter, and {wanted.threshold} have to: nothing is founded. "
            "Let another keeper sign it (holdgate root sign)"
        )
    raw = canon.encode(envelope)
    charter = open_charter(raw, wanted.roots)
    for seat in charter.sites:
        _check_key(directory, seat)
    write_new(directory / "charter.json", raw)
    witnesses = tuple(
        make_vkey(seat.origin, seat.key, KIND_COSIGNATURE) for seat in charter.sites if seat.kind == "vault"
    )
    trust = Trust(roots=wanted.roots, witnesses=witnesses)
    write_new(directory / "trust.json", msgspec.json.format(msgspec.json.encode(trust)))
    (directory / PROPOSAL).unlink(missing_ok=True)
    return charter


def _check_key(directory: Path, seat: SiteSeat) -> None:
    try:
        held = msgspec.json.decode((directory / seat.id / "site.key").read_bytes(), type=SiteKeys)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unavailable(f"the key of {seat.id} is not in {directory}: {error}") from error
    if SigningKey.from_seed(held.signing).public != seat.key:
        raise Unavailable(f"the key of {seat.id} in {directory} is not the one that the charter names")


def _draw_up(directory: Path, plan: Plan, roots: tuple[bytes, ...], threshold: int) -> _Drawn:
    """The charter in memory, whole and of a size that fits with everybody's signature; nothing is written."""
    for name, what in (("charter.json", "a shop"), (PROPOSAL, "the proposal of a shop")):
        if (directory / name).exists():
            raise Malformed(f"{directory} holds {what} already; choose an empty directory")
    kinds = {BUSINESS_HUB: "business_hub", FLOOR_HUB: "floor_hub", **dict.fromkeys(plan.nodes, "node"), VAULT: "vault"}
    made = {site: _new_site(site, kind, plan.domain, plan.areas.get(site, "")) for site, kind in kinds.items()}
    charter = Charter(
        org=plan.org,
        settings=plan.settings,
        sites=tuple(seat for seat, _ in made.values()),
        founders=plan.founders,
        roots=roots,
        threshold=threshold,
    )
    check_roots(charter)
    payload = canon.encode(charter)
    all_signed = Envelope(payload, CHARTER_TYPE, [Signature(key_id(root), bytes(SIGNATURE_BYTES)) for root in roots])
    size = len(canon.encode(all_signed))
    if size > ENVELOPE_BYTES_MAX:
        raise Malformed(
            f"{len(plan.nodes)} nodes do not fit one charter ({size} bytes of at most {ENVELOPE_BYTES_MAX}): "
            "found several shops, each with its own business hub, floor hub and Vault"
        )
    return _Drawn(Envelope(payload, CHARTER_TYPE, []), {site: keys for site, (_, keys) in made.items()})


def _lay_out(directory: Path, keys: Mapping[str, SiteKeys]) -> None:
    for site, held in keys.items():
        write_new(directory / site / "site.key", msgspec.json.encode(held), private=True)


def _new_site(site: str, kind: str, domain: str, area: str) -> tuple[SiteSeat, SiteKeys]:
    """A site's seat in the charter, and the fresh keys that belong to it."""
    signing = SigningKey.generate()
    sealing = SealingKey.generate() if kind == "node" else None
    seat = SiteSeat(
        id=site,
        kind=kind,
        origin=f"{domain}/{site}",
        key=signing.public,
        sealing_key=None if sealing is None else sealing.public,
        area=area,
    )
    return seat, SiteKeys(signing=signing.seed, sealing=None if sealing is None else sealing.private)
