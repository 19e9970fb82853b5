"""Planted defects: legal hold, erasure, audit, machines."""

from typing import Final

from tests.planted.defect import Defect

DEFECTS: Final = ()
