"""The witness protocol against programs that are not ours: aics-witness as the witness, aics-tlog as the reader.

Both need Python 3.12 or later, so they cannot stand among this project's own packages. Where they are on the PATH, or in the
directory that HOLDGATE_PEERS names, these tests run; elsewhere they skip.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from holdgate.adapters.http_cosigner import HttpCosigner
from holdgate.adapters.http_serve import serving
from holdgate.adapters.http_witness import WitnessApp
from holdgate.crypto.hashes import leaf_hash
from holdgate.ledger.cosigning import Behind, Given
from holdgate.ledger.note import Vkey, make_vkey, parse_vkey, verify_cosignature
from holdgate.ledger.witness import origin_hash
from holdgate.sites.vault_face import VaultFace, WitnessFace
from holdgate.terms.errors import Malformed, Tampered
from tests.unit.test_sites import House, founded
from tests.unit.test_vault_face import ORIGIN, OUTSIDE, calm, outside, seen, with_policy, work
from tests.witnesses import Log, cosigner

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
LOG: Final = Log("lab.example/hub")
NAME: Final = "peer.example/w1"


def program(name: str) -> str:
    """Where a peer's program is; skips where it is not."""
    path = os.pathsep.join(filter(None, (os.environ.get("HOLDGATE_PEERS"), os.environ.get("PATH"))))
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"{name} is not installed; it needs Python 3.12")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def run(*words: str, at: Path) -> str:
    done = subprocess.run(words, cwd=at, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[tuple[Vkey, str]]:
    """aics-witness, serving; gives its key and its address."""
    name, port = program("aics-witness"), free_port()
    config = ("-c", str(tmp_path / "w.json"))
    told = run(
        name, "init", *config, "--name", NAME, "--listen", f"127.0.0.1:{port}", "--db", "w.db", "--key-file", "w.key",
        at=tmp_path,
    )  # fmt: skip
    run(name, "add-log", *config, "--origin", LOG.origin, "--vkey", LOG.notary.vkey, at=tmp_path)
    vkey = next(word for word in told.replace('"', " ").split() if word.startswith(f"{NAME}+"))
    served = subprocess.Popen(
        [name, "serve", *config], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield parse_vkey(vkey), f"http://127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait(10)


def test_a_witness_that_is_not_ours_cosigns_what_we_hand_in(peer: tuple[Vkey, str]) -> None:
    vkey, url = peer

    def ask(ours: HttpCosigner, log: Log, size: int) -> Given | Behind:
        return asyncio.run(ours.cosign(log.note(size), lambda old: log.proof(old, size)))

    ours = HttpCosigner(vkey, url)
    for size in (5, 9, 9, 300):
        given = ask(ours, LOG, size)
        assert isinstance(given, Given)
        assert abs(verify_cosignature(given.note, vkey) - time.time()) < 120
    stranger = HttpCosigner(vkey, url)
    assert isinstance(ask(stranger, LOG, 301), Given), "told 300 by a 409, and gone on from there"
    assert ask(HttpCosigner(vkey, url), LOG, 20) == Behind(size=301)
    forked = Log(LOG.origin, fork=7)
    with pytest.raises(Tampered):
        ask(HttpCosigner(vkey, url), forked, 400)
    other = Log("other.example/x")
    with pytest.raises(Malformed, match="404"):
        ask(HttpCosigner(vkey, url), other, 2)


def test_a_reader_that_is_not_ours_reads_a_mirror_over_http_and_believes_both_cosignatures(tmp_path: Path) -> None:
    name = program("aics-tlog")

    async def story(house: House) -> None:
        ours = outside(house, tmp_path / "outside")
        async with serving(WitnessApp(WitnessFace(ours, house.clock)).app) as port:
            with_policy(house, port)
            vault = await work(house, 300)
            await calm(vault)
        log = vault._logs[ORIGIN]
        bodies = vault.store.entries(ORIGIN)
        async with serving(WitnessApp(VaultFace(vault)).app) as port:
            tiles = ("--tiles", f"http://127.0.0.1:{port}/{origin_hash(ORIGIN)}", "--origin", ORIGIN)
            keys = ("--log-key", make_vkey(log.name, log.public))
            cosigners = (
                "--witness-key",
                vault._cosigner.vkey,
                "--witness-key",
                cosigner(OUTSIDE).vkey,
                "--quorum",
                "2",
            )
            await asyncio.to_thread(run, name, "verify-checkpoint", *tiles, *keys, *cosigners, at=tmp_path)
            for index in (0, 255, 256, len(bodies) - 1):
                leaf = ("--leaf-hash", leaf_hash(bodies[index]).hex(), "--index", str(index))
                await asyncio.to_thread(run, name, "verify-inclusion", *tiles, *keys, *leaf, at=tmp_path)
            wrong = ("--leaf-hash", leaf_hash(bodies[0]).hex(), "--index", "1")
            with pytest.raises(AssertionError):
                await asyncio.to_thread(run, name, "verify-inclusion", *tiles, *keys, *wrong, at=tmp_path)
            missing = ("--witness-key", cosigner("nobody.test/w").vkey, "--quorum", "1")
            with pytest.raises(AssertionError):
                await asyncio.to_thread(run, name, "verify-checkpoint", *tiles, *keys, *missing, at=tmp_path)
        await house.close()
        ours.store.close()

    asyncio.run(story(seen(founded(tmp_path))))
