"""SMART-Audit: verify a ledger offline and make every decision again. No network, no store, no trust in the bundle."""
