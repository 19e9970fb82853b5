"""The contract of the worlds, in three versions, the first one in force: a pull test, three invoices, a bonus, a short window."""

from typing import Any, Final

from msgspec.structs import replace

from holdgate.certifier.structure import certify
from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law.contract import Billing, PayoutRule, document_digest, encode_document
from holdgate.law.state import State
from tests.unit.test_sites import (
    CLIENT,
    CLIENT_NAME,
    CLIENT_ORG,
    HUB,
    PRICE,
    TECHNIQUE,
    TEMPLATE,
    House,
)

WINDOW_S: Final = 900
BILLING: Final = (
    Billing(id="receipt", when="arrival", amount_minor=1_000_000),
    Billing(id="work", when="qa_accepted", amount_minor=1_000_000),
    Billing(id="final", when="client_accepted", amount_minor=PRICE - 2_000_000),
)
BONUS: Final = PayoutRule(id="bonus", depends_on="on_time", amount_minor=5_000, currency="USD", within_s=86_400)
_FIRST: Final = replace(
    TEMPLATE, billing=BILLING, client_window_s=WINDOW_S, on_silence="deemed_accepted", payouts=(BONUS,)
)
CONTRACT: Final = "SP-1"
VERSIONS: Final = ("1", "2", "3")
TECHNIQUES: Final = {version: replace(TECHNIQUE, version=version) for version in VERSIONS}
TEMPLATES: Final = {
    version: replace(_FIRST, version=version, process=document_digest(TECHNIQUES[version])) for version in VERSIONS
}
"""Every version is worked and paid alike: the races are about which one is pinned."""
assert document_digest(TECHNIQUE) == _FIRST.process
TERMS: Final = c.Terms(
    price_minor=PRICE,
    currency="USD",
    milestones=tuple(c.Milestone(id=b.id, amount_minor=b.amount_minor) for b in BILLING),
    client_window_s=WINDOW_S,
    on_silence="deemed_accepted",
)


def in_force(state: State) -> str:
    """The version that orders are staged under now."""
    return state.contracts[state.in_force[CONTRACT]].version


async def govern(house: House) -> None:
    """Enrol the client; submit, certify and approve every version; release the first."""
    head = house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), (CLIENT, "newcomer"))
    client: dict[str, Any] = {"id": CLIENT, "name": CLIENT_NAME, "org": CLIENT_ORG, "kind": "person"}
    key = house.desk.public(CLIENT)
    await _allowed(house, c.EnrolIdentity(**head, **client, key=key, roles=("client",)))
    for version, template in TEMPLATES.items():
        await _submitted(house, version, (encode_document(template), encode_document(TECHNIQUES[version])))
    named: dict[str, Any] = {"contract": "SP-1", "version": "1"}
    await _allowed(house, c.ActivateContract(**house.head(HUB, ("ADM", "admin")), **named, effectivity="new_orders"))


async def _submitted(house: House, version: str, documents: tuple[bytes, ...]) -> None:
    named: dict[str, Any] = {"contract": "SP-1", "version": version}
    office: dict[str, Any] = {"place": "WS-OFFICE"}
    certificate = certify(TEMPLATES[version], TECHNIQUES[version])
    author = house.head(HUB, ("AUT", "author"))
    await _allowed(house, c.SubmitContract(**author, **named, sha256=digest(documents[0])), *documents)
    signer = house.head(HUB, house.unlocked("CRT", "certifier"), **office)
    await _allowed(house, c.CertifyContract(**signer, **named, certificate=digest(certificate)), certificate)
    signer = house.head(HUB, house.unlocked("QAM", "qa"), **office)
    await _allowed(house, c.ApproveContract(**signer, **named, approval_role="qa"))


async def _allowed(house: House, command: c.AnyCommand, *documents: bytes) -> None:
    answer = await house.ask(HUB, command, *documents)
    assert answer.decision.allowed, (type(command).__name__, answer.decision)
