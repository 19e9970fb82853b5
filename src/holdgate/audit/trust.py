"""What an auditor trusts: keys that come from outside of the bundle, never out of it."""

from msgspec import Struct


class Trust(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`roots`: the root public keys that sign charters. `witnesses`: C2SP vkeys of cosigners outside the audited site."""

    roots: tuple[bytes, ...]
    witnesses: tuple[str, ...] = ()
