"""Export of the books as text: Beancount's format, and CSV for a tax adviser. The bytes depend on the ledger alone.

Source: the Beancount language syntax (account names, directives, strings); RFC 4180 (CSV; lines end in a line feed alone).
"""

from collections.abc import Iterator
from typing import Final

from holdgate.pay.books import Books, Day, Transaction
from holdgate.terms import money

CSV_HEAD: Final = ("date", "entry", "about", "text", "account", "debit", "credit", "currency")


def beancount(books: Books, day: Day) -> str:
    """The books in Beancount's format: one transaction an event, each with the entry that it comes from."""
    return "\n".join(_beancount(books, day)) + "\n"


def _beancount(books: Books, day: Day) -> Iterator[str]:
    yield f'option "title" "Ledger of {_text(books.site)}"'
    yield ""
    opened: dict[str, str] = {}
    for one in books.transactions:
        for posting in one.postings:
            opened.setdefault(account_name(posting.account), day(one.at))
    for name, since in opened.items():
        yield f"{since} open {name}"
    for one in books.transactions:
        yield ""
        yield f'{day(one.at)} * "{_text(one.about)}" "{_text(one.words)}"'
        yield f'  entry: "{_text(one.id)}"'
        for posting in one.postings:
            yield f"  {account_name(posting.account)}  {amount(posting.amount_minor, one.currency)} {one.currency}"


def account_name(path: tuple[str, ...]) -> str:
    """An account as Beancount writes one; ids keep apart what they keep apart.

    A component starts with a capital letter and has letters, digits and dashes: an id gets a prefix, its dashes are doubled, dots
    and underscores become `-d` and `-u`, and any other character `-x`, its number in hexadecimal, and `-`.
    """
    kind, name, *ids = path
    return ":".join((kind, name, *(f"X{''.join(map(_coded, text))}" for text in ids)))


def _coded(sign: str) -> str:
    if sign.isascii() and sign.isalnum():
        return sign
    return {"-": "--", ".": "-d", "_": "-u"}.get(sign) or f"-x{ord(sign):x}-"


def amount(amount_minor: int, currency: str) -> str:
    """An amount in major units, as text."""
    return money.show(amount_minor, currency).partition(" ")[0]


def _text(text: str) -> str:
    """Inside quotes: no line breaks, quotes and backslashes escaped."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"')


def accounting_csv(books: Books, day: Day) -> str:
    """The books as CSV, a line a posting; amounts in major units with a decimal point, debit and credit apart."""
    rows = (CSV_HEAD, *(row for one in books.transactions for row in _lines(one, day)))
    return "".join(f"{','.join(_quoted(cell) for cell in row)}\n" for row in rows)


def _quoted(cell: str) -> str:
    escaped = cell.replace('"', '""')
    return f'"{escaped}"'


def _lines(one: Transaction, day: Day) -> Iterator[tuple[str, ...]]:
    for posting in one.postings:
        size = amount(abs(posting.amount_minor), one.currency)
        sides = (size, "") if posting.amount_minor >= 0 else ("", size)
        account = ":".join(posting.account)
        yield (day(one.at), one.id, _cell(one.about), _cell(one.words), _cell(account), *sides, one.currency)


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in _FORMULA else text


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def trial_balance(books: Books) -> str:
    """Every account with its balance, and the sum of each currency, which is 0."""
    balances = books.balances()
    lines = [
        f"{':'.join(account):<48}{money.show(size, currency):>20}" for (account, currency), size in balances.items()
    ]
    sums: dict[str, int] = {}
    for (_, currency), size in balances.items():
        sums[currency] = sums.get(currency, 0) + size
    lines += [f"{'sum':<48}{money.show(size, currency):>20}" for currency, size in sums.items()]
    return "\n".join(lines) + "\n"
