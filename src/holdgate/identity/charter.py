"""The charter: the signed document that founds a shop. It is the first entry of every site's log and its root of trust.

Root keys sign it (threshold); everything else (people, devices, contracts) enters by signed acts of the officers and the
sites that it names.
"""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from holdgate.crypto.envelope import Envelope, open_envelope, verify_all
from holdgate.crypto.keys import key_id
from holdgate.crypto.signatures import WEBAUTHN, kind_of
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered

CHARTER_TYPE: Final = "application/vnd.holdgate.charter.v1+json"


class Founder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An identity that exists from the beginning: an officer, or a workstation that officers sign at."""

    id: str
    name: str
    org: str
    kind: str
    key: bytes
    roles: tuple[str, ...]
    zone: str | None = None
    node: str | None = None


class SiteSeat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A site of the shop: its SMART-ID, kind, log origin, signing key and (nodes) the key that order bodies are sealed to.

    `area` (nodes): a node hears by notices of the orders of its own area only. Without areas every node hears of every order,
    which costs a shop of many nodes the square of their number.
    """

    id: str
    kind: str
    origin: str
    key: bytes
    sealing_key: bytes | None = None
    area: str = ""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the shop settles for itself. Times in seconds.

    `certificates`: what a contract needs before it is released: `proof` (proofs and witness runs), or `structure` alone.
    """

    name: str
    tz: str
    receiving_zones: tuple[str, ...]
    office: str
    session_idle_s: int
    entry_skew_s: int
    arrival_skew_s: int
    arrival_fresh_s: int
    approval_roles: tuple[str, ...]
    report_fields: tuple[str, ...]
    certificates: Literal["structure", "proof"] = "structure"


class Charter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The founding document."""

    org: str
    settings: Settings
    sites: tuple[SiteSeat, ...]
    founders: tuple[Founder, ...]
    roots: tuple[bytes, ...]
    threshold: int
    v: int = 1


def seat_of(charter: Charter, site: str) -> SiteSeat | None:
    """The seat of a site; None where it has none."""
    return next((seat for seat in charter.sites if seat.id == site), None)


def origin_for(charter: Charter, site: str) -> str:
    """The origin of the log that a site of this name keeps: under the domain of the business hub's log."""
    hub = next((seat.origin for seat in charter.sites if seat.kind == "business_hub"), "")
    return f"{hub.rpartition('/')[0]}/{site}"


_DECODER: Final = msgspec.json.Decoder(Charter)


def read_charter(payload: bytes) -> Charter:
    """A charter's payload, read. Proves nothing: `open_charter` does.

    Raises:
        Malformed: it is none.
    """
    return canon.decode(payload, _DECODER, "the charter")


def check_roots(charter: Charter) -> None:
    """Whether a charter's roots can sign as it asks: each is there once, and there are as many as have to sign.

    Raises:
        Malformed: no; what is wrong, in words.
    """
    check_keys("the charter", charter.roots, charter.threshold)


def check_keys(what: str, roots: tuple[bytes, ...], threshold: int) -> None:
    """The same of any document that names roots (`what`, in words).

    Raises:
        Malformed: no; what is wrong, in words.
    """
    if len(set(roots)) != len(roots) or len(set(map(key_id, roots))) != len(roots):
        raise Malformed(f"{what} names a root key twice; each keeper has a key of their own")
    if not 1 <= threshold <= len(roots):
        raise Malformed(
            f"{threshold} of {len(roots)} roots cannot sign; the threshold lies between 1 and the number of roots"
        )


def signed_by(envelope: Envelope, charter: Charter) -> tuple[bytes, ...]:
    """The roots whose signatures a charter's envelope carries, each once; every signature in it is a root's and holds.

    Raises:
        Tampered: a signature is false, or nobody's of the roots.
    """
    return signed_under(envelope, charter.roots, "the charter")


def signed_under(envelope: Envelope, roots: tuple[bytes, ...], what: str) -> tuple[bytes, ...]:
    """Those of these root keys whose signatures an envelope carries, each once; it carries no other, and all of them hold.

    Raises:
        Tampered: a signature is false, or nobody's of the roots.
    """
    by_id = {key_id(root): root for root in roots}
    strangers = [row.keyid for row in envelope.signatures if row.keyid not in by_id]
    if strangers:
        raise Tampered(
            f"{strangers[0][:80]!r} signed {what} and is none of its roots; root signatures alone belong on it"
        )
    signed = [(row.keyid, by_id[row.keyid]) for row in envelope.signatures]
    if signed:
        verify_all(envelope, signed)
    return tuple(root for _, root in signed)


def open_charter(raw: bytes, trusted_roots: tuple[bytes, ...]) -> Charter:
    """Verify a charter against root keys that come from outside.

    Args:
        raw: untrusted envelope bytes.
        trusted_roots: the root public keys that the reader trusts (not taken from the charter).

    Raises:
        Malformed: not a charter, one whose roots cannot sign as it asks, or one that gives a device a passkey. Tampered: it
            names other roots, too few different roots signed it, or a signature in it is false or no root's.
    """
    envelope = open_envelope(raw, CHARTER_TYPE)
    charter = read_charter(envelope.payload)
    if sorted(charter.roots) != sorted(trusted_roots):
        raise Tampered("the charter names other root keys than the ones you trust")
    check_roots(charter)
    signed = signed_by(envelope, charter)
    if len(signed) < charter.threshold:
        raise Tampered(f"the charter carries {len(signed)} of the {charter.threshold} root signatures that it needs")
    for founder in charter.founders:
        if founder.kind != "person" and kind_of(founder.key) == WEBAUTHN:
            raise Malformed(f"the charter gives {founder.id} a passkey; only people have one")
    return charter
