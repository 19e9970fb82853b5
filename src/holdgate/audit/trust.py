"""What an auditor trusts: keys that come from outside of the bundle, never out of it."""

from msgspec import Struct

from holdgate.crypto.envelope import Envelope
from holdgate.identity.charter import Charter
from holdgate.identity.roots import open_under


class Trust(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`roots`: the root public keys that sign charters. `witnesses`: C2SP vkeys of cosigners outside the audited site.

    `rotations`: the root documents after the charter that the reader knows of, in order. The charter has to be the one that they
    follow from, and a record may hold more of them and no others.
    """

    roots: tuple[bytes, ...]
    witnesses: tuple[str, ...] = ()
    rotations: tuple[Envelope, ...] = ()

    def charter(self, raw: bytes) -> Charter:
        """A charter that these keys signed.

        Raises:
            Malformed, Tampered: it does not hold under them.
        """
        return open_under(raw, self.roots, self.rotations)
