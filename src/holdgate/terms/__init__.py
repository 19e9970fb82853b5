"""Words and numbers that every part shares: ids, instants, quantities, money, limits, the canonical encoding, errors."""
