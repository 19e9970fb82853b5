"""Root of trust: which keys the shop stands on, who of their keepers signed its charter, and what a keeper does at a terminal.

The page shows; it changes nothing. A keeper's private key is used by `holdgate root sign` on a machine of the keeper's own, and
never in a browser: what a server shows there is not worth a root. All of it is read from the first entry of the site's own log.
"""

from typing import Final

from msgspec import Struct

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import key_id
from holdgate.identity.charter import CHARTER_TYPE, read_charter, signed_by
from holdgate.query.record import entry_at
from holdgate.web.page import View

GENESIS: Final = 0
"""The entry of every log that holds the charter."""


class Keeper(Struct, frozen=True, kw_only=True):
    """One root key.

    `key`: public, in hex; `key_id`: as it is read out; `signed`: the charter; `trusted`: it is in trust.json.
    """

    key_id: str
    key: str
    signed: bool
    trusted: bool


class Command(Struct, frozen=True, kw_only=True):
    """What is typed. `does`: in words; `lines`: exactly, but for file names of one's own in capitals."""

    does: str
    lines: tuple[str, ...]


class Root(Struct, frozen=True, kw_only=True):
    """The root of trust.

    `threshold`: how many keepers had to sign; `digest`: of the charter; `founded_at`: UTC µs, by this site's clock. `alone`: one
    key is enough. `same`: trust.json beside this site names these roots and no others. `spare`: how many keepers can be away, or
    lose their key, before nobody can sign for this root any more. `check`, `next_shop`: what keepers type.
    """

    org: str
    keepers: tuple[Keeper, ...]
    threshold: int
    signed: int
    digest: str
    founded_at: int
    alone: bool
    same: bool
    spare: int
    check: tuple[Command, ...]
    next_shop: tuple[Command, ...]


def root(view: View) -> Root:
    """The root of trust of this shop."""
    entry = entry_at(view.face.record(), GENESIS).entry
    envelope = open_envelope(bytes(entry.action), CHARTER_TYPE)
    charter = read_charter(envelope.payload)
    signed, trusted = signed_by(envelope, charter), view.face.site.means.roots
    return Root(
        org=charter.org,
        keepers=tuple(
            Keeper(key_id=key_id(key), key=key.hex(), signed=key in signed, trusted=key in trusted)
            for key in charter.roots
        ),
        threshold=charter.threshold,
        signed=len(signed),
        digest=digest(envelope.payload),
        founded_at=entry.at,
        alone=charter.threshold == 1,
        same=sorted(charter.roots) == sorted(trusted),
        spare=len(charter.roots) - charter.threshold,
        check=CHECK,
        next_shop=NEXT_SHOP,
    )


CHECK: Final = (
    Command(
        does="See that the charter is the one that you signed: its digest, and your key.",
        lines=("holdgate root show charter.json",),
    ),
    Command(does="See that your key file still is your key.", lines=("holdgate key show KEEPER.key",)),
    Command(
        does="Have the whole record audited against the roots that you brought, not those that lie beside it.",
        lines=("holdgate audit SHOP --trust YOUR-COPY-OF-trust.json",),
    ),
)
"""What a keeper does with a shop that is founded."""
DRAW_UP: Final = (
    "holdgate site init LAB --shop shop.yaml --threshold 2 --root ANN.key.pub --root BEN.key.pub --root EVE.key.pub "
    '--founder "ID:NAME:ROLES:OFFICER.key.pub"'
)
NEXT_SHOP: Final = (
    Command(does="Every keeper and every officer, on a machine of their own.", lines=("holdgate key make KEEPER.key",)),
    Command(
        does="Where the shop will be: draw its charter up, with the keepers' public keys.",
        lines=(
            "holdgate site new shop.yaml",
            DRAW_UP,
        ),
    ),
    Command(
        does="Each keeper, on their own machine: read what is founded, compare key ids and digest, sign.",
        lines=("holdgate root sign charter-proposal.json --key KEEPER.key",),
    ),
    Command(
        does="Where it was drawn up, once enough have signed: found the shop.",
        lines=("holdgate root found LAB charter-proposal.json",),
    ),
)
"""How a shop is founded by its keepers (docs/operating.md, "The first day")."""
