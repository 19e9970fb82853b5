"""Runs targets over altered inputs: the same seed tries the same inputs. Each execution is timed in CPU seconds of its thread.

What was read, and what was refused for a reason not met before, joins the corpus: a poor man's coverage, and enough to get past the
first checks. `make fuzz` runs a million; atheris runs the same targets under real coverage where it is installed.
"""

import random
import re
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NamedTuple

from typing_extensions import override

from tests.fuzz.mutate import Mutator
from tests.fuzz.target import REFUSALS, Target

SLOW_S: Final = 0.1
"""An execution that takes longer, each of four times, is a finding."""
HUNG_S: Final = 10.0
"""An execution that takes longer is broken off."""
CORPUS_MAX: Final = 400
AGAIN: Final = 8
"""Every so many executions the input is read a second time, and has to say the same."""
_PARTICULAR: Final = re.compile(r"'[^']*'|\"[^\"]*\"|[0-9]+|b'.*|U\+[0-9A-F]+")


class Finding(NamedTuple):
    """An input that did what none may. `slow_s`: where all that it did was to take so long."""

    target: str
    raw: bytes
    what: str
    slow_s: float = 0

    @override
    def __str__(self) -> str:
        shown = self.raw if len(self.raw) <= 2_000 else self.raw[:2_000] + b"..."
        return f"{self.what}: {self.target}({shown!r})"


class Ran(NamedTuple):
    """What a run of one target came to. `read`: how many inputs were read; `shapes`: reasons of refusals, told apart by words."""

    target: str
    executions: int
    read: int
    shapes: int
    slowest_s: float
    seconds: float
    findings: list[Finding]


class _Hung(BaseException):
    """Nothing that a reader catches."""


@contextmanager
def _broken_off() -> Iterator[None]:
    def hung(number: int, frame: FrameType | None) -> None:
        raise _Hung

    before = signal.signal(signal.SIGVTALRM, hung)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def outcome(target: Target, raw: bytes) -> tuple[str, object]:
    """What reading gives: `read` and a value, `refused` and a sentence, or `crash` and what went wrong."""
    try:
        return "read", target.read(raw)
    except REFUSALS as error:
        return "refused", f"{type(error).__name__}: {error}"
    except _Hung:
        return "crash", f"it took more than {HUNG_S} s"
    except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
        where = traceback.extract_tb(error.__traceback__)[-1]
        return "crash", f"{error!r:.400} in {where.name} ({where.filename}:{where.lineno})"


def timed(target: Target, raw: bytes) -> tuple[float, tuple[str, object]]:
    """The same with the CPU seconds that it took."""
    begin = time.thread_time()
    said = outcome(target, raw)
    return time.thread_time() - begin, said


def judged(target: Target, raw: bytes, *, again: bool) -> tuple[float, tuple[str, object], Finding | None]:
    """One execution, with what is wrong with it."""
    took, said = timed(target, raw)
    if said[0] == "crash":
        return took, said, Finding(target.name, raw, str(said[1]))
    if again and outcome(target, raw) != said:
        return took, said, Finding(target.name, raw, "it reads differently the second time")
    if took > SLOW_S:
        took = min(took, *(timed(target, raw)[0] for _ in range(3)))
        if took > SLOW_S:
            return took, said, Finding(target.name, raw, f"it takes {took:.3f} s of CPU", took)
    return took, said, None


def run(target: Target, executions: int, seed: int) -> Ran:
    """Try so many inputs, the seeds themselves first."""
    mutator = Mutator(random.Random(f"{target.name} {seed}"), target.words)
    corpus = list(target.seeds())
    seen: set[str] = set()
    findings: list[Finding] = []
    read, slowest, begin, first, tried = 0, 0.0, time.process_time(), len(corpus), 0
    with _broken_off():
        for number in range(executions):
            if not number % 64:
                signal.setitimer(signal.ITIMER_VIRTUAL, HUNG_S)
            raw = corpus[number] if number < first else mutator.altered(corpus)
            took, (how, said), finding = judged(target, raw, again=not number % AGAIN)
            slowest, tried = max(slowest, took), tried + 1
            if finding is not None:
                findings.append(finding)
                if len(findings) > 20:
                    break
            read += how == "read"
            shape = _PARTICULAR.sub("", str(said))[:80] if how == "refused" else ""
            if number >= first and len(corpus) < CORPUS_MAX and _is_new(how, shape, seen, number):
                corpus.append(raw)
    return Ran(target.name, tried, read, len(seen), slowest, time.process_time() - begin, findings)


def _is_new(how: str, shape: str, seen: set[str], number: int) -> bool:
    """Whether an input is worth altering further: refused for a new reason, or read (a few of those)."""
    if how == "read":
        return not number % 16
    if shape in seen or len(seen) > 4_000:
        return False
    seen.add(shape)
    return True
