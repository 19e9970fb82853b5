"""Paper: what a client and an auditor hold in their hands, made from ledger facts (docs/reports.md)."""
