"""bootstrap: the only place that picks adapters. Opens a shop in a directory: every site in one process.

DIR/trust.json            what an auditor must trust: root keys and witness keys. Keep a copy outside.
DIR/charter.json          the founding document, signed by the roots
DIR/<site>/site.key       the site's keys (0600)
DIR/<site>/seat.json      its seat, where the charter does not name it: a node that joined later
DIR/<site>/ledger.db      the site's store (the Vault: mirror.db; witness.db where strangers or outside witnesses take part)
DIR/VAULT/watch.db        how far the Vault decided each log again, and its alarms
DIR/VAULT/witnesses.policy  outside witnesses to ask, where there are any
DIR/VAULT/timestamp.json  the authority that stamps the daily heads in DIR/VAULT/heads, where there is one
"""

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from holdgate.adapters.head_files import HeadFiles
from holdgate.adapters.host import HostClock, HostEntropy
from holdgate.adapters.http_cosigner import HttpCosigner
from holdgate.adapters.http_timestamp import read_authority
from holdgate.adapters.memory_bus import MemoryBus
from holdgate.adapters.new_file import write_new
from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_promises import SqlitePromises
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.adapters.sqlite_watch import SqliteWatch
from holdgate.adapters.sqlite_witness import SqliteWitness
from holdgate.adapters.zones import wall_clock
from holdgate.audit.trust import Trust
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.sealed import SealingKey
from holdgate.engine.bus import Bus
from holdgate.engine.keeping import Keeper, Promises
from holdgate.engine.ports import Entropy, Store, Timepiece
from holdgate.engine.steady import SteadyClock
from holdgate.engine.timestamping import HeadStore, TimestampAuthority
from holdgate.engine.witnessing import OutsideWitness
from holdgate.identity.charter import (
    Charter,
    SiteSeat,
    origin_for,
    seat_of,
)
from holdgate.law.families import Bundle
from holdgate.ledger.note import Notary
from holdgate.ledger.policy import Policy, parse_policy
from holdgate.paper.report import report_pdf
from holdgate.pay.invoice import Invoice
from holdgate.query.report_facts import ReportContent
from holdgate.sites.build import policies_for
from holdgate.sites.site import Means, Site, Writing
from holdgate.sites.standby import Standby
from holdgate.sites.vault import Vault
from holdgate.sites.watch import Watch
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.ids import check_id
from holdgate.terms.instant import SECOND_US
from holdgate.web.billing import InvoiceWriter, Unwritten, Written
from holdgate.web.printing import Printer
from holdgate.web.workshop import Difference, Workshop

if TYPE_CHECKING:
    from holdgate.invoicing.writer import SharedWriter

BUSINESS_HUB: Final = "HUB"
FLOOR_HUB: Final = "FLOOR"
VAULT: Final = "VAULT"
PROMISES: Final = "promises.db"
"""Beside a store: what its keeper promised to hosts that write a log in turn."""
SEAT: Final = "seat.json"
"""Of a node that joins a shop: what the business hub is asked to enrol, and the site's own knowledge of who it is."""
POLICY: Final = "witnesses.policy"
"""Beside a Vault's store: the outside witnesses that it asks (C2SP tlog-policy)."""
TIMESTAMP: Final = "timestamp.json"
"""Beside a Vault's store: the authority that stamps its daily heads (RFC 3161)."""
HEADS: Final = "heads"
"""Beside a Vault's store: the folder of its daily heads and their tokens."""


INVOICE_DEADLINE_S: Final = 20.0
"""Of one invoice's validation: whoever asked for it gets an answer before the server ends the request (30 s)."""
REST_S: Final = 0.0002
"""How long a Vault's watch rests after each entry where it shares the interpreter with the sites that decide."""


NO_AREAS: Final[Mapping[str, str]] = {}


class SiteKeys(Struct, frozen=True, kw_only=True):
    """A site's private keys as kept beside its store."""

    signing: bytes
    sealing: bytes | None = None


def read_trust(path: Path) -> Trust:
    """What an auditor trusts, from its file.

    Raises:
        Unavailable: the file is not there. Malformed: it is no trust file.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Trust)
    except OSError as error:
        raise Unavailable(f"the trust file {path} cannot be read: {error}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{path} is no trust file: {error}") from None


def workshop() -> Workshop | None:
    """What the web needs of the certifier; None where it is not installed."""
    try:
        from holdgate.certifier.diff import compare  # noqa: PLC0415  # an optional part
        from holdgate.certifier.facts import rule_parser  # noqa: PLC0415
    except ImportError:
        return None

    def compared(old: Bundle, new: Bundle) -> tuple[Difference, ...]:
        return tuple(Difference(**asdict(change)) for change in compare(old, new))

    return Workshop(rule_parser(), compared)


def printer() -> Printer | None:
    """What makes papers of reports for the web; None where it is not installed."""
    if find_spec("typst") is None:
        return None

    def printed(content: ReportContent, kind: str) -> bytes:
        return report_pdf(content, partial(wall_clock, tz=content.zone), kind)

    return printed


def invoice_writer() -> InvoiceWriter | None:
    """What writes invoices for the web; None where it is not installed. Its process starts with the first that needs it."""
    if any(find_spec(name) is None for name in ("facturx", "saxonche", "stdnum", "typst")):
        return None
    from holdgate.invoicing.validate import Validator  # noqa: PLC0415  # an optional part
    from holdgate.invoicing.writer import SharedWriter  # noqa: PLC0415

    return WebWriter(SharedWriter(Validator(INVOICE_DEADLINE_S)))


class WebWriter:
    """A writer of invoices as the web asks it. `shared`: writes them."""

    def __init__(self, shared: "SharedWriter") -> None:
        self._shared = shared
        self.formats = shared.formats
        self.close = shared.close

    def write(self, invoice: Invoice, wanted: str) -> Written | Unwritten:
        """The document, or every rule that it does not hold.

        Raises:
            Unavailable: it could not be validated, or this is closed.
        """
        made = self._shared.issue(invoice, wanted)
        if isinstance(made, tuple):
            return Unwritten(tuple((fault.rule, fault.sentence) for fault in made))
        return Written(made.name, made.data, "application/pdf" if made.name.endswith(".pdf") else "application/xml")


class Premises(NamedTuple):
    """A shop's directory, read and verified: where it is, its charter as signed and as read, and the roots that were trusted."""

    directory: Path
    raw: bytes
    charter: Charter
    roots: tuple[bytes, ...]

    def seat(self, site: str) -> SiteSeat:
        """The seat of a site: the charter's; of a node that joined later, the one in its folder.

        Raises:
            Malformed: neither is there, or the one in the folder is none.
        """
        found = seat_of(self.charter, site) or self._laid_out(site)
        if found is None:
            raise Malformed(f"this shop has no site {site}; it has {', '.join(seat.id for seat in self.seats())}")
        return found

    def seats(self) -> tuple[SiteSeat, ...]:
        """Every seat that is known here: the charter's, and those of nodes that were laid out in this directory since."""
        named = {seat.id for seat in self.charter.sites}
        later = sorted(path.parent.name for path in self.directory.glob(f"*/{SEAT}"))
        laid = (self._laid_out(site) for site in later if site not in named)
        return (*self.charter.sites, *(seat for seat in laid if seat is not None))

    def _laid_out(self, site: str) -> SiteSeat | None:
        """The seat in a node's folder. It says who the node is; that it joined, its own log says.

        Raises:
            Malformed: it is none of this shop.
        """
        path = self.directory / check_id(site, "site") / SEAT
        try:
            seat = msgspec.json.decode(path.read_bytes(), type=SiteSeat)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Malformed(f"{path} is no seat: {error}") from None
        if (seat.id, seat.kind, seat.origin) != (site, "node", origin_for(self.charter, site)):
            raise Malformed(f"{path} is the seat of {seat.id} ({seat.origin}); {site} of this shop needs its own")
        return seat

    def lay_out(self, site: str, area: str = "") -> SiteSeat:
        """The keys and the seat of a node that is to join, in an area where the shop has any; nothing is overwritten.

        Raises:
            Malformed: the name is taken or is no id, or there is something of it already.
        """
        if check_id(site, "site") in {named.id for named in self.charter.sites} | {
            named.id for named in self.charter.founders
        }:
            raise Malformed(f"{site} is somebody in this shop's charter; a node that joins has a name of its own")
        signing, sealing = SigningKey.generate(), SealingKey.generate()
        seat = SiteSeat(
            id=site,
            kind="node",
            origin=origin_for(self.charter, site),
            key=signing.public,
            sealing_key=sealing.public,
            area=check_id(area, "area") if area else "",
        )
        place = self.directory / site
        if (place / SEAT).exists() or (place / "ledger.db").exists():
            raise Malformed(f"{place} holds a site already; it keeps its keys")
        keys = SiteKeys(signing=signing.seed, sealing=sealing.private)
        write_new(place / "site.key", msgspec.json.encode(keys), private=True)
        write_new(place / SEAT, msgspec.json.format(msgspec.json.encode(seat)))
        return seat

    def keys(self, site: str) -> SiteKeys:
        """The private keys of a site, whose public halves are those of its seat.

        Raises:
            Unavailable: they are not in this directory. Malformed: the file is damaged, or another site's.
        """
        path, seat = self.directory / site / "site.key", self.seat(site)
        try:
            keys = msgspec.json.decode(path.read_bytes(), type=SiteKeys)
            sealing = None if keys.sealing is None else SealingKey(keys.sealing).public
            if (SigningKey.from_seed(keys.signing).public, sealing) == (seat.key, seat.sealing_key):
                return keys
        except OSError as error:
            raise Unavailable(f"the keys of {site} are not here: {error}") from error
        except (msgspec.MsgspecError, UnicodeDecodeError, Malformed):
            pass
        raise Malformed(f"{path} does not hold the keys that the shop knows {site} by; put its copy in its place")

    def means(
        self,
        seat: SiteSeat,
        bus: Bus,
        clock: Timepiece,
        entropy: Entropy,
        store: Store | None = None,
        writing: Writing | None = None,
    ) -> Means:
        """What a deciding site is given; its store is the one in the directory where no other is."""
        keys = self.keys(seat.id)
        return Means(
            seat=seat,
            key=SigningKey.from_seed(keys.signing),
            sealing=None if keys.sealing is None else SealingKey(keys.sealing),
            store=store or SqliteStore(self.directory / seat.id / "ledger.db"),
            clock=self.steady(clock),
            entropy=entropy,
            bus=bus,
            charter=self.raw,
            roots=self.roots,
            writing=writing,
        )

    def steady(self, clock: Timepiece) -> SteadyClock:
        """The time that a site of this shop goes by on this machine."""
        return SteadyClock(clock, self.charter.settings.entry_skew_s * SECOND_US)

    def promises(self, seat: SiteSeat) -> Promises:
        """What this machine promised as a keeper: as the Vault, or as a host of the site."""
        return SqlitePromises(self.directory / seat.id / PROMISES)

    def standby(self, seat: SiteSeat, host: str, keeper: Keeper, line: Bus) -> Standby:
        """A host of a site, following, on the copy of the log that is in this directory."""
        notary = Notary(seat.origin, SigningKey.from_seed(self.keys(seat.id).signing))
        store = SqliteStore(self.directory / seat.id / "ledger.db")
        return Standby(seat, host, notary, self.charter, self.roots, store, keeper, line)

    def vault(
        self, seat: SiteSeat, clock: Timepiece, *, face: bool = False, watch: bool = False, rest_s: float = 0.0
    ) -> Vault:
        """The shop's Vault, on its mirror in the directory.

        `face`: it takes checkpoints that strangers hand in over HTTP. `watch`: it decides again what it mirrors,
        and rests `rest_s` seconds after each entry.
        """
        place, steady = self.directory / seat.id, self.steady(clock)
        policy = read_policy(place / POLICY) if (place / POLICY).is_file() else None
        wanted = face or policy is not None or (place / "witness.db").is_file()
        mirror = SqliteMirror(place / "mirror.db")
        kept = SqliteWatch(place / "watch.db") if watch else None
        return Vault(
            seat,
            SigningKey.from_seed(self.keys(seat.id).signing),
            self.charter,
            mirror,
            steady,
            Keeper(self.promises(seat), time.monotonic),
            SqliteWitness(place / "witness.db") if wanted else None,
            () if policy is None else outside_witnesses(policy),
            policy,
            _stamping(place),
            None if kept is None else Watch(self.charter, self.roots, mirror, kept, steady, rest_s=rest_s),
        )


def _stamping(place: Path) -> tuple[HeadStore, TimestampAuthority] | None:
    """Where a Vault's daily heads are kept, and who stamps them; None where no authority is configured."""
    if not (place / TIMESTAMP).is_file():
        return None
    return HeadFiles(place / HEADS), read_authority(place / TIMESTAMP)


def read_premises(directory: Path) -> Premises:
    """Read a shop's directory; its charter is verified against the trust file beside it.

    Raises:
        Unavailable: there is no shop. Malformed, Tampered: the charter or the trust file does not hold.
    """
    try:
        raw = (directory / "charter.json").read_bytes()
    except OSError as error:
        raise Unavailable(f"{directory} holds no shop: {error}") from error
    trust = read_trust(directory / "trust.json")
    return Premises(directory, raw, trust.charter(raw), trust.roots)


def read_policy(path: Path) -> Policy:
    """A policy file.

    Raises:
        Unavailable: it is not there. Malformed: it is no policy.
    """
    try:
        return parse_policy(path.read_bytes())
    except OSError as error:
        raise Unavailable(f"the policy {path} cannot be read: {error.strerror or error}") from error


def outside_witnesses(policy: Policy) -> list[OutsideWitness]:
    """The witnesses of a policy that say where they are asked.

    Raises:
        Malformed: an address that cannot be asked.
    """
    return [HttpCosigner(party.vkey, party.url) for party in policy.witnesses.values() if party.url]


class Shop:
    """A shop in one process: every site with its own store and key, on the in-process bus.

    `timers`: the business hub closes review windows and delivery dates by itself when they are over. `faces`: its Vaults will
    be shown over HTTP (`holdgate.sites.vault_face`) and take checkpoints that strangers hand in. `watch`: they decide again what
    they mirror, in threads.
    """

    def __init__(
        self,
        directory: Path,
        clock: Timepiece | None = None,
        entropy: Entropy | None = None,
        *,
        timers: bool = True,
        faces: bool = False,
        watch: bool = False,
    ) -> None:
        self._timers = timers
        self._faces = faces
        self._watch = watch
        self.directory = directory
        self.clock = clock or HostClock()
        self.entropy = entropy or HostEntropy()
        self.bus = MemoryBus()
        self._premises = read_premises(directory)
        self.charter = self._premises.charter
        self.sites: dict[str, Site] = {}
        self.vaults: dict[str, Vault] = {}

    async def open(self) -> "Shop":
        """Open every site: the Vault first, so that the others can reconcile; then the hubs and the nodes.

        A node that was laid out here and that nobody has enrolled yet waits (`join`).
        """
        order = {"vault": 0, "business_hub": 1, "floor_hub": 2, "node": 3}
        for seat in sorted(self._premises.seats(), key=lambda s: (order[s.kind], s.id)):
            if seat.kind == "vault":
                self.open_vault(seat.id)
            elif self.enrolled(seat.id):
                await self.open_site(seat.id)
        for site in self.sites.values():
            for other in (*self.sites, *self.vaults):
                if other != site.id:
                    site.link_changed(other, self.bus.linked(site.id, other))
        for vault in self.vaults.values():
            vault.wake()
        await self.settle()
        return self

    def enrolled(self, site_id: str) -> bool:
        """Whether the charter names a site, or the business hub, where it is open, knows that it joined."""
        hubs = [self.charter, *(s.chronicle.state.charter for s in self.sites.values() if s.kind == "business_hub")]
        return any(seat_of(charter, site_id) is not None for charter in hubs)

    async def join(self, site_id: str) -> Site:
        """Open a node that joined while the others work; none of them is stopped for it."""
        site = await self.open_site(site_id)
        for other in (*self.sites, *self.vaults):
            if other != site_id:
                site.link_changed(other, self.bus.linked(site_id, other))
            if other != site_id and other in self.sites:
                self.sites[other].link_changed(site_id, self.bus.linked(other, site_id))
        await self.settle()
        return site

    def open_vault(self, site_id: str) -> Vault:
        """Open the Vault (again)."""
        vault = self._premises.vault(
            self._premises.seat(site_id), self.clock, face=self._faces, watch=self._watch, rest_s=REST_S
        )
        self.vaults[site_id] = vault
        self.bus.attach(site_id, vault, vault.link_changed)
        return vault

    async def open_site(self, site_id: str, store: Store | None = None) -> Site:
        """Open one site (again), optionally on another store."""
        seat = self._premises.seat(site_id)
        means = self._premises.means(seat, self.bus, self.clock, self.entropy, store)
        site = Site(means, policies_for, timers=self._timers)
        self.sites[site_id] = site
        self.bus.attach(site_id, site, site.link_changed)
        await site.start()
        return site

    def of_kind(self, kind: str) -> Site:
        """The (first) site of a kind."""
        return next(site for site in self.sites.values() if site.kind == kind)

    async def settle(self) -> None:
        """Wait until nothing is in flight between the sites that can reach each other."""
        calm = 0
        while calm < 3:
            await asyncio.sleep(0)
            calm = calm + 1 if all(site.idle for site in self.sites.values()) else 0
            if not calm:
                await asyncio.sleep(0.0005)

    def close(self) -> None:
        """Close every site, with snapshots."""
        for site in self.sites.values():
            site.stop()
        for vault in self.vaults.values():
            vault.close()
