"""Hashes, keys, signed envelopes and sealed bodies: each primitive behind one name, the same at every site."""
