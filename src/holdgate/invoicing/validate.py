"""Documents are held against XSD and schematron in a process of its own, with a deadline, off line.

A process, because saxonche keeps memory of every transformation, and because a stylesheet that does not end can be stopped.
"""

import json
import os
import selectors
import subprocess
import sys
from time import monotonic
from types import TracebackType
from typing import IO, Any, Final, Self

import msgspec
from msgspec import Struct

from holdgate.invoicing.fault import Fault
from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import INVOICE_CHECK_BYTES_MAX, INVOICE_CHECKED_MAX

DEADLINE_S: Final = 120.0
"""Of one document, with the start of the process: on a loaded machine it takes seconds."""
_GRACE_S: Final = 5.0
PROGRAM: Final = (sys.executable, "-P", "-m", "holdgate.invoicing.schematron")
"""`-P`: no module of the working directory takes the place of one of ours."""


class Verdict(Struct, frozen=True):
    """What came of a document: unmet rules, and the schemas and schematrons that it was held against."""

    faults: tuple[Fault, ...]
    held: tuple[str, ...]


class _Answer(Struct, frozen=True):
    faults: tuple[tuple[str, str], ...] = ()
    held: tuple[str, ...] = ()
    error: str = ""


class Validator:
    """The process, started at the first document. Use it as a context, or close it. Not for several threads at once."""

    def __init__(
        self,
        deadline_s: float = DEADLINE_S,
        documents_max: int = INVOICE_CHECKED_MAX,
        program: tuple[str, ...] = PROGRAM,
    ) -> None:
        self._deadline_s = deadline_s
        self._documents_max = documents_max
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._served = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(self, syntax: str, xml: bytes) -> Verdict:
        """Hold a document (`ubl` or `cii`) against its schema and its schematron.

        Raises:
            Unavailable: the process does not start, does not answer in time, or fails; nothing is known of the document.
        """
        process = self._running()
        line = json.dumps({"syntax": syntax, "xml": xml.decode()}).encode() + b"\n"
        try:
            raw = _ask(process, line, monotonic() + self._deadline_s)
            answer = msgspec.json.decode(raw, type=_Answer)
        except (OSError, TimeoutError, msgspec.MsgspecError) as error:
            self._kill()
            raise Unavailable(
                f"the document could not be validated ({str(error) or type(error).__name__}); nothing was given out: try again,"
                " and see that holdgate[invoicing] is installed"
            ) from None
        self._served += 1
        if answer.error or not (answer.held or answer.faults):
            self._kill()
            raise Unavailable(
                f"the document could not be validated ({answer.error or 'no answer'}); nothing was given out"
            )
        return Verdict(tuple(Fault(rule, sentence) for rule, sentence in answer.faults), answer.held)

    def stop(self) -> None:
        """Stop the process at once, from any thread: whoever waits for its answer hears that there is none."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process. It may be asked again, which starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        _shut(process.stdin)
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _shut(process.stdout)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and (self._served >= self._documents_max or self._process.poll() is not None):
            self.close()
        if self._process is None:
            self._served = 0
            self._process = subprocess.Popen(  # noqa: S603  # our own program, no shell
                [*self._program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    os.set_blocking(pipe.fileno(), False)
        return self._process

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
        self.close()


def _ask(process: subprocess.Popen[bytes], line: bytes, deadline: float) -> bytes:
    """Write a line and read one, whichever pipe is ready.

    Raises:
        TimeoutError: not by the deadline. OSError: the process ended, or answers without end.
    """
    if process.stdin is None or process.stdout is None:
        raise OSError("no pipes")
    sent, got = 0, bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdin, selectors.EVENT_WRITE)
        ready.register(process.stdout, selectors.EVENT_READ)
        while not got.endswith(b"\n"):
            left = deadline - monotonic()
            events = ready.select(left) if left > 0 else []
            if not events:
                raise TimeoutError("it took too long")
            for key, _ in events:
                if key.fileobj is process.stdin:
                    sent += os.write(key.fd, line[sent : sent + 65_536])
                    if sent == len(line):
                        ready.unregister(process.stdin)
                else:
                    got += _some(key.fd)
                    if len(got) > INVOICE_CHECK_BYTES_MAX:
                        raise OSError("its answer has no end")
    return bytes(got)


def _some(fd: int) -> bytes:
    part = os.read(fd, 65_536)
    if not part:
        raise OSError("the process ended")
    return part


def _shut(pipe: IO[Any] | None) -> None:
    if pipe is not None:
        try:
            pipe.close()
        except OSError:
            return  # what was not sent is lost on purpose
