"""A reader that is killed at any moment loses no scan that it kept, uses no counter twice, and sends the same bytes again."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from holdgate.reader import Outbox, Reader
from holdgate.reader.broadcast import read
from tests.floor_hub import LOG, READER_KEY, FileHub

ROOT = Path(__file__).resolve().parents[2]
KILLS = 8


def killed(folder: Path, seed: int, after_s: float) -> list[str]:
    """The serials that the process said it had kept before it was killed."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.faults.scanning", str(folder), str(seed)]
    said: list[str] = []
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said.append(process.stdout.readline())
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL, "it ended by itself"
    return [line.strip() for line in said if line.endswith("\n")]


def test_killed_at_any_moment(tmp_path: Path) -> None:
    seed = int(os.environ.get("HOLDGATE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"HOLDGATE_SEED={seed}")
    chance = random.Random(seed)
    kept: list[str] = []
    for number in range(KILLS):
        kept += killed(tmp_path, seed + number, chance.random() * 0.25)
        came = [read(line) for line in (tmp_path / "hub").read_bytes().split(b"\n")[:-1]]
        with_outbox = Outbox(tmp_path / "outbox.db", "SCN-1", "FLOOR")
        assert with_outbox.seq >= max((one.reader_seq for one in came), default=0), (
            "a counter was sent that is not kept"
        )
        with_outbox.close()
    hub = FileHub(tmp_path / "hub")
    outbox = Outbox(tmp_path / "outbox.db", "SCN-1", "FLOOR")
    reader = Reader("SCN-1", READER_KEY, outbox=outbox, site="FLOOR", link=hub, log=LOG)
    delivery = reader.deliver()
    assert (delivery.why, delivery.waiting) == ("", 0)
    outbox.close()
    envelopes = list(dict.fromkeys((tmp_path / "hub").read_bytes().split(b"\n")[:-1]))
    came = [read(one) for one in envelopes]
    seqs = [one.reader_seq for one in came]
    assert seqs == sorted(set(seqs)), "a counter was used twice, or went back"
    arrived = [one.serials[0] for one in came]
    assert len(set(arrived)) == len(arrived), "a scan was signed twice"
    assert set(kept) <= set(arrived), f"lost: {sorted(set(kept) - set(arrived))[:5]}"
    assert len(kept) >= KILLS
