"""Root of trust: which keys the shop stands on, who of their keepers signed for them, and what a keeper does at a terminal.

The page shows; it changes nothing. A keeper's private key is used by `holdgate root sign` on a machine of the keeper's own, and
never in a browser: what a server shows there is not worth a root. All of it is read from the site's own log.
"""

from typing import Final

from msgspec import Struct

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.keys import key_id
from holdgate.identity.charter import CHARTER_TYPE, read_charter
from holdgate.identity.roots import founding_roots
from holdgate.query.exchanges import Version, versions
from holdgate.query.record import entry_at
from holdgate.web.page import View

GENESIS: Final = 0
"""The entry of every log that holds the charter."""


class Keeper(Struct, frozen=True, kw_only=True):
    """One root key in force.

    `key`: public, in hex; `key_id`: as it is read out; `signed`: what put it in force; `since`: it is one (the version).
    """

    key_id: str
    key: str
    signed: bool
    since: int


class Command(Struct, frozen=True, kw_only=True):
    """What is typed. `does`: in words; `lines`: exactly, but for file names of one's own in capitals."""

    does: str
    lines: tuple[str, ...]


class Root(Struct, frozen=True, kw_only=True):
    """The root of trust.

    `version`: 1 for the charter's, and one more with every exchange; `threshold`: how many keepers have to sign. `place`: the entry
    that put them in force, at `since` (UTC µs, by this site's clock); `digest`: of the document in it. `charter`: its digest.
    `alone`: one key is enough. `same`: trust.json beside this site names the roots of the charter and no others. `spare`: how many
    keepers can be away, or lose their key, before nobody can exchange the roots any more. `gone`: key ids that were roots.
    `check`, `exchange`, `next_shop`: what keepers type.
    """

    org: str
    version: int
    keepers: tuple[Keeper, ...]
    threshold: int
    signed: int
    digest: str
    charter: str
    place: int
    since: int
    alone: bool
    same: bool
    spare: int
    gone: tuple[str, ...]
    check: tuple[Command, ...]
    exchange: tuple[Command, ...]
    next_shop: tuple[Command, ...]


def root(view: View) -> Root:
    """The root of trust of this shop, as this site's record has it."""
    entry = entry_at(view.face.record(), GENESIS).entry
    charter = read_charter(open_envelope(bytes(entry.action), CHARTER_TYPE).payload)
    roots, envelope = view.face.state.roots, open_envelope(bytes(entry.action), CHARTER_TYPE)
    found = [Version(GENESIS, entry.at, founding_roots(charter), envelope)]
    if (
        roots.version > 1 and view.face.state.kind == "business_hub"
    ):  # else nothing has to be looked for in the whole record
        found = list(versions(view.face.record()))
    signed = _signers(found)
    return Root(
        org=charter.org,
        version=roots.version,
        keepers=tuple(
            Keeper(key_id=key_id(key), key=key.hex(), signed=key in signed, since=_since(key, found))
            for key in roots.keys
        ),
        threshold=roots.threshold,
        signed=sum(key in signed for key in roots.keys),
        digest=roots.history[-1],
        charter=roots.history[0],
        place=found[-1].seq,
        since=found[-1].at,
        alone=roots.threshold == 1,
        same=sorted(charter.roots) == sorted(view.face.site.means.roots),
        spare=len(roots.keys) - roots.threshold,
        gone=tuple(key_id(key) for key in roots.former),
        check=CHECK,
        exchange=EXCHANGE,
        next_shop=NEXT_SHOP,
    )


def _signers(found: list[Version]) -> tuple[bytes, ...]:
    """Which of the roots in force signed the document that put them in force; beside roots before it, they all hold."""
    keys = {key_id(key): key for key in found[-1].roots.keys}
    return tuple(keys[row.keyid] for row in found[-1].document.signatures if row.keyid in keys)


def _since(key: bytes, found: list[Version]) -> int:
    return next((version.roots.version for version in found if key in version.roots.keys), 1)


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
HAND_IN: Final = (
    'holdgate act prepare root.rotate --fields rotation.json "reason=a keeper left" --data LAB --as ID --with ID:ROLE '
    "--out exchange.json"
)
EXCHANGE: Final = (
    Command(
        does="Beside the business hub's record: draw the exchange up, with the public key of every keeper from then on.",
        lines=(
            "holdgate root next LAB --out roots.json --root ANN.key.pub --root BEN.key.pub --root FAY.key.pub --threshold 2",
        ),
    ),
    Command(
        does="Old and new keepers, each on their own machine: read what goes and what comes, compare key ids and digest, sign.",
        lines=("holdgate root sign roots.json --key KEEPER.key",),
    ),
    Command(
        does="Where it was drawn up, once enough of the old and of the new ones have signed: what two officers hand in.",
        lines=("holdgate root ready roots.json --out rotation.json",),
    ),
    Command(
        does="Two officers sign that act and hand it in.",
        lines=(HAND_IN,),
    ),
    Command(
        does="Give everybody who audits from outside a trust file that knows of it.",
        lines=("holdgate root history LAB --out trust-2.json",),
    ),
)
"""How the roots of this shop are exchanged (docs/operating.md, "Other roots")."""
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
