"""Every maximum of files to and from banks (units in the names)."""

from typing import Final

FILE_BYTES_MAX: Final = 16_777_216
"""A bank's file: a day's statement with some ten thousand transactions."""
TAGS_MAX: Final = 600_000
"""Opening and closing signs in an XML file: what they take in memory is many times what they take in the file."""
DEPTH_MAX: Final = 40
"""Nesting of an XML file; the deepest of these messages has about 15 levels."""
PAYMENTS_MAX: Final = 2_000
"""Transfers of one order."""
TEXT_CHARS_MAX: Final = 1_000
"""A remittance text as it is taken over; what is longer is cut."""
NAME_CHARS_MAX: Final = 140
"""A payer's name as it is taken over (Max140Text)."""
CSV_ROWS_MAX: Final = 20_000
"""Rows of a statement as CSV."""
SEPA_NAME_CHARS: Final = 70
"""A name in a SEPA credit transfer (EPC 132-08)."""
SEPA_TEXT_CHARS: Final = 140
"""Its unstructured remittance information."""
SEPA_AMOUNT_MAX_MINOR: Final = 99_999_999_999
"""999,999,999.99 EUR: one SEPA credit transfer."""
ID_CHARS_MAX: Final = 35
"""An identifier of ISO 20022 (Max35Text)."""
PAY_AHEAD_DAYS_MAX: Final = 366
"""How long before its day a payment may be ordered: beyond it is a slip of the pen, and banks refuse it (CH03)."""
TOLD_ID_CHARS_MAX: Final = 140
"""An id or code as a bank repeats it: cut so far beyond the 35 that one too long is never taken for another."""
