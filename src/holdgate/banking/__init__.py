"""Files to and from banks: bytes in, bytes out. No clock, no chance, no network; what a bank sent is not trusted.

A payment order of the ledger becomes one file (`pain001`, `nacha`), which is read back and compared before it is handed
out. What a bank answers (`pain002`, `nacha_returns`) and what it booked (`camt053`, `statement_csv`) is read by `reading`,
and `outcome` holds it against the order. Source: docs/payments.md.
"""
