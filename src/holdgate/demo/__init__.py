"""The story: one order through a whole shop, from the client's signature to the audit. Real sites, keys and ledgers."""
