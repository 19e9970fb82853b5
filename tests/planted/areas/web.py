"""Planted defects: sessions, origins, who sees what."""

from typing import Final

from tests.planted.defect import Defect

DEFECTS: Final = ()
