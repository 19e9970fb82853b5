"""A process that has imported the libraries and nothing of the product, and forks a child for every defect.

What a child imports, changed or not, ends with it; no file of the tree is touched. One line of JSON asks, one line answers.
"""

import contextlib
import importlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from tests.planted.defect import Defect, Outcome, Worlds
from tests.planted.plant import judged

ROOT: Final = Path(__file__).parents[2]
LIBRARIES: Final = (
    *("asyncio", "concurrent.futures.thread", "csv", "email.message", "http.client", "importlib.metadata", "sqlite3"),
    *("tempfile", "urllib.request", "uuid", "zoneinfo", "multiprocessing", "statistics", "html.parser", "zipfile"),
    *("cryptography.hazmat.primitives.ciphers.aead", "cryptography.hazmat.primitives.asymmetric.ed25519"),
    *("cryptography.x509", "hypothesis", "hypothesis.strategies", "lxml.etree", "nacl.bindings"),
    *("cel_expr_python.cel", "google.protobuf.timestamp_pb2", "jsonschema_rs", "rich.console", "rich.table", "rich.live"),
    *("cyclopts", "jinja2", "starlette.applications", "starlette.routing", "uvicorn", "aiohttp", "nats", "yaml", "z3"),
    *("cryptography.hazmat.primitives.serialization.ssh", "httpx", "msgspec", "nacl.pwhash", "stdnum.iban", "requests"),
    *("hypothesis.stateful", "_pytest.unittest", "_pytest.unraisableexception", "_pytest.skipping", "pytest_timeout"),
)
"""What most checks import; a child that finds it imported is seconds faster. None of it imports the product."""


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
        env["HYPOTHESIS_STORAGE_DIRECTORY"] = self._home
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
        self._process.stdin.close()
        self._process.wait(20)
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
        return Outcome("late", f"ended by {os.waitstatus_to_exitcode(status)}", 0, cpu_s)
    return msgspec.structs.replace(msgspec.json.decode(answer, type=Outcome), cpu_s=cpu_s)


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for line in sys.stdin.buffer:
        answers.write(msgspec.json.encode(_forked(msgspec.json.decode(line, type=Ask))) + b"\n")


if __name__ == "__main__":
    _serve()
