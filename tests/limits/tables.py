"""All tables."""

from typing import Final

from tests.limits import acts, desk, documents, records

TABLES: Final = (acts, desk, documents, records)
