"""Every way in, under altered inputs: nothing but the product's own refusals, nothing believed that nobody signed, nothing slow.

HOLDGATE_FUZZ=n tries n inputs instead of CI's; `make fuzz` a million in one process. `python -m tests.fuzz --only NAME` runs one
target; an input that was found goes to it again as `TARGETS["name"].read(b"...")`.
"""

import os
import time
from typing import Final

import pytest

pytest.importorskip("cel_expr_python", reason="the certifier's extra (cel-expr-python) is not installed")
pytest.importorskip("lxml", reason="lxml is not installed (extra `orders`)")
pytest.importorskip("sepaxml", reason="the extra `banking` is not installed")

from holdgate.terms.errors import InvariantBroken, Malformed
from tests.fuzz.all import GROUPS, TARGETS, shares
from tests.fuzz.running import judged, run
from tests.fuzz.target import Target
from tests.scores import record

CI: Final = 180_000
COUNT: Final = int(os.environ.get("HOLDGATE_FUZZ", str(CI)))
COMMAND: Final = f"HOLDGATE_FUZZ={COUNT} pytest tests/fuzz/test_fuzz.py"
SLACK: Final = 10
"""A tenth of a second is promised, and the score counts by it; so much more fails the test, which may run on a busy machine."""


@pytest.mark.timeout(0 if COUNT > CI else 600)
@pytest.mark.parametrize("group", GROUPS)
def test_no_input_does_harm(group: str) -> None:
    began = time.monotonic()
    whole = shares(TARGETS, COUNT)
    ran = [run(target, whole[name], 1) for name, target in GROUPS[group].items()]
    tried, found = sum(one.executions for one in ran), [finding for one in ran for finding in one.findings]
    soak, seconds = COUNT > CI, time.monotonic() - began
    record(10, group, tried, "fuzz executions", len(found), seconds=seconds, command=COMMAND, soak=soak)
    bad = [str(one) for one in found if not 0 < one.slow_s < SLACK * 0.1]
    assert not bad, "\n".join(bad)
    assert all(one.read or one.shapes for one in ran)


def test_every_seed_is_read_or_refused_for_a_reason_and_most_are_read() -> None:
    for name, target in TARGETS.items():
        said = [judged(target, raw, again=True) for raw in target.seeds()]
        assert not [finding for _, _, finding in said if finding is not None], name
        read = sum(how == "read" for _, (how, _), _ in said)
        assert read or name == "reader_receipt", (
            f"{name}: none of its seeds is read: {[what for _, (_, what), _ in said]}"
        )
    assert len(TARGETS) > 40


# ---- what the runner itself would miss


def _slow(raw: bytes) -> object:
    end = time.thread_time() + 0.12
    while time.thread_time() < end:
        pass
    return raw


def _crash(raw: bytes) -> object:
    if b"\0" in raw:
        raise KeyError(raw)
    raise Malformed("no")


def _broken(raw: bytes) -> object:
    raise InvariantBroken("an input broke an invariant")


def _different() -> Target:
    turn = iter(range(1 << 20))
    return Target("it", lambda raw: next(turn), lambda: [b"a"], (), 1)


def test_what_is_wrong_is_found() -> None:
    plain = {"_slow": _slow, "_crash": _crash, "_broken": _broken}
    found = {
        name: run(Target(name, read, lambda: [b"a", b"b"], (), 1), 300 if name == "_crash" else 2, 1).findings
        for name, read in plain.items()
    }
    assert "s of CPU" in found["_slow"][0].what
    assert found["_slow"][0].slow_s > 0.1
    assert "KeyError" in found["_crash"][0].what
    assert "an invariant" in found["_broken"][0].what
    assert "differently" in run(_different(), 1, 1).findings[0].what


def test_the_same_seed_tries_the_same_inputs() -> None:
    def tried(seed: int) -> list[bytes]:
        seen: list[bytes] = []

        def read(raw: bytes) -> object:
            seen.append(raw)
            raise Malformed(str(len(raw)))

        run(Target("it", read, lambda: [b'{"a": 1}', b"<a>1</a>"], (b"b",), 1), 200, seed)
        return seen

    assert tried(1) == tried(1)
    assert tried(1) != tried(2)
