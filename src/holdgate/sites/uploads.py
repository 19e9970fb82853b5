"""Entries that anybody uploads to a Vault's mirror over HTTP (C2SP tlog-mirror, add-entries).

Nobody is believed: each package is proven to stand in a pending checkpoint, which the log signed. What is proven is kept as it
comes; once everything up to that checkpoint is there, the mirror moves to it in one transaction and the Vault cosigns it.

Uploads carry entries and no documents. So the mirror remembers from where on documents are missing, and the log's own site, which
is asked where it should go on, sends that stretch again with them.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from holdgate.crypto.hashes import leaf_hash
from holdgate.ledger.merkle import extend, root_from_frontier, root_of
from holdgate.ledger.mirroring import PACKAGE, Package, Upload, packages, read_upload, write_info, write_progress
from holdgate.ledger.note import SIZE_MAX, parse_checkpoint
from holdgate.ledger.subtree import verify_subtree
from holdgate.ledger.witness import Cosigner, Reply, WitnessStore, signed_by
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.limits import MIRROR_PACKAGES_MAX

_STRIDE = 1_024


class UploadStore(Protocol):
    """A mirror that takes entries ahead of its checkpoint."""

    def held(self, origin: str) -> tuple[int, tuple[bytes, ...]]:
        """Size and frontier of the mirror."""
        ...

    def latest(self, origin: str) -> bytes | None:
        """The last cosigned checkpoint."""
        ...

    def leaves(self, origin: str, start: int, stop: int) -> list[bytes]:
        """Leaf hashes [start, stop) of the mirror."""
        ...

    def upcoming(self, origin: str) -> int:
        """The next entry: the first that is neither in the mirror nor upcoming."""
        ...

    def upcoming_entries(self, origin: str, start: int, stop: int) -> list[bytes]:
        """The upcoming entries [start, stop), as far as there are."""
        ...

    def keep_upcoming(self, origin: str, start: int, entries: Sequence[bytes]) -> None:
        """Keep proven entries, durably; those that are there already are left as they are."""
        ...

    def commit_upcoming(self, origin: str, size: int, stop: int, frontier: tuple[bytes, ...], cosigned: bytes) -> None:
        """Move the mirror from `size` to `stop`, which its upcoming entries reach, under a cosigned checkpoint: all or nothing."""
        ...


class Uploads:
    """What strangers upload to one Vault."""

    def __init__(
        self,
        store: UploadStore,
        pending: WitnessStore,
        open_to_all: Callable[[str], bool],
        cosigner: Cosigner,
        contradicted: Callable[[str, bytes], None],
    ) -> None:
        """Prepare.

        Args:
            store: the mirrors.
            pending: the checkpoints that were accepted, mirrored or pending, by size.
            open_to_all: whether a mirrored log with this origin is one that anybody may upload. Not one that two hosts write in
                turn: both hold its key, and what the one that was relieved still signs is not to get in by this way.
            cosigner: the mirror's.
            contradicted: keeps a pending checkpoint of a log that the mirror does not lead to.
        """
        self._store = store
        self._pending = pending
        self._open_to_all = open_to_all
        self._cosigner = cosigner
        self._contradicted = contradicted

    def take(self, raw: bytes) -> tuple[Upload | None, Reply | None]:
        """Judge an untrusted request and keep the packages that are proven. Any number of these may run at once.

        Returns:
            The upload, if everything up to its end is there now: then `finish` moves the mirror. Else what is answered.

        Raises:
            Unavailable: the store fails.
        """
        try:
            upload = read_upload(raw)
        except Malformed as error:
            return None, _refusal(400, str(error))
        if not self._open_to_all(upload.origin):
            return None, _refusal(404, "this log is not mirrored here, or only by its own hosts")
        conflict = self._conflict(upload)
        if conflict is not None:
            return None, conflict
        try:
            taken = self._packages(upload)
        except (Malformed, Tampered) as error:
            return None, _refusal(422, str(error))
        following = self._store.upcoming(upload.origin)
        if following >= upload.end:
            return upload, None
        if not taken:
            return None, _refusal(400, "not one whole package came")
        return None, write_progress(upload.end, following)

    def finish(self, upload: Upload, time_s: int) -> Reply:
        """Move the mirror to the end of an upload, and cosign. One at a time for a Vault, and not while it takes segments.

        Raises:
            Unavailable: the store fails; nothing was cosigned.
        """
        origin, store = upload.origin, self._store
        if not self._open_to_all(origin):  # two hosts took it over meanwhile
            return _refusal(404, "this log is mirrored only by its own hosts")
        size, frontier = store.held(origin)
        note = self._pending.at(origin, upload.end)
        if note is None or upload.end < size:
            return self._info(origin)
        if upload.end == size:
            return self._cosigned(origin)
        for start in range(size, upload.end, _STRIDE):
            stop = min(start + _STRIDE, upload.end)
            bodies = store.upcoming_entries(origin, start, stop)
            if len(bodies) != stop - start:
                return self._info(origin)
            frontier = extend(start, frontier, [leaf_hash(body) for body in bodies])
        checkpoint = parse_checkpoint(note)
        if root_from_frontier(frontier, upload.end) != checkpoint.root:
            self._contradicted(origin, note)
            return _refusal(422, "what is mirrored here does not lead to the checkpoint that the log signed")
        line = self._cosigner.line(note[: note.index(b"\n\n") + 1], time_s)
        store.commit_upcoming(origin, size, upload.end, frontier, note + line)
        return Reply(status=200, body=line)

    def _conflict(self, upload: Upload) -> Reply | None:
        following = self._store.upcoming(upload.origin)
        size = self._store.held(upload.origin)[0]
        known = size <= upload.end <= SIZE_MAX and self._pending.at(upload.origin, upload.end) is not None
        near = following - PACKAGE * MIRROR_PACKAGES_MAX <= upload.start <= following
        if known and near:
            return None
        return write_info(upload.end, following) if known else self._info(upload.origin)

    def _info(self, origin: str) -> Reply:
        """409 with the checkpoint that is pending now."""
        note = self._pending.latest(origin)
        return write_info(0 if note is None else parse_checkpoint(note).size, self._store.upcoming(origin))

    def _packages(self, upload: Upload) -> int:
        """Prove and keep what came; gives how many packages.

        Raises:
            Malformed, Tampered: a package is not proven; the ones before it are kept.
        """
        note = self._pending.at(upload.origin, upload.end)
        if note is None:
            raise Unavailable("the pending checkpoint is gone; ask again")
        root, count = parse_checkpoint(note).root, 0
        for package in packages(upload):
            self._prove(upload, package, root)
            self._store.keep_upcoming(upload.origin, package.span.start, package.entries)
            count += 1
        return count

    def _prove(self, upload: Upload, package: Package, root: bytes) -> None:
        span = package.span
        leaves = self._leaves(upload.origin, span.base, span.start) + [leaf_hash(body) for body in package.entries]
        if len(leaves) != span.stop - span.base:
            raise Tampered(f"the entries before {span.start} are not there; begin at {span.base}")
        if not verify_subtree(span.base, span.stop, upload.end, root_of(leaves), root, package.proof):
            raise Tampered(
                f"the entries {span.start} to {span.stop} are not proven to stand in the {upload.end} that the log signed"
            )

    def _leaves(self, origin: str, start: int, stop: int) -> list[bytes]:
        """Leaf hashes of what is there, mirrored or upcoming."""
        size = self._store.held(origin)[0]
        mirrored = self._store.leaves(origin, start, min(stop, size)) if start < size else []
        upcoming = self._store.upcoming_entries(origin, max(start, size), stop) if stop > size else []
        return mirrored + [leaf_hash(body) for body in upcoming]

    def _cosigned(self, origin: str) -> Reply:
        """200 with the line that stands under the mirror's checkpoint."""
        note = self._store.latest(origin)
        if note is None:
            return self._info(origin)
        own = signed_by(note, (self._cosigner.key,))
        return Reply(status=200, body=own[own.index(b"\n\n") + 2 :])


def _refusal(status: int, sentence: str) -> Reply:
    return Reply(status=status, body=f"{sentence}\n".encode())
