"""Packages: one file about one job, with what was signed, proof that it stands in the logs, and how to check both elsewhere.

The format and its verification, and no law: what reads a package starts at once and fits on a bare machine. Packages are made in
`holdgate.query.packing`. Source: docs/spec/package.md.
"""
