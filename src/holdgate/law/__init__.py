"""The law core: contracts are data, a decision is a pure function, a denial is an answer."""
