"""Wishes that are always refused, and always recorded."""

from holdgate.law import command as c
from holdgate.law.case import Case


def vault(case: Case) -> None:
    """The Vault looks and never writes."""
    if type(case.command) is c.WriteVault:
        case.deny("VAULT_READ_ONLY")
