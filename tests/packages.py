"""Packages of played stories, and ways to alter one: with the list of its parts made to fit, and with a site's own key."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from holdgate.bootstrap import read_trust
from holdgate.cli.package import open_job
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.ledger.merkle import inclusion_paths, root_of
from holdgate.ledger.note import Notary, Vkey, parse_vkey
from holdgate.package import manifest as m
from holdgate.package.archive import pack, unpack
from holdgate.package.verify import Verdict, verify
from holdgate.query.packing import Asked, Packed, packed
from holdgate.terms import canon
from tests.bundles import site_of
from tests.played import bodies

Row = dict[str, Any]


class Story(NamedTuple):
    """A played shop and the package of one of its jobs."""

    shop: Path
    raw: bytes
    roots: tuple[bytes, ...]
    witnesses: tuple[Vkey, ...]

    def verdict(self, parts: Mapping[str, bytes], *, witnesses: bool = True) -> Verdict:
        """What a package with these parts is worth to whoever trusts this shop's keys."""
        return verify(pack(parts), self.roots, self.witnesses if witnesses else ())

    def parts(self) -> dict[str, bytes]:
        """The parts as they were packed."""
        return unpack(self.raw)


def put_together(shop: Path, name: str, **asked: Any) -> Packed:
    """The package of a job (`ORDER/JOB`)."""
    with open_job(shop, name, asked.get("scope", m.WHOLE)) as source:
        return packed(source, Asked(**asked))


def story(shop: Path, name: str, **asked: Any) -> Story:
    """A story of a closed shop."""
    trust = read_trust(shop / "trust.json")
    raw = pack(put_together(shop, name, **asked).parts)
    return Story(shop, raw, trust.roots, tuple(parse_vkey(text) for text in trust.witnesses))


def fitted(parts: dict[str, bytes], **fields: Any) -> dict[str, bytes]:
    """The same parts with a manifest that names them as they are now."""
    held = json.loads(parts[m.MANIFEST])
    rest = {name: body for name, body in parts.items() if name != m.MANIFEST}
    rows = [{"name": row.name, "sha256": row.sha256, "size": row.size} for row in m.listed(rest)]
    return {**rest, m.MANIFEST: canon.encode({**held, "parts": rows, **fields})}


def lines_of(parts: Mapping[str, bytes], site: str) -> list[Row]:
    """The lines of a log."""
    return [json.loads(line) for line in parts[f"logs/{site}/entries.jsonl"].splitlines()]


def with_lines(parts: dict[str, bytes], site: str, lines: list[Row]) -> dict[str, bytes]:
    """The same parts with other lines of a log."""
    return fitted({**parts, f"logs/{site}/entries.jsonl": b"".join(canon.encode(line) + b"\n" for line in lines)})


def made_anew(told: Story, site: str, seq: int, change: Callable[[Row], object]) -> dict[str, bytes]:
    """The package of a site that changes an entry of its log and signs the log anew, with its own key; no witness took part."""
    parts, every = told.parts(), bodies(told.shop, site)
    entry = json.loads(every[seq])
    change(entry)
    every[seq] = canon.encode(entry)
    held = [m.Line(entry=every[line["index"]], index=line["index"], path=()) for line in lines_of(parts, site)]
    size = held[-1].index + 1
    leaves = [leaf_hash(body) for body in every[:size]]
    paths = inclusion_paths(leaves, [line.index for line in held])
    lines = [
        m.Line(entry=line.entry, index=line.index, path=tuple(path)) for line, path in zip(held, paths, strict=True)
    ]
    seat = site_of(told.shop, site)
    note = Notary(seat.origin, seat.key).checkpoint(size, root_of(leaves))
    parts[f"logs/{site}/checkpoint"] = note
    parts[f"logs/{site}/entries.jsonl"] = m.write_lines(lines)
    return fitted(parts)


def renamed(parts: dict[str, bytes], folder: str, body: bytes) -> dict[str, bytes]:
    """The same parts with one more in a folder whose names are digests."""
    return fitted({**parts, f"{folder}/{digest(body)}": body})
