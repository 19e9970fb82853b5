"""Logs and witnesses of tests: a log that can be continued in two ways, and what is handed in about it."""

from pathlib import Path

from holdgate.adapters.sqlite_witness import SqliteWitness
from holdgate.crypto.hashes import leaf_hash, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.ledger.merkle import consistency_path, root_of
from holdgate.ledger.note import Notary, Vkey, parse_vkey
from holdgate.ledger.witness import Cosigner, Witness, WitnessStore, write_request

ORIGIN = "shop.test/HUB"
T_S = 1_743_512_400


class Log:
    """A log of numbered entries. `fork`: from which entry on it is another history, under the same key."""

    def __init__(self, origin: str = ORIGIN, fork: int | None = None) -> None:
        self.origin = origin
        self.notary = Notary(origin, SigningKey.from_seed(sha256(origin.encode())))
        self.vkey: Vkey = parse_vkey(self.notary.vkey)
        self._fork = fork

    def leaves(self, size: int) -> list[bytes]:
        forked = self._fork
        return [
            leaf_hash(f"{self.origin} {n}{' otherwise' if forked is not None and n >= forked else ''}".encode())
            for n in range(size)
        ]

    def note(self, size: int) -> bytes:
        return self.notary.checkpoint(size, root_of(self.leaves(size)))

    def proof(self, old: int, size: int) -> list[bytes]:
        return consistency_path(self.leaves(size), old) if old <= size else []

    def request(self, old: int, size: int) -> bytes:
        return write_request(old, self.proof(old, size), self.note(size))


def cosigner(name: str = "client.test/witness") -> Cosigner:
    return Cosigner(name, SigningKey.from_seed(sha256(name.encode())))


def witness_at(store: WitnessStore | Path, *logs: Log) -> Witness:
    """A witness of these logs on a store, or on a new one in a folder."""
    kept = SqliteWitness(store / "witness.db") if isinstance(store, Path) else store
    return Witness({log.origin: log.vkey for log in logs or (Log(),)}, kept, cosigner())
