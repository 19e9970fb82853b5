"""A process that has imported the product, and forks a child for every defect; the defect ends with its child.

No file of the tree is touched. One line of JSON asks, one line answers.
"""

import contextlib
import gc
import importlib
import os
import pkgutil
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

import holdgate
from tests.planted.defect import Defect, Outcome, Worlds
from tests.planted.plant import judged

ROOT: Final = Path(__file__).parents[2]
BESIDE: Final = (
    "tests.builders",
    "tests.gate_cases",
    "tests.sim.story",
    "requests",
    "hypothesis.stateful",
    "stdnum.iban",
)
"""What many checks import beside the product. Test modules are not among it: pytest reads those its own way."""


class Ask(msgspec.Struct, frozen=True):
    """What a child is to do: run a check, with a defect or without."""

    check: Worlds | str
    defect: Defect | None
    budget: int


class Zygote:
    """Such a process, from outside. It ends with `close`."""

    def __init__(self) -> None:
        self._home = tempfile.mkdtemp(prefix="holdgate-planted-")
        shut_out = ("HOLDGATE_SKIPS", "HOLDGATE_SCORES", "HOLDGATE_TESTS_KEPT", "HOLDGATE_SEED", "HOLDGATE_SIM_SEEDS")
        env = {name: value for name, value in os.environ.items() if name not in shut_out and "PYTEST" not in name}
        env["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        env["HYPOTHESIS_STORAGE_DIRECTORY"] = env["TMPDIR"] = self._home  # what children leave goes with it
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.planted.zygote"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def judge(self, defect: Defect) -> Outcome:
        """What its check says of the product with this defect."""
        return self._ask(Ask(defect.check, defect, defect.budget))

    def sound(self, check: Worlds | str, budget: int) -> Outcome:
        """What the check says of the product as it is: "missed" where all is well."""
        return self._ask(Ask(check, None, budget))

    def _ask(self, ask: Ask) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(ask) + b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Outcome)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()
        shutil.rmtree(self._home, ignore_errors=True)


def _child(ask: Ask, said: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (ask.budget, ask.budget + 1))
    if "HOLDGATE_PLANTED_SHOW" not in os.environ:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
    else:
        os.dup2(2, 1)
    try:
        outcome = judged(ask.defect, ask.check)
    except BaseException as error:  # noqa: BLE001  # a child says what became of it
        outcome = Outcome("broken", repr(error)[:600])
    with os.fdopen(said, "wb") as pipe:
        pipe.write(msgspec.json.encode(outcome))


def _forked(ask: Ask) -> Outcome:
    """Run one in a child; what it used includes its own children."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            _child(ask, writing)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status, used = os.wait4(child, 0)
    cpu_s = round(used.ru_utime + used.ru_stime, 2)
    if not answer:
        return Outcome("late", f"ended by {os.waitstatus_to_exitcode(status)}", cpu_s=cpu_s)
    return msgspec.structs.replace(msgspec.json.decode(answer, type=Outcome), cpu_s=cpu_s)


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    for name in (*(one.name for one in pkgutil.walk_packages(holdgate.__path__, "holdgate.")), *BESIDE):
        with contextlib.suppress(ImportError):  # of an extra that is not installed
            importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin.buffer:
        answers.write(msgspec.json.encode(_forked(msgspec.json.decode(line, type=Ask))) + b"\n")


if __name__ == "__main__":
    _serve()
