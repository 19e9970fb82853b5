"""What banks say: of transfers that they were told to make, and of what was booked on an account."""

from typing import Final, Literal

from msgspec import Struct

from holdgate.pay.payment import Receipt

Status = Literal["paid", "failed", "pending"]
PAID: Final = "paid"
FAILED: Final = "failed"
PENDING: Final = "pending"


class Said(Struct, frozen=True, kw_only=True):
    """What a bank says of one transfer.

    `id`: how it names the transfer: the end-to-end id, or the trace number of an ACH entry (with the payment's `ident`).
    `amount_minor`: in minor units of `currency`; None where it is not said. `reason`: a code; `says`: words beside it.
    """

    id: str
    status: Status
    reason: str = ""
    says: str = ""
    amount_minor: int | None = None
    currency: str = ""
    ident: str = ""


class Group(Struct, frozen=True, kw_only=True):
    """What a bank says of a whole message or batch (`id`); `count` and `total` as it repeats them (None, empty: it does not)."""

    id: str
    status: Status
    code: str
    reason: str = ""
    count: int | None = None
    total: str = ""


class Change(Struct, frozen=True, kw_only=True):
    """A notification of change: the entry was paid, and its account data have to be corrected before the next one."""

    id: str
    ident: str
    code: str
    corrected: str


class Results(Struct, frozen=True, kw_only=True):
    """A file of results. `kind`: its format; `id`: its own; `original`: the message that it answers, where it names one.

    `message`: what is said of all of that message; `batches`: of its batches; `said`: of single transfers.
    `other`: entries that say nothing of a transfer of ours, each in words.
    """

    kind: str
    id: str
    original: str = ""
    message: Group | None = None
    batches: tuple[Group, ...] = ()
    said: tuple[Said, ...] = ()
    changes: tuple[Change, ...] = ()
    other: tuple[str, ...] = ()


class Outgoing(Struct, frozen=True, kw_only=True):
    """Money that left the account, or a transfer that came back (`returned`, with the bank's `reason`).

    `ref`: the bank's reference; `id`: the end-to-end id, where the bank repeats it. The amount is positive either way.
    """

    ref: str
    amount_minor: int
    currency: str
    booked_on: str
    id: str = ""
    payee: str = ""
    text: str = ""
    returned: bool = False
    reason: str = ""


class Booked(Struct, frozen=True, kw_only=True):
    """One account's statement. `id`: the statement's; `account`: IBAN or the bank's number.

    `receipts`: money in, and what of it went back; `outgoing`: money out, and what of it came back. `unbooked`: entries
    that are only announced and count for nothing yet. `notes`: what a person may want to look at.
    """

    id: str
    account: str
    receipts: tuple[Receipt, ...]
    outgoing: tuple[Outgoing, ...] = ()
    unbooked: int = 0
    notes: tuple[str, ...] = ()


class Statement(Struct, frozen=True, kw_only=True):
    """A file of booked movements. `kind`: its format; `id`: the file's own, where it has one."""

    kind: str
    id: str
    accounts: tuple[Booked, ...]

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """Of all accounts in it."""
        return tuple(receipt for booked in self.accounts for receipt in booked.receipts)

    @property
    def outgoing(self) -> tuple[Outgoing, ...]:
        """Of all accounts in it."""
        return tuple(out for booked in self.accounts for out in booked.outgoing)
