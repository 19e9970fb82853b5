"""My account: where somebody of the lab is paid. The account itself lies sealed at the site; the record knows a commitment."""

from typing import Final

from msgspec import Struct

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN
from holdgate.web.hub import somebody
from holdgate.web.page import Page, View
from holdgate.web.waiting import PaperLine, papers_of
from holdgate.web.wish import Wish


class Account(Struct, frozen=True, kw_only=True):
    """Whether one is on record, by its commitment, and the act that registers another one once it is brought."""

    commitment: str
    register: Wish | None
    papers: tuple[PaperLine, ...]


def account(view: View) -> Account:
    """The account of whoever looks."""
    me = "" if view.asker.person is None else view.asker.person.id
    fields = {"owner": me, "commitment": digest(STAND_IN.encode())}
    return Account(
        commitment=view.face.state.money.accounts.get(me, ""),
        register=view.offer(c.RegisterAccount, fields, ("commitment",), somebody(view, "finance")),
        papers=papers_of(view),
    )


ACCOUNT: Final = Page(name="account", title="My account", kinds=("business_hub",), roles=(), model=account)
