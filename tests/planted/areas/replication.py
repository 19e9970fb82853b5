"""Planted defects: links, imports, the Vault, hosts, witnesses, the watch."""

from typing import Final

from tests.planted.defect import Defect

DEFECTS: Final = ()
