"""Planted defects: scans, counters, staging, release."""

from typing import Final

from tests.planted.defect import Defect

DEFECTS: Final = ()
