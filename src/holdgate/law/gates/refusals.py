"""Wishes that are always refused, and always recorded."""

from holdgate.law import command as c
from holdgate.law.case import Case


def vault(case: Case) -> None:
    """The Vault looks and never writes."""
    if type(case.command) is c.WriteVault:
        case.deny("VAULT_READ_ONLY")


def authority(case: Case) -> None:
    """No module changes a rule by itself."""
    if type(case.command) is c.ApplyChange:
        why = "rules change by a released revision, or inside what the contract declares adaptable"
        case.deny("AI_NOT_AUTHORITY", id=case.actor.id, why=why)
