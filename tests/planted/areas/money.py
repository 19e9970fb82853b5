"""Planted defects: invoices, payouts, books, bank files, tax."""

from typing import Final

from tests.planted.defect import Defect

DEFECTS: Final = ()
