"""A child process whose every storage call under one folder is shown to its parent first, which lets it through, fails it or kills.

The kernel stops the calling thread at each call of the list and asks (seccomp user notification, Linux 5.5 or newer): no
ptrace, no root, no compiler, and about 30 µs a call, so that a warmed process can be forked for each point of a sweep. The
parent sees the calls of all threads of the child in one order, with what they write. Source: seccomp_unotify(2), bpf(4).
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

Verdict = int | Literal["kill"] | None
"""What becomes of a call: None lets it through, an errno fails it before it did anything, "kill" ends the process before it."""

_ARCH, _SECCOMP, _CALLS = {
    "x86_64": (
        0xC000003E,
        317,
        {
            17: "pread64",
            18: "pwrite64",
            74: "fsync",
            75: "fdatasync",
            77: "ftruncate",
            82: "rename",
            83: "mkdir",
            87: "unlink",
            257: "openat",
        },
    ),
    "aarch64": (
        0xC00000B7,
        277,
        {
            67: "pread64",
            68: "pwrite64",
            82: "fsync",
            83: "fdatasync",
            46: "ftruncate",
            38: "renameat",
            34: "mkdirat",
            35: "unlinkat",
            56: "openat",
        },
    ),
}.get(platform.machine(), (0, 0, dict[int, str]()))
_NOTIF: Final = struct.Struct("=QIIiIQ6Q")
_REPLY: Final = struct.Struct("=QqiI")
_RECV: Final = 0xC0000000 | _NOTIF.size << 16 | 0x2100
_SEND: Final = 0xC0000000 | _REPLY.size << 16 | 0x2101
_CONTINUE: Final = 1
_SAID: Final = 1_000_000
"""The descriptor that is none: what a child writes there is said to its parent, in the order of its storage calls."""
SAID: Final = "said"
"""What a word of the child is called among its calls; nothing is decided about it."""
_PATHS: Final = {"rename": 0, "mkdir": 0, "unlink": 0, "renameat": 1, "mkdirat": 1, "unlinkat": 1, "openat": 1}
"""Calls that name a path, and which argument does."""
_PATH_MAX: Final = 4096
DEADLINE_S: Final = 120.0


class Call(NamedTuple):
    """One storage call, before it is made.

    `path`: absolute. `flags`: of an opening. `data`: what is written. `at`: where, or the new length.
    """

    name: str
    path: str
    thread: int
    at: int = 0
    data: bytes = b""
    flags: int = 0


class Outcome(NamedTuple):
    """What a child came to. `code`: its exit code, or minus the signal that ended it. `said`: what it said before that."""

    code: int
    said: list[bytes]


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_char_p))


def say(what: bytes) -> None:
    """In the child: tell the parent, in order with the storage calls."""
    while what:
        what = what[os.pwrite(_SAID, what, 0) :]


def possible() -> str:
    """Why it cannot be done on this machine; empty: it can."""
    if not _CALLS:
        return f"the system calls of {platform.machine()} are not listed"
    try:
        outcome = watched(lambda: say(b"here"), Path("/nowhere"), lambda call, number: None)
    except OSError as error:
        return f"this kernel shows no system calls to a parent (seccomp user notification): {error}"
    return "" if outcome == Outcome(0, [b"here"]) else f"the calls of a child could not be watched: {outcome}"


def _program() -> bytes:
    """Ask about the listed calls, let all others through."""
    numbers = [*_CALLS]
    lines = [struct.pack("=HBBI", 0x20, 0, 0, 4), struct.pack("=HBBI", 0x15, 0, len(numbers) + 1, _ARCH)]
    lines.append(struct.pack("=HBBI", 0x20, 0, 0, 0))
    lines += [struct.pack("=HBBI", 0x15, len(numbers) - index, 0, number) for index, number in enumerate(numbers)]
    lines += [struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000), struct.pack("=HBBI", 0x06, 0, 0, 0x7FC00000)]
    return b"".join(lines)


def _listen() -> int:
    """Put this process under the filter; the descriptor on which its calls are shown."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = _program()
    wanted = _Filter(len(program) // 8, program)
    new_listener, set_filter, no_new_privs = 8, 1, 38
    if libc.prctl(no_new_privs, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    listener = libc.syscall(_SECCOMP, set_filter, new_listener, ctypes.byref(wanted))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return int(listener)


def watched(work: Callable[[], None], root: Path, decide: Callable[[Call, int], Verdict]) -> Outcome:
    """Fork, and do the work there; every storage call under `root` is decided here.

    Args:
        work: done in the child; its end, or what it raises, is the child's.
        root: an absolute folder.
        decide: told each call and how many came before; words of the child in between.

    Raises:
        OSError: this kernel does not offer it.
        TimeoutError: the child did not end.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    child = os.fork()
    if not child:
        _be_child(work, theirs)
    theirs.close()
    with ours:
        word, descriptors, *_ = socket.recv_fds(ours, 16, 1)
    if not descriptors:
        os.waitpid(child, 0)
        number = int(word or b"0")
        raise OSError(number, os.strerror(number))
    watcher = _Watcher(child, descriptors[0], root, decide)
    try:
        watcher.run()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        watcher.close()
    return Outcome(os.waitstatus_to_exitcode(status), watcher.said)


def _be_child(work: Callable[[], None], link: socket.socket) -> None:
    """Hand the listener over, do the work, and end; nothing of the parent's is run on the way out."""
    code = 1
    try:
        try:
            listener = _listen()
        except OSError as error:
            link.send(str(error.errno).encode())
            return
        socket.send_fds(link, [b"0"], [listener])
        os.close(listener)
        link.close()
        work()
        code = 0
    except BaseException as error:  # noqa: BLE001  # told to the parent, whatever it is
        with contextlib.suppress(OSError):
            say(b"raised " + repr(error).encode())
    finally:
        os._exit(code)


class _Watcher:
    """Answers the calls of one child until it is gone."""

    def __init__(self, child: int, listener: int, root: Path, decide: Callable[[Call, int], Verdict]) -> None:
        self._child = child
        self._listener = listener
        self._root = f"{root}/"
        self._decide = decide
        self._memory = os.open(f"/proc/{child}/mem", os.O_RDONLY)
        self._count = 0
        self.said: list[bytes] = []

    def close(self) -> None:
        os.close(self._memory)
        os.close(self._listener)

    def run(self) -> None:
        """Until the child is gone."""
        poll, ends = select.poll(), time.monotonic() + DEADLINE_S
        poll.register(self._listener, select.POLLIN)
        while True:
            ready = poll.poll(1000)
            if time.monotonic() > ends:
                raise TimeoutError(f"the child did not end; it said {self.said[-3:]}")
            if ready and ready[0][1] & select.POLLIN:
                try:
                    self._answer()
                except OSError as error:
                    if error.errno not in (errno.ENOENT, errno.ESRCH, errno.EIO, errno.EINTR):
                        raise
            elif ready:
                return

    def _answer(self) -> None:
        """Take one call and say what becomes of it."""
        raw = bytearray(_NOTIF.size)
        fcntl.ioctl(self._listener, _RECV, raw)
        key, thread, _, number, _, _, *words = _NOTIF.unpack(raw)
        name = _CALLS[number]
        if name == "pwrite64" and words[0] == _SAID:
            self.said.append(os.pread(self._memory, words[2], words[1]))
            self._decide(Call(SAID, "", thread, data=self.said[-1]), self._count)
            self._reply(key, words[2], 0, 0)
            return
        call = self._read(name, thread, words)
        verdict: Verdict = None
        if f"{call.path}/".startswith(self._root):
            verdict = self._decide(call, self._count)
            self._count += 1
        if verdict == "kill":
            os.kill(self._child, signal.SIGKILL)
        elif verdict is None:
            self._reply(key, 0, 0, _CONTINUE)
        else:
            self._reply(key, 0, -verdict, 0)

    def _reply(self, key: int, value: int, error: int, flags: int) -> None:
        fcntl.ioctl(self._listener, _SEND, _REPLY.pack(key, value, error, flags))

    def _read(self, name: str, thread: int, words: list[int]) -> Call:
        if name in _PATHS:
            place = _PATHS[name]
            path = self._text(words[place])
            flags = words[place + 1] if name == "openat" else 0
            target = self._text(words[1 if place == 0 else 3]).encode() if name.startswith("rename") else b""
            return Call(name.removesuffix("at") if name != "openat" else name, path, thread, data=target, flags=flags)
        try:
            path = str(Path(f"/proc/{self._child}/fd/{words[0]}").readlink()).removesuffix(" (deleted)")
        except FileNotFoundError:
            path = ""
        if name == "pwrite64":
            return Call(name, path, thread, at=words[3], data=os.pread(self._memory, words[2], words[1]))
        return Call(name, path, thread, at={"ftruncate": words[1], "pread64": words[3]}.get(name, 0))

    def _text(self, address: int) -> str:
        """A path in the child's memory: up to the next page it may end before."""
        room = min(_PATH_MAX, 4096 - address % 4096)
        raw = os.pread(self._memory, room, address)
        if b"\0" not in raw:
            raw += os.pread(self._memory, _PATH_MAX, address + room)
        return os.fsdecode(raw.split(b"\0", 1)[0])
