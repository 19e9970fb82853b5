"""Lockers of a site: sealed keys of badges, its own ones and those that it fetched from the business hub.

Badges are made at the business hub, and used at any kiosk. Where hub and node are processes of their own, a node asks the hub over
the shop's bus for the locker of somebody on its roster, once, and keeps it at its front desk: from then on the badge opens there
with the hub out of reach too. A locker is noise without the badge, so it may travel and lie anywhere; it grants nothing, because
what counts is a signature under the key that the roster has. So a locker counts here only for exactly that key: after
`identity.rekey` the one that was kept is asked for anew and replaced.
"""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec

from holdgate.crypto.signatures import ED25519, kind_of
from holdgate.engine.bus import NO_LOCKERS
from holdgate.identity.charter import seat_of
from holdgate.sites.reception import Lodged, Reception
from holdgate.sites.site import Site
from holdgate.terms.errors import HoldgateError, Unavailable
from holdgate.terms.limits import LOCKERS_ASKED_MAX

ASK_S: Final = 5.0
"""How long the hub may take to answer; somebody stands at the kiosk."""

_READ: Final = msgspec.msgpack.Decoder(Lodged)


class Lockers:
    """The lockers of one site. `site`: whose roster says which key counts; `reception`: keeps them. Lives on the event loop."""

    def __init__(self, site: Site, reception: Reception) -> None:
        self._site = site
        self._reception = reception
        self._asked: dict[str, asyncio.Task[Lodged | None]] = {}

    def kept(self, smart_id: str) -> Lodged | None:
        """The locker that lies here, where it seals the key that the roster has."""
        key = self._key(smart_id)
        found = None if key is None else self._reception.locker(smart_id)
        return found if found is not None and found.key in (b"", key) else None

    def given(self, smart_id: str, sender: str) -> bytes | None:
        """What another site of the shop is told, with the key that it seals; None where no badge of this name was made here.

        Raises:
            Unavailable: this is not the business hub, or whoever asks is no site of the shop (any more).
        """
        state = self._site.chronicle.state
        if self._site.kind != "business_hub":
            raise Unavailable(NO_LOCKERS)
        if seat_of(state.charter, sender) is None or sender in state.retired:
            raise Unavailable(f"{sender[:64]} is no site of this shop (any more)")
        found, key = self.kept(smart_id), self._key(smart_id)
        return None if found is None or key is None else msgspec.msgpack.encode(msgspec.structs.replace(found, key=key))

    async def find(self, smart_id: str) -> Lodged | None:
        """The locker of somebody: the one that lies here, else the business hub's; None where neither has one.

        Raises:
            Unavailable: the hub has to be asked and cannot be, or it knows of another key than this site's roster.
        """
        found = self.kept(smart_id)
        if found is not None or self._site.kind == "business_hub" or self._key(smart_id) is None:
            return found
        asked = self._asked.get(smart_id)
        if asked is None:
            if len(self._asked) >= LOCKERS_ASKED_MAX:
                raise Unavailable("too many badges are asked for at once; present it again in a moment")
            asked = self._asked[smart_id] = asyncio.get_running_loop().create_task(self._fetch(smart_id))
            asked.add_done_callback(partial(self._answered, smart_id))
        return await asyncio.shield(asked)  # whoever asks beside may have gone: the others still wait for it

    def _answered(self, smart_id: str, asked: "asyncio.Task[Lodged | None]") -> None:
        self._asked.pop(smart_id, None)
        if not asked.cancelled():
            asked.exception()  # whoever still waits is told; where nobody does, it is no defect

    def _key(self, smart_id: str) -> bytes | None:
        """The key of somebody in force that a badge could seal."""
        known = self._site.chronicle.state.identities.get(smart_id)
        if known is None or known.kind != "person" or known.disabled_at is not None or kind_of(known.key) != ED25519:
            return None
        return known.key

    async def _fetch(self, smart_id: str) -> Lodged | None:
        found = await self._ask(smart_id)
        if found is None:
            return None
        key = self._key(smart_id)
        if key is None or found.key != key:
            raise Unavailable(
                f"{smart_id} has another key at the office than this area has heard of; try again in a moment"
            )
        self._reception.put_locker(found)
        return found

    async def _ask(self, smart_id: str) -> Lodged | None:
        site = self._site
        hub = next((seat.id for seat in site.chronicle.state.charter.sites if seat.kind == "business_hub"), None)
        if hub is None:
            return None
        raw: bytes | None = None
        try:
            async with asyncio.timeout(ASK_S):
                raw = await site.means.bus.peer(site.id, hub).locker(smart_id, site.id)
        except (HoldgateError, TimeoutError) as error:
            why = str(error) or f"it did not answer within {ASK_S:g} s"
            raise Unavailable(
                f"the key of {smart_id} was not used at {site.id} yet (or was replaced), and {hub} has to be asked for it: {why}"
            ) from None
        return None if raw is None else read_locker(raw, smart_id)


def read_locker(raw: bytes, smart_id: str) -> Lodged:
    """What the hub gave; untrusted.

    Raises:
        Unavailable: it is no locker of theirs.
    """
    found = None
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = _READ.decode(raw)
    if found is None or found.id != smart_id or not found.whole:
        raise Unavailable(
            f"what came for {smart_id} is no sealed key of theirs; the office has to look at its front desk"
        )
    return found
