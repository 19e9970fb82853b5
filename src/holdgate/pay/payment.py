"""Payment: what a bank is told to pay, and what it says became of it. File formats are another layer's affair."""

from msgspec import Struct

from holdgate.terms.party import Account, Party


class Payment(Struct, frozen=True, kw_only=True):
    """One transfer. `id`: its end-to-end id (at most 35 characters), one to one with the payout that it pays.

    `name`, `account`: the payee's. `text`: what the payee reads.
    """

    id: str
    name: str
    account: Account
    amount_minor: int
    text: str


class PaymentOrder(Struct, frozen=True, kw_only=True):
    """A batch of transfers in one currency, as the ledger ordered it: the same order gives the same file.

    `id`: the batch; `digest`: of the entry that ordered it (64 hex digits), from which the file's message id is made.
    `ordered_at`: when (UTC µs). `pay_on`: ISO date. `debtor`: the shop, with its account.
    """

    id: str
    digest: str
    ordered_at: int
    pay_on: str
    currency: str
    debtor: Party
    payments: tuple[Payment, ...]


class PaymentResult(Struct, frozen=True, kw_only=True):
    """What a bank says of one transfer (`id`: the end-to-end id). `status`: paid, failed or pending; `reason`: the bank's code."""

    id: str
    status: str
    reason: str = ""


class Receipt(Struct, frozen=True, kw_only=True):
    """Money that came in, or went back out (a negative amount), as a bank statement tells it.

    `ref`: the bank's own reference, unique for this account. `booked_on`: ISO date. `text`: the remittance information;
    `invoices`: numbers that stand in it in a structured field.
    """

    ref: str
    amount_minor: int
    currency: str
    booked_on: str
    payer: str = ""
    text: str = ""
    invoices: tuple[str, ...] = ()
