"""Accounts and organisations as they are registered: each digit of a number counts, and what is not said is empty."""

import pytest

from holdgate.terms.party import Party, account_fault

IBAN, ROUTING = "DE89370400440532013000", "121042882"


def test_a_sound_account_has_no_fault() -> None:
    assert account_fault(IBAN, "", "") == ""
    assert account_fault("", ROUTING, "123-456") == ""
    assert account_fault("", "", "") == ""


@pytest.mark.parametrize("place", range(9))
def test_each_digit_of_a_routing_number_counts(place: int) -> None:
    other = str((int(ROUTING[place]) + 1) % 10)
    assert account_fault("", ROUTING[:place] + other + ROUTING[place + 1 :], "1").startswith("its routing number")


@pytest.mark.parametrize("place", range(len(IBAN)))
def test_each_sign_of_an_iban_counts(place: int) -> None:
    other = str((int(IBAN[place]) + 1) % 10) if IBAN[place].isdigit() else "X"
    assert account_fault(IBAN[:place] + other + IBAN[place + 1 :], "", "").startswith("its IBAN")


@pytest.mark.parametrize(
    ("account", "why"),
    [
        ((IBAN, ROUTING, "1"), "not by both"),
        (("", ROUTING, ""), "go together"),
        (("", "", "1"), "go together"),
        (("", ROUTING, "1" * 18), "go together"),
        (("", ROUTING + "0", "1"), "its routing number"),
        ((IBAN.lower(), "", ""), "its IBAN"),
    ],
)
def test_an_account_is_named_in_one_way(account: tuple[str, str, str], why: str) -> None:
    assert why in account_fault(*account)


def test_what_is_not_said_of_an_organisation_is_empty() -> None:
    bare = Party(org="LAB", name="Lab", street="Weg 1", city="Ulm", postal_code="89073", country="DE")
    said = {"org", "name", "street", "city", "postal_code", "country"}
    assert not any(
        getattr(bare, name) for name in bare.__struct_fields__ if name not in said | {"tax", "account", "payment_days"}
    )
