"""The log as a format: Merkle tree, tiles, checkpoints, cosignatures and proofs (C2SP, RFC 6962); no store."""
