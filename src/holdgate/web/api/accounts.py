"""Bank accounts over the API: a person brings their own, sealed; a commitment comes back, which they sign. No account ever does."""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct

from holdgate.pay.books import ACCOUNT, Payee
from holdgate.sites.payloads import PayloadStore
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import PAYEE_NAME_CHARS_MAX
from holdgate.terms.party import Account, account_fault
from holdgate.web.asker import Asker
from holdgate.web.operation import Call, Operation

BRING_ONE: Final = "name the account by its IBAN, or by routing number and account number"


class Brought(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where somebody is paid. `name`: as their bank has it."""

    name: Annotated[str, Meta(min_length=1, max_length=PAYEE_NAME_CHARS_MAX)]
    iban: Annotated[str, Meta(max_length=34)] = ""
    bic: Annotated[str, Meta(max_length=11)] = ""
    routing: Annotated[str, Meta(max_length=9)] = ""
    number: Annotated[str, Meta(max_length=17)] = ""


class Sealed(Struct, frozen=True, kw_only=True):
    """The account is kept; `account.register` names it by this commitment."""

    commitment: str


class Accounts:
    """Takes accounts in. `store`: keeps them."""

    def __init__(self, store: PayloadStore) -> None:
        self._store = store

    def take(self, call: Call) -> Sealed:
        """Keep the asker's own account.

        Raises:
            Malformed: it is none. Unavailable: the storage failed.
        """
        brought: Brought = call.body
        owner = call.asker.person
        fault = account_fault(brought.iban, brought.routing, brought.number)
        if owner is None or fault or not brought.name.strip() or not (brought.iban or brought.routing):
            raise Malformed(fault or BRING_ONE)
        account = Account(iban=brought.iban, bic=brought.bic, routing=brought.routing, number=brought.number)
        content = canon.encode(Payee(name=brought.name.strip(), account=account))
        return Sealed(
            commitment=self._store.put(content, kind=ACCOUNT, owner=owner.id, by=owner.id, at=call.face.now())
        )

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        return (
            Operation(
                "POST",
                "/api/accounts",
                "Bring one's own bank account",
                self.take,
                Sealed,
                body=Brought,
                who=is_paid,
                kinds=("business_hub",),
            ),
        )


def is_paid(asker: Asker) -> bool:
    """The lab's own people."""
    return asker.staff
