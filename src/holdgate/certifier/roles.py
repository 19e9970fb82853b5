"""Which roles people act in: only people agree, release and sign; devices, modules and sites cannot."""

from typing import Final

NOT_PEOPLE: Final = frozenset(
    {
        "ai",
        "business_hub",
        "device",
        "floor_hub",
        "module",
        "newcomer",
        "node",
        "scanner",
        "sensor",
        "system",
        "vault",
        "workstation",
    }
)
"""Roles of sites, modules and devices: they have no badge and no PIN."""
OUTSIDE: Final = "client"
"""The one role whose people are not the lab's own."""


def are_people(role: str) -> bool:
    """Whether somebody can hold this role and sign in it. Any other name than these is a role that a lab may give."""
    return bool(role.strip()) and role not in NOT_PEOPLE
