"""Whose key is whose, from the charter and from the enrolments that a package carries: enough to check signatures, and no more.

It follows what `holdgate.law` folds of `identity.enrol`, `identity.rekey` and `site.enrol`, and asks the same signatures of them.
Source: docs/spec/package.md, "What a verifier checks", 7; docs/spec/segment.md.
"""

import binascii
from typing import Any, Final

from holdgate.crypto.envelope import Envelope, pae, verify_all
from holdgate.crypto.keys import PUBLIC_BYTES
from holdgate.crypto.signatures import holds
from holdgate.identity.charter import Charter, SiteSeat
from holdgate.terms.errors import Malformed, Tampered

OFFICERS: Final = ("admin", "qa", "compliance", "project_manager")
GIVES_A_KEY: Final = {
    "identity.enrol": "IdentityEnrolled",
    "identity.rekey": "IdentityRekeyed",
    "site.enrol": "SiteEnrolled",
}


class Roster:
    """Keys by SMART-ID: every one that somebody had, the newest last."""

    def __init__(self, charter: Charter) -> None:
        self.seats = {seat.id: seat for seat in charter.sites}
        self._keys = {seat.id: [seat.key] for seat in charter.sites}
        self._keys.update({founder.id: [founder.key] for founder in charter.founders})
        self._people = {founder.id for founder in charter.founders if founder.kind == "person"}

    def check(self, envelope: Envelope, act: dict[str, Any], *, hub: bool) -> tuple[str, ...]:
        """Require exactly the signatures that an act names.

        Args:
            envelope: of the act; untrusted.
            act: its payload, read.
            hub: whether the business hub decided it: under the newest keys alone then.

        Returns:
            Who signed under a key that was replaced.

        Raises:
            Tampered: a signature is missing, false or surplus, or somebody's key is not in the package.
        """
        rows = {row.keyid: row.sig for row in envelope.signatures}
        message = pae(envelope.payloadType, envelope.payload)
        chosen: list[tuple[str, bytes]] = []
        outdated: list[str] = []
        for name, keys in self._wanted(act):
            tried = keys[-1:] if hub else keys[::-1]
            key = next((one for one in tried if holds(one, message, rows.get(name, b""))), tried[0])
            chosen.append((name, key))
            if key != keys[-1]:
                outdated.append(name)
        verify_all(envelope, chosen)
        return tuple(outdated)

    def _wanted(self, act: dict[str, Any]) -> list[tuple[str, list[bytes]]]:
        """Who has to have signed, each with the keys that may count."""
        found = [(signer["id"], self._of(act, signer)) for signer in act["signers"]]
        place = act.get("place")
        if place is not None and all(place != name for name, _ in found):
            found.append((place, self._of(act, {"id": place})))
        return found

    def _of(self, act: dict[str, Any], signer: dict[str, Any]) -> list[bytes]:
        name = signer["id"]
        kind, newcomer = act.get("act"), signer.get("role") == "newcomer"
        known = self._keys.get(name)
        if name == act.get("id") and (
            (kind == "identity.rekey" and newcomer) or (known is None and kind in ("identity.enrol", "site.enrol"))
        ):
            return [key_in(act)]
        if known is None:
            raise Tampered(f"{name[:80]!r} signed it, and nothing in the package says which key is theirs")
        return known

    def take(self, act: dict[str, Any], event: dict[str, Any]) -> None:
        """What an event of the business hub makes known of a key, after `check` of the act that it stands with.

        Raises:
            Tampered: it does not say what was signed, or too few have signed it. Malformed: the key is none.
        """
        kind, name = act.get("act"), str(event.get("id"))
        if GIVES_A_KEY.get(str(kind)) != event.get("ev"):
            raise Tampered(f"it says that {name[:80]!r} has a key, and the signed act says nothing of the kind")
        if any(act.get(field) != event.get(field) for field in ("id", "key", *_ALSO.get(str(kind), ()))):
            raise Tampered(f"it says something else of {name[:80]!r} than what was signed")
        officers = {
            signer["id"]
            for signer in act["signers"]
            if signer["id"] != name and signer.get("role") in OFFICERS and signer["id"] in self._people
        }
        if len(officers) < 2:
            raise Tampered(f"it gives {name[:80]!r} a key, and fewer than two officers have signed that")
        if all(signer["id"] != name for signer in act["signers"]) or (name in self._keys) != (kind == "identity.rekey"):
            raise Tampered(f"{name[:80]!r} has not signed for that key, or has one already")
        key = key_in(event)
        if kind == "identity.rekey":
            self._keys[name] = [*self._keys[name], key]
            return
        self._keys[name] = [key]
        if event.get("kind") == "person":
            self._people.add(name)
        if kind == "site.enrol":
            self._seat(event, key)

    def _seat(self, event: dict[str, Any], key: bytes) -> None:
        if event.get("kind") != "node":
            raise Tampered("it enrols a site that is no node; only nodes join later")
        self.seats[str(event["id"])] = SiteSeat(
            id=str(event["id"]), kind="node", origin=str(event.get("origin")), key=key, area=str(event.get("area", ""))
        )


_ALSO: Final = {"identity.enrol": ("kind",), "site.enrol": ("kind", "origin")}


def key_in(held: dict[str, Any]) -> bytes:
    """The key that an act or an event names.

    Raises:
        Malformed: none, or not in base64.
    """
    try:
        key = binascii.a2b_base64(str(held.get("key", "")), strict_mode=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) < PUBLIC_BYTES:
        raise Malformed("it names no key")
    return key
