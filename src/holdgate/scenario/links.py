"""links: what a scenario does to links, logs and the Vault. These are no signed acts, and no site decides them.

A site goes off line when its links are cut; it is not restarted. What it missed reaches it when the links are mended, and
what is said of that (`recorded_once`, `read`, `chain_ok`) is said because it was looked up or verified afterwards. A broken
chain is a real one: one byte of a real stretch, or of a copy of a real log, is altered, and a site or the auditor finds it.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from typing_extensions import override

from holdgate.audit.replay import LogSource, PlainChecks, audit_log
from holdgate.bootstrap import Shop, read_trust
from holdgate.crypto.hashes import leaf_hash
from holdgate.engine.bus import Peer
from holdgate.engine.source import StoreSource
from holdgate.handoff.metrics import Metrics
from holdgate.law.chronicle import ImportRecord
from holdgate.law.decision import Decision, allow, deny
from holdgate.law.segments import Segment, decision_of
from holdgate.ledger.entry import read_entry
from holdgate.ledger.merkle import root_of
from holdgate.ledger.note import KIND_COSIGNATURE, make_vkey, open_checkpoint, parse_vkey, verify_cosignature
from holdgate.scenario.files import ScenarioStep
from holdgate.sites.site import Site
from holdgate.sites.vault import Vault
from holdgate.terms.errors import HoldgateError, Malformed, Tampered


class Done(Struct, frozen=True, kw_only=True):
    """What an operation came to: the answer, the effects that it says itself, and the figures that were asked for."""

    decision: Decision
    effects: tuple[str, ...] = ()
    values: dict[str, object] = {}


class Links:
    """The links of a running shop, and which of its sites are off line."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._off: dict[str, None] = {}

    def reaches(self, site: str, sender: str | None = None) -> bool:
        """Whether a site can be asked by somebody at a node (`sender`), or by anybody else in the shop."""
        return site == sender or (site not in self._off and sender not in self._off)

    # ---- off line and back -----------------------------------------------------------------------------------------

    async def node_offline(self, step: ScenarioStep) -> Done:
        """A node loses its links."""
        self._cut(str(step.inputs["node"]))
        return Done(decision=allow())

    async def site_offline(self, step: ScenarioStep) -> Done:
        """The business hub or the Vault loses its links."""
        site = self._named(step)
        if site in self._off:
            return Done(decision=deny("ALREADY_DONE", "transport", what=f"the loss of the links of {site}"))
        self._cut(site)
        return Done(decision=allow(), effects=("site_offline",))

    async def node_sync(self, step: ScenarioStep) -> Done:
        """A node's record is brought to the business hub; with `chain: broken`, one byte of it was altered on the way."""
        node, hub = self.shop.sites[str(step.inputs["node"])], self._hub
        if step.inputs.get("chain") == "broken":
            return await self._altered(step, hub, [node])
        await self._mend(node.id)
        if await hub.held(node.notary.origin, node.id) != node.spine.size:
            return Done(decision=deny("CHAIN_BROKEN", "import", origin=node.id, why="it was not taken in whole"))
        return Done(decision=allow())

    async def site_sync(self, step: ScenarioStep) -> Done:
        """The business hub or the Vault gets what it missed; with `chain: broken`, one byte of it was altered on the way."""
        site = self._named(step)
        peer: Site | Vault = self.shop.vaults[site] if site in self.shop.vaults else self.shop.sites[site]
        if site not in self._off:
            return Done(decision=deny("ALREADY_DONE", "transport", what=f"the synchronisation of {site}"))
        others = [other for other in self.shop.sites.values() if other.id != site]
        if step.inputs.get("chain") == "broken":
            return await self._altered(step, peer, [other for other in others if other.id not in self._off])
        before = [await peer.held(other.notary.origin, other.id) for other in others]
        await self._mend(site)
        after = [await peer.held(other.notary.origin, other.id) for other in others]
        wrong = [why for other in others if (why := self._held_once(peer, other))]
        if wrong:
            return Done(decision=deny("CHAIN_BROKEN", "import", origin=site, why="; ".join(wrong)))
        grown = ("entries_accepted",) if after != before else ()
        return Done(decision=allow(), effects=(*grown, "recorded_once"))

    def _named(self, step: ScenarioStep) -> str:
        """The site of this kind."""
        kind = str(step.inputs["site"])
        return next(seat.id for seat in self.shop.charter.sites if seat.kind == kind)

    @property
    def _hub(self) -> Site:
        return self.shop.of_kind("business_hub")

    def _cut(self, site: str) -> None:
        self._off[site] = None
        self.shop.bus.cut(site)

    async def _mend(self, site: str) -> None:
        """The site's links come up again, those to sites that are off line themselves excepted; what was due is sent."""
        self._off.pop(site, None)
        every = [seat.id for seat in self.shop.charter.sites]
        self.shop.bus.mend(site, [other for other in every if other not in self._off])
        await self.shop.settle()

    # ---- every entry once ------------------------------------------------------------------------------------------

    def _held_once(self, peer: Site | Vault, other: Site) -> str:
        """Why a site does not hold every entry of another exactly once; empty where it does.

        Of a site that is off line itself, as far as it was heard.
        """
        found = _mirrored(peer, other) if isinstance(peer, Vault) else _imported(peer, other)
        if isinstance(found, str):
            return found
        own = list(other.means.store.leaves(0, other.spine.size))
        if found != own[: len(found)]:
            return f"what it holds of {other.id} is not what {other.id} shows"
        if len(found) < len(own) and other.id not in self._off:
            return f"it holds {len(found)} of {len(own)} entries of {other.id}"
        return ""

    async def _altered(self, step: ScenarioStep, peer: Site | Vault, others: list[Site]) -> Done:
        """A courier brings the next stretch of a log with one byte altered; a site that takes it in has failed."""
        for other in others:
            held = await peer.held(other.notary.origin, other.id)
            if held < other.spine.size:
                return await _offered(peer, other, tamper(other.links[peer.id].next_segment(held)), held)
        raise Malformed(
            f"step {step.n}: nothing is on its way to {peer.id} that could be altered; let something happen first"
        )

    # ---- looking ---------------------------------------------------------------------------------------------------

    async def read(self, step: ScenarioStep) -> Done:
        """The Vault shows its copy of a node's log, and the copy is the one that node signed and the Vault cosigned."""
        vault = next(iter(self.shop.vaults.values()))
        if not self.reaches(vault.id, step.node):
            return Done(decision=unreachable(vault.id))
        node = str(step.inputs["node"])
        try:
            self._read(vault, node)
        except (Malformed, Tampered) as error:
            return Done(decision=deny("CHAIN_BROKEN", "vault", origin=node, why=str(error)))
        return Done(decision=allow(), effects=("read",))

    def _read(self, vault: Vault, node: str) -> None:
        """Read and verify the mirrored log of a node.

        Raises:
            Tampered, Malformed: it does not hold, or there is none.
        """
        seats = {seat.id: seat for seat in self.shop.charter.sites}
        entries, note = vault.read(seats[node].origin)
        if note is None:
            raise Malformed(f"{vault.id} holds nothing of {node}")
        checkpoint = open_checkpoint(note, parse_vkey(make_vkey(seats[node].origin, seats[node].key)))
        verify_cosignature(note, parse_vkey(make_vkey(seats[vault.id].origin, seats[vault.id].key, KIND_COSIGNATURE)))
        if len(entries) != checkpoint.size or root_of([leaf_hash(body) for body in entries]) != checkpoint.root:
            raise Tampered(f"the entries that {vault.id} shows do not lead to the root that it cosigned")
        for seq, body in enumerate(entries):
            entry = read_entry(body)
            if (entry.site, entry.seq) != (node, seq):
                raise Tampered(f"entry {seq} of the copy names another place")

    async def metrics(self, step: ScenarioStep) -> Done:
        """The gate's figures, folded anew from the floor hub's record; asking changes nothing."""
        floor, metrics = self.shop.of_kind("floor_hub"), Metrics()
        for row in floor.means.store.rows(0, floor.spine.size):
            entry = read_entry(row.body)
            decision = decision_of(entry)
            metrics.observe(decision.events, entry.at, decision.verdict, decision.codes)
        return Done(decision=allow(), effects=("metrics_computed",), values=metrics.report(self.shop.clock.now()))

    async def verify(self, step: ScenarioStep) -> Done:
        """Every log is audited as it stands; with `tampered: true` also a copy of one, in which a byte was altered."""
        for site in self.shop.sites.values():
            site.means.store.save_checkpoint(site.spine.checkpoint)
            why = self._audited(StoreSource(site.means.store))
            if why:
                return Done(decision=deny("CHAIN_BROKEN", "audit", origin=site.id, why=why))
        if step.inputs.get("tampered") == "true":
            hub = self._hub
            why = self._audited(AlteredCopy(StoreSource(hub.means.store)))
            if why:
                found = deny("CHAIN_BROKEN", "audit", origin=f"a copy of {hub.id}", why=why)
                return Done(decision=found, effects=("tamper_detected",))
        return Done(decision=allow(), effects=("chain_ok",))

    def _audited(self, source: LogSource) -> str:
        """The first thing that an audit finds; empty where the log holds."""
        report = audit_log(source, read_trust(self.shop.directory / "trust.json"), PlainChecks())
        return "" if report.holds else report.findings[0].what


def unreachable(site: str) -> Decision:
    """The transport's answer where the site that decides is out of reach: no entry, nothing assumed."""
    return deny("SITE_UNREACHABLE", "transport", site=site)


def tamper(segment: Segment) -> Segment:
    """The segment with one byte of one entry altered."""
    index = max(segment.entries)
    return replace(segment, entries={**segment.entries, index: altered(segment.entries[index])})


def altered(body: bytes) -> bytes:
    """The bytes with one bit of the middle one changed."""
    changed = bytearray(body)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


class AlteredCopy(LogSource):
    """A copy of a log in which one byte of the middle entry was altered; everything else is as it was."""

    def __init__(self, source: LogSource) -> None:
        self._source = source
        self._rows = list(source.bodies())
        seq, leaf, body = self._rows[len(self._rows) // 2]
        self._rows[seq] = (seq, leaf, altered(body))

    @override
    def bodies(self) -> Iterator[tuple[int, bytes, bytes]]:
        return iter(self._rows)

    @override
    def blob(self, key: str) -> bytes | None:
        return self._source.blob(key)

    @override
    def checkpoint(self) -> bytes:
        return self._source.checkpoint()

    @override
    def cosignatures(self) -> Mapping[str, bytes]:
        return self._source.cosignatures()


async def _offered(peer: Peer, other: Site, segment: Segment, held: int) -> Done:
    try:
        await peer.offer(segment, other.id)
    except HoldgateError as error:
        if isinstance(error, (Tampered, Malformed)) and await peer.held(other.notary.origin, other.id) == held:
            return Done(decision=deny("CHAIN_BROKEN", "import", origin=other.id, why=str(error)))
        raise
    return Done(decision=allow())


def _imported(hub: Site, other: Site) -> list[bytes] | str:
    """The leaf hashes of another log as the hub's own import entries name them, one after the other; or what is wrong."""
    leaves: list[bytes] = []
    for row in hub.means.store.rows(0, hub.spine.size):
        entry = read_entry(row.body)
        record = msgspec.json.decode(bytes(entry.record), type=ImportRecord) if entry.kind == "import" else None
        if record is None or record.origin != other.notary.origin:
            continue
        if record.start != len(leaves) or len(record.held) != len(record.leaves):
            return f"entry {row.seq} takes in what it holds of {other.id} already, or not all of it"
        leaves.extend(record.leaves)
    gone = [leaf for leaf in leaves if hub.means.store.blob(leaf.hex()) is None]
    return f"{len(gone)} entries of {other.id} are not in its store" if gone else leaves


def _mirrored(vault: Vault, other: Site) -> list[bytes] | str:
    """The leaf hashes of another log as the Vault mirrors it under its cosignature; or what is wrong."""
    entries, note = vault.read(other.notary.origin)
    leaves = [leaf_hash(body) for body in entries]
    size = vault.store.held(other.notary.origin)[0]
    if note is None or len(leaves) != size:
        return f"{vault.id} holds {len(leaves)} entries of {other.id} and says {size}"
    return leaves


Operation = Callable[[Links, ScenarioStep], Awaitable[Done]]

OPERATIONS: Final[dict[str, Operation]] = {
    "node.offline": Links.node_offline,
    "node.sync": Links.node_sync,
    "site.offline": Links.site_offline,
    "site.sync": Links.site_sync,
    "vault.read": Links.read,
    "ledger.verify": Links.verify,
    "staging.metrics": Links.metrics,
}
"""Actions of a file that are done to links, logs and the Vault, and signed by nobody."""
