"""Planted defects: contracts, quality, reports, windows, orders."""

from typing import Final

from tests.planted.defect import Defect

DEFECTS: Final = ()
