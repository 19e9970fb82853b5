"""Planted defects: legal hold, erasure, audit, machines."""

from typing import Final

DEFECTS: Final = ()
