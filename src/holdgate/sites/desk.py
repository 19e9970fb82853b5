"""A desk: where people and devices sign. It holds keys, shows the present view, and makes envelopes.

This is the client's side of the spine, used by the demonstration, the scenario runner and the bench. Keys here belong to
the people of a demonstration; a real person's key stays on their own device.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from holdgate.crypto.envelope import seal
from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.signatures import Key
from holdgate.law import command as c
from holdgate.law.state import State
from holdgate.law.view import view_of
from holdgate.terms import canon
from holdgate.terms.errors import Unavailable

NONE_INSTEAD: Final[Mapping[str, Key]] = {}


class Desk:
    """Keys by SMART-ID, and signing with them."""

    def __init__(self) -> None:
        self._keys: dict[str, SigningKey] = {}
        self._others: dict[str, Key] = {}
        self._nonce = 0

    def add(self, smart_id: str, key: SigningKey | None = None) -> SigningKey:
        """Keep a key (a fresh one by default)."""
        found = self._keys[smart_id] = key or SigningKey.generate()
        self._others.pop(smart_id, None)
        return found

    def replace(self, smart_id: str, key: SigningKey) -> SigningKey:
        """Sign with another key from now on; returns the one before.

        Raises:
            Unavailable: there was none.
        """
        before = self.key(smart_id)
        self.add(smart_id, key)
        return before

    def take(self, smart_id: str, key: Key) -> None:
        """Sign with a key that is kept elsewhere (a passkey) for this identity from now on."""
        self._others[smart_id] = key

    def add_from_seed(self, seed: str, smart_ids: Iterable[str]) -> None:
        """Keys that follow from a seed: for scenarios that must come out the same every time."""
        for smart_id in smart_ids:
            self._keys[smart_id] = SigningKey.from_seed(sha256(f"{seed}|{smart_id}".encode()))

    def public(self, smart_id: str) -> bytes:
        """The public key of an identity."""
        return self._signs(smart_id).public

    def key(self, smart_id: str) -> SigningKey:
        """The key of an identity.

        Raises:
            Unavailable: it is not at this desk.
        """
        found = self._keys.get(smart_id)
        if found is None:
            raise Unavailable(f"the key of {smart_id} is not at this desk")
        return found

    def _signs(self, smart_id: str) -> Key:
        return self._others.get(smart_id) or self.key(smart_id)

    def nonce(self) -> str:
        """A nonce of its own for each wish."""
        self._nonce += 1
        return f"{self._nonce:08d}"

    def shown(self, command: c.AnyCommand, state: State) -> c.AnyCommand:
        """The command with the digest of what its signers are shown now."""
        return replace(command, seen=view_of(state, command))

    def sign(self, command: c.Command, instead: Mapping[str, Key] = NONE_INSTEAD) -> bytes:
        """The envelope, signed by everybody that the command names and by the workstation.

        Args:
            command: what is signed.
            instead: keys that some of them sign with this once.
        """
        names = [signer.id for signer in command.signers]
        if command.place is not None and command.place not in names:
            names.append(command.place)
        return self.sign_only(command, names, instead)

    def sign_only(self, command: c.Command, names: Iterable[str], instead: Mapping[str, Key] = NONE_INSTEAD) -> bytes:
        """The envelope, signed by these only."""
        return seal(canon.encode(command), [(name, instead.get(name) or self._signs(name)) for name in names])
