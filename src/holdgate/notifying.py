"""notifying: who outside is told of a site's log, as a file beside the site's configuration says; and the parts that tell them.

    link = "https://hub.floor.lan"          # where people look; mails and events carry it

    [smtp]
    host = "mail.lab.example"
    from = "holdgate@lab.example"
    login = "smtp.login"                    # a file with two lines, beside this one

    [[target]]
    name = "qa"
    mail = "qa@lab.example"
    kinds = ["work.*", "vault.alarm"]       # default: all

    [[target]]
    name = "aero"
    url = "https://erp.aero.example/hooks/lab"
    client = "AERO"                         # told of its own orders, and of nothing else

Beside the site's store lie its key for webhooks, `notify.key`, and how far each target was told, `notify.db`.
"""

import ipaddress
import sys
import tomllib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from holdgate.adapters.new_file import write_new
from holdgate.adapters.smtp import Mail, MailServer, check_address, check_server
from holdgate.adapters.sqlite_outbox import SqliteOutbox
from holdgate.adapters.webhook import Network, Webhook, read_endpoint, read_secret, secret_text
from holdgate.crypto.keys import SigningKey
from holdgate.engine.telling import Channel, Target
from holdgate.query.notices import FOR_CLIENTS, KINDS, Notice
from holdgate.sites.notifier import DAY_US, HOUR_US, Notifier, Timing
from holdgate.sites.site import Site
from holdgate.sites.watch import Alarm
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable
from holdgate.terms.ids import check_id
from holdgate.terms.limits import NOTIFY_TARGETS_MAX

CONFIG: Final = "notify.toml"
KEY: Final = "notify.key"
OUTBOX: Final = "notify.db"
TELLERS: Final = ("business_hub", "floor_hub")
"""The kinds of site that tell anybody outside: the others' logs are taken in by these."""
_S = TypeVar("_S", bound=Struct)


class TargetConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A target: a webhook's `url`, or a `mail` address.

    `client`: an organisation that is told of its own orders only. `kinds`: of notices; `*` stands for anything. `allow`: networks
    that a webhook may go to though they are link-local or reserved. `authority`: a file of CAs beside the system's.
    """

    name: str
    url: str = ""
    mail: str = ""
    client: str = ""
    kinds: tuple[str, ...] = ("*",)
    allow: tuple[str, ...] = ()
    authority: str = ""


class NotifyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"targets": "target"}):
    """Who is told, and when.

    `closing_hours`: before the end of a review window. `due_days`: before something runs out; 0: when it is over. `digest_hour`:
    of the UTC day, from which the day's mail of what runs out goes out. `patience_days`: how long a target is tried.
    """

    targets: tuple[TargetConfig, ...]
    link: str = ""
    smtp: MailServer | None = None
    closing_hours: int = 24
    due_days: tuple[int, ...] = (30, 7, 0)
    digest_hour: int = 6
    patience_days: int = 3

    @property
    def timing(self) -> Timing:
        """When things are told."""
        return Timing(
            ahead_us=self.closing_hours * HOUR_US,
            stages=self.due_days,
            digest_us=self.digest_hour * HOUR_US,
            patience_us=self.patience_days * DAY_US,
        )


def read_notify_config(path: Path) -> NotifyConfig:
    """Read who is told. Files that it names are beside it, unless they are absolute.

    Raises:
        Unavailable: the file cannot be read. Malformed: it says something that cannot be done; it is named.
    """
    try:
        config = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), NotifyConfig)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise Malformed(f"{path} does not say who is told: {error}") from None
    try:
        _check(config)
    except Malformed as error:
        raise Malformed(f"{path}: {error}") from None
    beside = path.parent
    targets = tuple(_beside(target, "authority", target.authority, beside) for target in config.targets)
    server = config.smtp
    if server is not None:
        server = _beside(_beside(server, "login", server.login, beside), "authority", server.authority, beside)
    return msgspec.structs.replace(config, targets=targets, smtp=server)


def _beside(said: _S, field: str, name: str, folder: Path) -> _S:
    return msgspec.structs.replace(said, **{field: str(folder / name)}) if name else said


def _check(config: NotifyConfig) -> None:
    names = [check_id(target.name, "the name of a target") for target in config.targets]
    if len(set(names)) != len(names) or len(names) > NOTIFY_TARGETS_MAX:
        raise Malformed(f"every target has a name of its own, and there are at most {NOTIFY_TARGETS_MAX}")
    for what, value, most in (
        ("closing_hours", config.closing_hours, 8_760),
        ("digest_hour", config.digest_hour, 23),
        ("patience_days", config.patience_days, 30),
        *(("due_days", days, 3_653) for days in config.due_days),
    ):
        if not 0 <= value <= most:
            raise Malformed(f"{what} is between 0 and {most}")
    link = urlsplit(config.link)
    if config.link and (link.scheme not in ("http", "https") or not link.hostname or link.query or link.fragment):
        raise Malformed(f"link {config.link!r} reads: https://host[:port]")
    if config.smtp is not None:
        check_server(config.smtp)
    for target in config.targets:
        try:
            _check_target(target, mails=config.smtp is not None)
        except Malformed as error:
            raise Malformed(f"target {target.name}: {error}") from None


def _check_target(target: TargetConfig, *, mails: bool) -> None:
    if bool(target.url) == bool(target.mail):
        raise Malformed("it has a url or a mail address, one of them")
    kinds_of(target)
    if target.url:
        read_endpoint(target.url)
        _networks(target)
        return
    check_address(target.mail)
    if not mails:
        raise Malformed("it is mailed to, and [smtp] names no server")


def kinds_of(target: TargetConfig) -> frozenset[str]:
    """The kinds that a target is told of.

    Raises:
        Malformed: it names one that there is not, or that is not for clients.
    """
    there = FOR_CLIENTS if target.client else KINDS
    found: list[str] = []
    for pattern in target.kinds:
        matched = [kind for kind in there if fnmatchcase(kind, pattern)]
        if not matched:
            raise Malformed(
                f"kind {pattern[:60]!r} is none{' for clients' if target.client else ''}; there are {', '.join(there)}"
            )
        found += matched
    return frozenset(found)


def _networks(target: TargetConfig) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text) for text in target.allow)
    except ValueError as error:
        raise Malformed(f"allow names networks such as 169.254.10.0/24: {error}") from None


def webhook_key(folder: Path) -> SigningKey:
    """A site's key for webhooks; made where there is none yet. It signs nothing else.

    Args:
        folder: of the site.

    Raises:
        Unavailable, Malformed: it cannot be read.
    """
    path = folder / KEY
    if not path.exists():
        write_new(path, f"{secret_text(SigningKey.generate())}\n".encode(), private=True)
    return read_secret(path)


def channel_of(target: TargetConfig, config: NotifyConfig, folder: Path, shop: str, now: Callable[[], int]) -> Channel:
    """How a target is told.

    Args:
        target: of the configuration.
        config: as read.
        folder: of the site.
        shop: its name.
        now: the time of an attempt (UTC µs).

    Raises:
        Unavailable, Malformed: a key, login or file of CAs is not here, or is none.
    """

    def link(notice: Notice) -> str:
        return link_of(config.link, notice, outside=bool(target.client))

    if config.smtp is not None and target.mail:
        return Mail(config.smtp, target.mail, shop, link, now)
    key, allowed = webhook_key(folder), _networks(target)
    endpoint = read_endpoint(target.url)
    return Webhook(endpoint, key, target.client, link, now, allowed=allowed, authority=target.authority)


def link_of(base: str, notice: Notice, *, outside: bool = False) -> str:
    """Where more is to be seen: the order's page, a client's own (`outside`) or the office's; "" where no address is configured.

    `base`: the business hub's address, such as https://hub.floor.lan/HUB.
    """
    if not base:
        return ""
    order, page = notice.data.get("order", ""), "client" if outside else "office"
    return f"{base.rstrip('/')}/{page}" + (f"/{quote(str(order), safe='')}" if order else "")


def target_of(target: TargetConfig) -> Target:
    """Whom the site tells.

    Raises:
        Malformed: it names a kind that there is not.
    """
    return Target(name=target.name, kinds=kinds_of(target), client=target.client)


def check_teller(path: str, kind: str) -> None:
    """Only the hubs tell anybody outside.

    Raises:
        Malformed: another kind of site is to.
    """
    if path and kind not in TELLERS:
        raise Malformed(f"a {kind.replace('_', '-')} tells nobody outside of the shop; the hubs do (notify = …)")


@asynccontextmanager
async def notifying(
    path: Path | None, site: Site, folder: Path, alarms: Callable[[], Sequence[Alarm]] = tuple
) -> AsyncIterator[None]:
    """Tell every target of a site, for as long as this lasts. Where the outbox is broken, the site goes on and says so.

    Args:
        path: the file that says who is told; None: nobody is.
        site: started.
        folder: of the site.
        alarms: of a Vault in this process.

    Raises:
        Malformed, Unavailable: the configuration cannot be carried out.
    """
    if path is None:
        yield
        return
    config = read_notify_config(path)
    if site.kind != "business_hub" and any(target.client for target in config.targets):
        raise Malformed(f"{path}: {site.id} knows no clients; the business hub tells them")
    state, now = site.chronicle.state, site.means.clock.now
    shop, known = state.charter.settings.name, {identity.org for identity in state.identities.values()}
    for target in config.targets:
        if target.client and target.client not in known:
            _complain(
                site,
                f"target {target.name}: nobody of {target.client} is enrolled; it hears of orders for that very name",
            )
    channels = [(target_of(target), channel_of(target, config, folder, shop, now)) for target in config.targets]
    notifier = None
    with ExitStack() as stack:
        try:
            outbox = SqliteOutbox(folder / OUTBOX)
            stack.callback(outbox.close)
            notifier = Notifier(site, outbox, channels, config.timing, alarms)
        except HoldgateError as error:
            _complain(site, f"nobody is told of its log: {error}")
        if notifier is not None:
            notifier.start()
        try:
            yield
        finally:
            if notifier is not None:
                await notifier.stop()


def _complain(site: Site, said: str) -> None:
    """A line for whoever reads what the process writes (the system's journal)."""
    sys.stderr.write(f"{site.id}: {said}\n")
    sys.stderr.flush()


def config_of(directory: Path) -> Path | None:
    """The file of a whole shop's directory that says who is told by its business hub, where there is one."""
    path = directory / CONFIG
    return path if path.is_file() else None
